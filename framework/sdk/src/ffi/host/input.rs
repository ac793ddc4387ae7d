//! An input of a plugin.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, SchemaRef};
use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::FFI_ArrowArrayStream;

use crate::Result;
use crate::conf::Section;

use super::super::abi;
use super::super::batches::{Lent, Trust, import, import_schema};
use super::super::wire::{
    Acknowledged, InputChecked, InputDescribed, InputOpening, InputStatus, Next, Place, columns_of,
    from_text, to_text,
};
use super::library::{Library, first_missing};
use super::use_case::{gone, one_batch};
use super::{ask, guarded, text};

/// The first function that an input has and this table has not.
pub(super) fn missing(table: &abi::Input) -> Option<&'static str> {
    first_missing!(
        table,
        describe,
        check,
        open,
        drop,
        next,
        acknowledge,
        status
    )
}

/// An open input of a plugin.
pub struct InputHandle {
    table: &'static abi::Input,
    input: *mut c_void,
}

// SAFETY: as for `OutputHandle`.
unsafe impl Send for InputHandle {}

impl Drop for InputHandle {
    fn drop(&mut self) {
        if let Some(drop) = self.table.drop {
            // SAFETY: `open` gave the handle, and nobody has it any more.
            unsafe { drop(self.input) };
        }
    }
}

/// What an input says next, and the rows of a batch.
pub type Told = (Next, Option<RecordBatch>);

impl Library {
    /// What an input is, and the columns beside its records.
    ///
    /// # Errors
    /// It is no input, or its answer makes no sense.
    pub fn describe_input(&self) -> Result<(InputDescribed, Vec<Field>)> {
        let describe = self.input()?.describe.ok_or_else(gone)?;
        let mut beside = FFI_ArrowSchema::empty();
        let answer = ask("describe", |reply| {
            // SAFETY: the function is of the table; schema and reply outlive the call.
            unsafe { describe(&raw mut beside, reply) }
        })?;
        let fields = columns_of(guarded(|| import_schema(&beside))?);
        let described = from_text::<Option<InputDescribed>>("describe", &answer)?;
        Ok((described.unwrap_or_default(), fields))
    }

    /// Checks a section of an input; the columns of its source, where it gives columns.
    ///
    /// # Errors
    /// It is no input, or its answer makes no sense; mistakes in the section are in the answer.
    pub fn check_input(&self, section: &Section) -> Result<(InputChecked, Option<SchemaRef>)> {
        let check = self.input()?.check.ok_or_else(gone)?;
        let section = to_text(section);
        let mut columns = FFI_ArrowSchema::empty();
        let answer = ask("check", |reply| {
            // SAFETY: as in `describe_input`; the text outlives the call.
            unsafe { check(text(&section), &raw mut columns, reply) }
        })?;
        let columns = guarded(|| import_schema(&columns))?;
        let checked = from_text::<Option<InputChecked>>("check", &answer)?;
        Ok((checked.unwrap_or_default(), columns))
    }

    /// Opens an input.
    ///
    /// # Errors
    /// It is no input; the source cannot be had.
    pub fn open_input(&self, opening: &InputOpening) -> Result<InputHandle> {
        let table = self.input()?;
        let open = table.open.ok_or_else(gone)?;
        let opening = to_text(opening);
        let mut input = ptr::null_mut();
        ask("open", |reply| {
            // SAFETY: as in `check_input`.
            unsafe { open(ptr::null_mut(), text(&opening), &raw mut input, reply) }
        })?;
        Ok(InputHandle { table, input })
    }
}

impl InputHandle {
    /// What comes next within a time.
    ///
    /// # Errors
    /// The whole input cannot go on.
    pub fn next(&mut self, wait: Duration) -> Result<Told> {
        let next = self.table.next.ok_or_else(gone)?;
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let mut records = FFI_ArrowArrayStream::empty();
        let answer = ask("next", |reply| {
            // SAFETY: the function is of the table, the handle `open`'s; stream and reply outlive the
            // call.
            unsafe { next(self.input, wait_ms, &raw mut records, reply) }
        })?;
        let said: Option<Next> = from_text("next", &answer)?;
        let said = said.unwrap_or(Next::Nothing);
        if !matches!(said, Next::Batch(_)) {
            return Ok((said, None));
        }
        let (schema, batches) = guarded(|| import(records, Trust::Plugin(&Lent::default())))?;
        Ok((said, Some(one_batch(&schema, &batches)?)))
    }

    /// See [`Input::acknowledge`](crate::input::Input::acknowledge).
    ///
    /// # Errors
    /// The source refused the commit.
    pub fn acknowledge(&mut self, done: BTreeMap<String, Place>) -> Result<()> {
        let acknowledge = self.table.acknowledge.ok_or_else(gone)?;
        let done = to_text(&Acknowledged(done));
        ask("acknowledge", |reply| {
            // SAFETY: as in `next`; the text outlives the call.
            unsafe { acknowledge(self.input, text(&done), reply) }
        })?;
        Ok(())
    }

    /// How far it is.
    ///
    /// # Errors
    /// Its answer makes no sense.
    pub fn status(&self) -> Result<InputStatus> {
        let status = self.table.status.ok_or_else(gone)?;
        let answer = ask("status", |reply| {
            // SAFETY: as in `next`.
            unsafe { status(self.input, reply) }
        })?;
        Ok(from_text::<Option<InputStatus>>("status", &answer)?.unwrap_or_default())
    }
}
