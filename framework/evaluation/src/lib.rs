//! How well findings rank what is labelled.
//!
//! An evaluation has records as columns ([`RecordBatch`](arrow::array::RecordBatch)), a label for each
//! of them ([`Labels`]), and for each of several methods a score for each of them. What is compared are
//! [`Items`]: the records, or groups of them. [`measure`] makes a line of the table of a method's scores.
//!
//! | module | what |
//! |---|---|
//! | [`inject`] | attacks that are made up, among real records |
//! | [`Labels`] | which records are of an attack, and of which |
//! | [`matching`] | the finding of each record |
//! | [`baseline`] | what is simple: volume, rarity, an isolation forest, chance |
//! | [`measure`] | precision, areas under curves, alerts a day, time to detect |
//! | [`table`] | the lines as text, CSV or JSON |
//!
//! Everything here is pure: columns in, numbers out; the same seed gives the same, whatever the threads.

pub mod baseline;
pub mod inject;
mod items;
mod labels;
pub mod matching;
pub mod measure;
pub mod role;
pub mod table;

pub use items::Items;
pub use labels::{Label, Labels, LabelsError};

/// Microseconds since 1970-01-01 UTC.
pub type Micros = i64;
