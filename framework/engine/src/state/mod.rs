//! The state folder: what lies in it, how it is written, and how damage is found.
//!
//! ```text
//! state/daemon.lock               the daemon's process number; locked while it runs
//! state/<use case>/
//!     lock                        empty; locked while a run has the folder
//!     checkpoint.json             how far the use case has come                    checkpoint.rs
//!     checkpoint.previous.json    the one before it, for when that one is damaged
//!     model.json                  the trained model                                model.rs
//!     arrivals                    when records arrived                             run/arrivals.rs
//!     late.ndjson                 late records, where the conf keeps them          aside.rs
//!     quarantine/*.ndjson.zst     what could not be used, with the reason          quarantine/
//!     <output>.spool              findings that wait; no state, it dies with a run deliver/spool.rs
//!     *.new                       a file that a crash kept from becoming one
//!     *.damaged, *.damaged-2      what was damaged, put aside for a person to look at
//! ```
//!
//! | file | version | checksum (CRC-32) | damaged |
//! |---|---|---|---|
//! | `checkpoint.json` | `version`, 3 | of the file, as its last member | the previous one is gone on from; without it the run ends and says so |
//! | `model.json` | `version`, 2 | of the file, as its last member | trained anew |
//! | `arrivals` | its first line, 2 | of each line, as its last field | a note that is damaged is left out: its records count as arrived with those behind them, or now |
//! | `late.ndjson` | the checkpoint's | of each line, as its last member | nobody reads it but people |
//! | `quarantine` | the checkpoint's | zstd's, of each frame | a damaged file is written to no more |
//!
//! Files of the versions before have no checksum and are read all the same. What is of a later version
//! than this build knows is no damage: the run ends and says so.
//!
//! # What holds
//! - What is damaged is never used and never deleted: it is put aside, and one line says which file,
//!   what is wrong, and what is done about it.
//! - The input's log is the state. The previous checkpoint reads some of it again, takes back what
//!   the outputs were given since, and delivers that again.
//! - A file is replaced by writing it beside the old one, syncing it, renaming it and syncing the
//!   folder. Of a file that is appended to, the length that counts is in the checkpoint, which is
//!   written after it was synced, and its folder where the file is new.
//!
//! A checksum is against what disks and crashes do, not against people.

pub(crate) mod checksum;
mod inspect;
pub(crate) mod write;

pub use inspect::{Condition, Repaired, StateFile, inspect, repair};
