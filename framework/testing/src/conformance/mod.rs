//! What every use case, output and input keeps to, as checks that a third party runs on its own.
//!
//! Each function gives all that it found wrong, a line each; nothing is nothing. What is checked stands
//! at the function. A plugin passes its entry, as `export_usecase!` and its like make it, and a sample.
//!
//! ```no_run
//! # fn test(entry: datashark_sdk::UseCaseEntry, rows: datashark_sdk::arrow::array::RecordBatch) {
//! use datashark_sdk::conf::Section;
//! use datashark_testing::conformance::{UseCaseSample, use_case};
//!
//! let conf = Section::from_iter([("at_least", "3")]);
//! let sample = UseCaseSample { conf, rows: Some(rows), ..UseCaseSample::default() };
//! assert_eq!(use_case(entry, &sample), [""; 0]);
//! # }
//! ```

mod input;
mod output;
mod use_case;

use std::panic::{AssertUnwindSafe, catch_unwind};

use datashark_sdk::Result;
use datashark_sdk::conf::{Problems, Section};

pub use input::{InputSample, input};
pub use output::{OutputSample, output};
pub use use_case::{UseCaseSample, use_case};

/// A key that nobody has.
const UNKNOWN: &str = "no_such_key_of_anybody";

/// What was found wrong.
#[derive(Default)]
struct Wrongs(Vec<String>);

impl Wrongs {
    fn say(&mut self, what: impl Into<String>) {
        self.0.push(what.into());
    }

    fn unless(&mut self, is_right: bool, what: &str) {
        if !is_right {
            self.say(what);
        }
    }

    /// Runs something that has to succeed.
    fn must<T>(&mut self, what: &str, run: impl FnOnce() -> Result<T>) -> Option<T> {
        match self.may_fail(what, run)? {
            Ok(done) => Some(done),
            Err(error) => {
                self.say(format!("{what}: {error}"));
                None
            }
        }
    }

    /// Runs something that may give an error, but must not panic.
    fn may_fail<T>(&mut self, what: &str, run: impl FnOnce() -> Result<T>) -> Option<Result<T>> {
        let ran = catch_unwind(AssertUnwindSafe(run));
        if ran.is_err() {
            self.say(format!("{what}: it panics"));
        }
        ran.ok()
    }

    /// A section with a key that nobody has must be refused, and the key named.
    fn refuses_unknown(&mut self, section: &Section, check: impl FnOnce(&Section) -> Problems) {
        let mut section = section.clone();
        section.insert(UNKNOWN, "1");
        let problems = check(&section);
        let is_named = problems.iter().any(|problem| {
            !problem.warning && (problem.path == [UNKNOWN] || problem.message.contains(UNKNOWN))
        });
        self.unless(
            is_named,
            "an unknown key is not refused: derive `Deserialize` with `deny_unknown_fields`",
        );
    }
}
