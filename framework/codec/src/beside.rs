//! Columns that a source has beside the bytes of its records, among those of a format.
//!
//! [`around`] makes a format that has them too: whoever asks for a column need not know which of the two
//! it is from. Where a batch comes without them, as from another input, they are null. Pure, as all
//! formats; what hostile input can cost is the format's.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{cast, take};
use arrow::datatypes::{Field, Fields, Schema, SchemaRef};
use datashark_sdk::input::{HeaderRule, Payloads};

use crate::{CodecError, Columns, Decoded, Decoder, Format, RecordFilter};

/// The format with these columns beside its own; itself where there are none.
pub fn around(format: Arc<dyn Format>, beside: Vec<Field>) -> Arc<dyn Format> {
    match beside.is_empty() {
        true => format,
        false => Arc::new(Beside { format, beside }),
    }
}

#[derive(Debug)]
struct Beside {
    format: Arc<dyn Format>,
    beside: Vec<Field>,
}

impl Beside {
    fn with(&self, fields: &Fields) -> Fields {
        let own = fields.iter().map(|field| field.as_ref().clone());
        own.chain(self.beside.iter().cloned()).collect()
    }

    fn is_beside(&self, field: &Field) -> bool {
        self.beside.iter().any(|it| it.name() == field.name())
    }
}

impl Format for Beside {
    fn name(&self) -> &'static str {
        self.format.name()
    }

    fn columns(&self) -> Columns {
        match self.format.columns() {
            Columns::Fixed(fields) => Columns::Fixed(self.with(&fields)),
            Columns::Open => Columns::Open,
        }
    }

    fn known_columns(&self) -> Fields {
        match self.format.columns() {
            Columns::Fixed(_) => self.format.known_columns(),
            Columns::Open => self.with(&self.format.known_columns()),
        }
    }

    fn found_columns(&self, payloads: &Payloads) -> Vec<Field> {
        let mut found = self.format.found_columns(payloads);
        found.extend(self.beside.iter().cloned());
        found
    }

    fn header(&self) -> HeaderRule {
        self.format.header()
    }

    fn filtering_decoder(
        &self,
        columns: &[Field],
        filter: &Arc<dyn RecordFilter>,
    ) -> Result<Option<Box<dyn Decoder>>, CodecError> {
        if filter.columns().iter().any(|field| self.is_beside(field)) {
            return Ok(None);
        }
        let decoder = self.format.filtering_decoder(&self.own(columns), filter)?;
        Ok(decoder.map(|decoder| self.around(decoder, columns)))
    }

    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError> {
        let decoder = self.format.decoder(&self.own(columns))?;
        Ok(self.around(decoder, columns))
    }
}

impl Beside {
    /// The columns that are the format's.
    fn own(&self, columns: &[Field]) -> Vec<Field> {
        let own = columns.iter().filter(|field| !self.is_beside(field));
        own.cloned().collect()
    }

    /// A decoder of the format's columns with those beside them.
    fn around(&self, decoder: Box<dyn Decoder>, columns: &[Field]) -> Box<dyn Decoder> {
        if !columns.iter().any(|field| self.is_beside(field)) {
            return decoder;
        }
        // The format's own fields as it gives them, which may say more than was asked. By their places:
        // a name may be there twice, with types of its own.
        let given = decoder.schema();
        let (mut sources, mut fields) = (Vec::new(), Vec::new());
        let mut n_own = 0;
        for column in columns {
            if self.is_beside(column) {
                sources.push(Source::Beside);
                fields.push(column.clone());
            } else {
                sources.push(Source::Own(n_own));
                fields.push(given.field(n_own).clone());
                n_own += 1;
            }
        }
        Box::new(BesideDecoder {
            decoder,
            sources,
            schema: Arc::new(Schema::new(fields)),
        })
    }
}

/// Where a column is from.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// The format's column at this place.
    Own(usize),
    /// What the source has of this name.
    Beside,
}

struct BesideDecoder {
    decoder: Box<dyn Decoder>,
    /// Where each of the schema's columns is from.
    sources: Vec<Source>,
    schema: SchemaRef,
}

