//! The input against a real broker; a mock cluster only for what that does not do on demand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod broker;
mod faults;
mod group;
mod reading;
mod secured;
mod seen;
