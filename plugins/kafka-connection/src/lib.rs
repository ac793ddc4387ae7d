//! How the input and the output `kafka` connect: their common keys, what these are to librdkafka, and
//! what its errors say to a user.
//!
//! Both sections, `[in_kafka]` and `[out_kafka]`, have these keys beside their own:
//!
//! | key | default | meaning |
//! |---|---|---|
//! | `bootstrap_servers` | | the brokers to begin with: `a:9092, b:9092` |
//! | `host`, `port` | `127.0.0.1`, `9092` | in place of them, one broker |
//! | `tls` | `false` | whether connections are encrypted |
//! | `ca_file` | the system's | TLS: a PEM file with the authorities to trust |
//! | `verify` | `true` | TLS: `false` trusts whoever answers, and with it whoever stands between |
//! | `cert_file`, `key_file` | none | TLS: the certificate to show to the brokers and its key, PEM |
//! | `sasl` | none | how to log in: `plain`, `scram-sha-256` or `scram-sha-512` |
//! | `user`, `password` | | the login; `${env:NAME}` is a variable of the environment |
//! | `password_file` | | in place of `password`, a file whose first line it is |
//! | `[[options]]` | | any property of librdkafka, by its own name: `fetch.max.bytes = 10485760` |
//!
//! [`conf!`] makes a section's type of them, [`Connection::client`] the configuration of a client.
//! What a plugin relies on (`enable.auto.commit`, `acks`, …) is not the options' to change.
//!
//! # Errors
//! librdkafka tries again by itself and tells of it over and over, in several lines each time.
//! [`Complaints`] says each kind of trouble once, until all was well in between, and tells which of
//! them trying again will not help.

mod complaints;
mod conf;
mod connection;

pub use complaints::{Complaints, Trouble};
pub use connection::{Connection, Sasl};

#[doc(hidden)]
pub use serde;
