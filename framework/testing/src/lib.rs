//! Tests of use cases without files, servers or waiting: an input and an output in memory, a clock
//! that stands still, and a runner for folders of cases.
//!
//! A **case** is a folder `tests/cases/<area>/<case>` with
//! - `case.conf`: the conf, with `input = memory` (streaming) or `file = input/…` (batch);
//! - `input/`: the records, a file for each partition, a line for each record;
//! - `expected`: the findings as [`Found::render`] shows them and the account of the records, or
//!   `expected.error`: a line for each part of the message that the user must see.
//!
//! [`run_cases`] runs every case straight, with tiny batches on several threads, killed in the
//! middle and started again, and with its records spread over other partitions: all must give what
//! is expected. With `UPDATE_CASES=1` in the environment it writes `expected` instead.
//!
//! ```no_run
//! # fn test(use_case: datashark_sdk::UseCaseEntry) {
//! datashark_testing::run_cases("tests/cases".as_ref(), &[use_case]).unwrap();
//! # }
//! ```

mod case;
pub mod conformance;
mod input;
mod output;

pub use case::{run_case, run_cases};
pub use input::{Batches, MemoryBatch, MemoryInput, Partition, Script};
pub use output::{Found, MemoryOutput};
