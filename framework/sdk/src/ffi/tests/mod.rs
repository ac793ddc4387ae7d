//! Both sides of the interface in one process: what goes across, and what is refused.

mod batches;
mod extras;
mod inputs;
mod outputs;
mod plugins;
mod tables;
