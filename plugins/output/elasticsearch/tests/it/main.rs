//! The output as the engine drives it: against a double that fails on demand, and against real
//! servers.

#![expect(clippy::unwrap_used, reason = "a helper of tests is a test")]

mod double;
mod faults;
mod findings;
mod hostile;
mod servers;
mod tls;
