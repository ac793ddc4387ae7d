//! An output of a plugin.

use std::ffi::c_void;
use std::ptr;

use arrow::datatypes::Schema;

use crate::conf::Section;
use crate::output::{FindingsBatch, Outcome};
use crate::{Error, Result};

use super::super::abi;
use super::super::batches::export_schema;
use super::super::cross_findings::with_ids;
use super::super::stream::export;
use super::super::wire::{OutputChecked, OutputOpening, Written, from_text, to_text};
use super::library::{Library, first_missing};
use super::use_case::gone;
use super::{ask, text};

/// The first function that an output has and this table has not.
pub(super) fn missing(table: &abi::Output) -> Option<&'static str> {
    first_missing!(table, check, open, drop, write, sync, delivered)
}

/// An open output of a plugin.
pub struct OutputHandle {
    table: &'static abi::Output,
    output: *mut c_void,
}

// SAFETY: the interface asks that an output can be moved between threads before its first call; who has
// it here calls it by `&mut self`, so by one thread at a time.
unsafe impl Send for OutputHandle {}

impl Drop for OutputHandle {
    fn drop(&mut self) {
        if let Some(drop) = self.table.drop {
            // SAFETY: `open` gave the handle, and nobody has it any more.
            unsafe { drop(self.output) };
        }
    }
}

impl Library {
    /// Checks a section of an output.
    ///
    /// # Errors
    /// It is no output, or its answer makes no sense; mistakes in the section are in the answer.
    pub fn check_output(&self, section: &Section) -> Result<OutputChecked> {
        let check = self.output()?.check.ok_or_else(gone)?;
        let section = to_text(section);
        let answer = ask("check", |reply| {
            // SAFETY: the function is of the table; text and reply outlive the call.
            unsafe { check(ptr::null_mut(), text(&section), reply) }
        })?;
        Ok(from_text::<Option<OutputChecked>>("check", &answer)?.unwrap_or_default())
    }

    /// Opens an output.
    ///
    /// # Errors
    /// It is no output; the target cannot be had.
    pub fn open_output(&self, opening: &OutputOpening, schema: &Schema) -> Result<OutputHandle> {
        let table = self.output()?;
        let open = table.open.ok_or_else(gone)?;
        let opening = to_text(opening);
        let mut schema = export_schema(schema)?;
        let mut output = ptr::null_mut();
        ask("open", |reply| {
            // SAFETY: as in `check_output`; the schema outlives the call.
            unsafe { open(text(&opening), &raw mut schema, &raw mut output, reply) }
        })?;
        Ok(OutputHandle { table, output })
    }
}

impl OutputHandle {
    /// See [`Output::write`](crate::output::Output::write).
    pub fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        self.try_write(batches).unwrap_or_else(Outcome::Stop)
    }

    fn try_write(&mut self, batches: &[FindingsBatch]) -> Result<Outcome> {
        let write = self.table.write.ok_or_else(gone)?;
        let findings = batches.iter().map(cross).collect::<Result<Vec<_>>>();
        let mut findings = findings?;
        let answer = ask("write", |reply| {
            // SAFETY: the function is of the table, the handle `open`'s; findings and reply outlive
            // the call.
            unsafe { write(self.output, findings.as_mut_ptr(), findings.len(), reply) }
        })?;
        let n_findings = batches.iter().map(|batch| batch.findings.len()).sum();
        Ok(from_text::<Written>("write", &answer)?.into_outcome(n_findings))
    }

    /// See [`Output::sync`](crate::output::Output::sync).
    ///
    /// # Errors
    /// It cannot be made durable.
    pub fn sync(&mut self) -> Result<Option<String>> {
        let sync = self.table.sync.ok_or_else(gone)?;
        let answer = ask("sync", |reply| {
            // SAFETY: as in `try_write`.
            unsafe { sync(self.output, reply) }
        })?;
        from_text("sync", &answer)
    }

    /// See [`Output::delivered`](crate::output::Output::delivered).
    ///
    /// # Errors
    /// The plugin's own.
    pub fn delivered(&self, n_findings: usize) -> Result<String> {
        let delivered = self.table.delivered.ok_or_else(gone)?;
        let answer = ask("delivered", |reply| {
            // SAFETY: as in `try_write`.
            unsafe { delivered(self.output, n_findings as u64, reply) }
        })?;
        String::from_utf8(answer).map_err(|_| Error::internal("`delivered` gave no UTF-8"))
    }
}

/// Findings as they cross: their ids before their columns.
fn cross(batch: &FindingsBatch) -> Result<abi::Findings> {
    let rows = with_ids(batch)?;
    Ok(abi::Findings {
        use_case: text(batch.use_case.as_bytes()),
        window: abi::Interval {
            start: batch.window.start,
            end: batch.window.end,
        },
        time: batch.time,
        rows: export(&rows.schema(), vec![rows]),
    })
}