impl Decoder for BesideDecoder {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn decode(&mut self, payloads: &Payloads) -> Decoded {
        let decoded = self.decoder.decode(payloads);
        let n_rows = decoded.rows.num_rows();
        let column = |(field, source): (&Arc<Field>, &Source)| -> ArrayRef {
            if let Source::Own(idx) = source {
                return Arc::clone(decoded.rows.column(*idx));
            }
            let beside = payloads.beside.as_ref();
            let beside = beside.and_then(|rows| rows.column_by_name(field.name()));
            let of_rows = beside.and_then(|column| match &decoded.record_idx {
                None => Some(Arc::clone(column)),
                Some(record_idx) => take(column, record_idx, None).ok(),
            });
            let typed = of_rows.and_then(|column| cast(&column, field.data_type()).ok());
            typed
                .filter(|column| column.len() == n_rows)
                .unwrap_or_else(|| new_null_array(field.data_type(), n_rows))
        };
        let columns: Vec<ArrayRef> = self
            .schema
            .fields()
            .iter()
            .zip(&self.sources)
            .map(column)
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
        let rows = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .expect("each column has the schema's type and a value for each row");
        Decoded { rows, ..decoded }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray, Int32Array, StringViewArray};
    use arrow::datatypes::{DataType, Int32Type};

    use super::*;
    use crate::registry::no_files;
    use crate::testing::{payloads, text_field};

    fn format() -> Arc<dyn Format> {
        let json = crate::registry::format("json", &Default::default(), &no_files).unwrap();
        let beside = vec![
            Field::new("_partition", DataType::Int32, true),
            Field::new("_key", DataType::Utf8View, true),
        ];
        around(json, beside)
    }

    fn batch() -> Payloads {
        let columns: Vec<(&str, ArrayRef)> = vec![
            (
                "_key",
                Arc::new(StringViewArray::from(vec![Some("a"), None, Some("c")])),
            ),
            ("_partition", Arc::new(Int32Array::from(vec![1, 2, 3]))),
        ];
        Payloads {
            beside: Some(RecordBatch::try_from_iter(columns).unwrap()),
            ..payloads(&[&b"{\"x\":\"1\"}"[..], b"no JSON", b"{\"x\":\"3\"}"])
        }
    }

    #[test]
    fn rows_have_what_stands_beside_their_records() {
        let columns = [
            Field::new("_partition", DataType::Int32, true),
            text_field("x"),
            text_field("_key"),
        ];
        let mut decoder = format().decoder(&columns).unwrap();
        let decoded = decoder.decode(&batch());
        assert_eq!(decoded.rows.schema(), decoder.schema());
        assert_eq!(decoded.invalid.len(), 1);
        let partitions = decoded.rows.column(0).as_primitive::<Int32Type>();
        assert_eq!(partitions.values()[..], [1, 3]);
        let texts = |i: usize| {
            decoded
                .rows
                .column(i)
                .as_string_view()
                .iter()
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(1), [Some("1"), Some("3")]);
        assert_eq!(texts(2), [Some("a"), Some("c")]);
    }

    #[test]
    fn a_name_may_be_asked_for_twice_with_types_of_its_own() {
        let columns = [
            Field::new("_partition", DataType::Int32, true),
            text_field("x"),
            Field::new("x", DataType::Int64, true),
        ];
        let mut decoder = format().decoder(&columns).unwrap();
        let rows = decoder.decode(&batch()).rows;
        assert_eq!(rows.schema(), decoder.schema());
        let numbers = rows.column(2).as_primitive::<arrow::datatypes::Int64Type>();
        assert_eq!(numbers.values()[..], [1, 3]);
        assert_eq!(rows.column(1).as_string_view().value(1), "3");
    }

    #[test]
    fn a_filter_sees_them_as_text_and_another_input_has_none() {
        let columns = [text_field("_partition")];
        let mut decoder = format().decoder(&columns).unwrap();
        let decoded = decoder.decode(&batch());
        let texts: Vec<_> = decoded.rows.column(0).as_string_view().iter().collect();
        assert_eq!(texts, [Some("1"), Some("3")]);
        let without = Payloads {
            beside: None,
            ..batch()
        };
        let decoded = decoder.decode(&without);
        assert_eq!(decoded.rows.column(0).null_count(), 2);
    }

    #[test]
    fn they_are_listed_with_the_formats_own() {
        let known = format().known_columns();
        assert!(known.find("_key").is_some() && format().columns() == Columns::Open);
        let text = crate::registry::format("text", &Default::default(), &no_files).unwrap();
        let both = around(text, vec![Field::new("_key", DataType::Utf8View, true)]);
        let Columns::Fixed(fields) = both.columns() else {
            panic!("fixed")
        };
        let names: Vec<_> = fields.iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["line", "_key"]);
    }
}
