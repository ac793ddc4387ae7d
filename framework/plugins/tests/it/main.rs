//! Plugins as a run meets them: found, checked, loaded, isolated, and what becomes of one that misbehaves.
#![expect(clippy::unwrap_used, reason = "a helper of tests is a test")]

mod finding;
mod input;
mod output;
mod unruly;
mod words;
mod world;
