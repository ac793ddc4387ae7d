//! What formats of named values say of themselves: it follows from how they find the values.

use std::fmt::Debug;

use arrow::datatypes::{Field, Fields};
use datashark_sdk::input::Payloads;

use super::{NamedDecoder, Scan, fields, found_columns};
use crate::timestamp::device::Times;
use crate::{CodecError, Columns, Decoder, Format};

/// A format whose records are named values.
pub(crate) trait NamedFormat: Debug + Send + Sync {
    /// The name that the conf uses.
    const NAME: &'static str;

    /// Finds the values.
    type Scan: Scan + 'static;

    fn scan(&self) -> Self::Scan;

    /// How times are read.
    fn times(&self) -> &Times;
}

impl<F: NamedFormat> Format for F {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn columns(&self) -> Columns {
        Columns::Open
    }

    fn known_columns(&self) -> Fields {
        fields(F::Scan::KNOWN)
    }

    fn found_columns(&self, payloads: &Payloads) -> Vec<Field> {
        found_columns(&self.scan(), payloads)
    }

    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError> {
        let times = self.times().clone();
        let decoder = NamedDecoder::try_new(F::NAME, self.scan(), times, columns)?;
        Ok(Box::new(decoder))
    }
}
