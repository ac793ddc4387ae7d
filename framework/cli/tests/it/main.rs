//! The binary as a user sees it: standard output, standard error, exit status, files left behind.
//!
//! One test binary, since linking DataFusion takes long.
#![expect(clippy::unwrap_used, reason = "a helper of tests is a test")]

mod anomaly;
mod chaos;
mod checking;
mod codec;
mod console;
mod daemon;
mod damage;
mod delivery;
mod doctor;
mod eval;
mod exactly_once;
mod feedback;
mod hits;
mod http;
mod idle;
mod ingest;
mod ingest_mistakes;
mod instances;
mod kafka;
mod killed;
mod live;
mod mistakes;
mod ml;
mod netflow;
mod outage;
mod plugins;
mod poison;
mod progress;
mod quarantine;
mod real_logs;
mod reloads;
mod replay;
mod replay_diff;
mod replay_kafka;
mod rewind;
mod search;
mod shark;
mod signals;
mod spill;
mod sql;
mod stream;
mod third_party;
mod watching;
