//! Both sides of the interface in one process: what goes across, and what is refused.

mod batches;
mod extras;
mod plugins;
mod tables;
