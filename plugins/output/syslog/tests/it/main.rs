//! The output against real servers: rsyslog and syslog-ng, each test with servers of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod delivery;
mod findings;
mod parsing;
mod received;
mod server;
mod tls;
