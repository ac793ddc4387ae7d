//! The output against a real broker.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod broker;
mod delivery;
mod findings;
