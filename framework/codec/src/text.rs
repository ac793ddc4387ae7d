//! `text`: a record is a line, in one column.
//!
//! The column `line` shares the records' blocks. A record that is not UTF-8 is kept, with U+FFFD
//! for each bad sequence, and counted; so every record gives a row. There are no options.

use arrow::datatypes::{DataType, Field, SchemaRef};
use datashark_sdk::input::Payloads;
use serde::Deserialize;

use crate::column::Column;
use crate::fixed_columns::check_columns;
use crate::record::Record;
use crate::rows::{Parse, Rows, Utf8};
use crate::{CodecError, Columns, Decoded, Decoder, Format};

const NAME: &str = "text";

/// `[codec]` of `text`: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextOptions {}

/// Lines as they are.
#[derive(Debug, Clone, Default)]
pub struct Text {}

impl Text {
    /// The format.
    pub fn new() -> Self {
        Text {}
    }
}

impl Format for Text {
    fn name(&self) -> &'static str {
        NAME
    }

    fn columns(&self) -> Columns {
        Columns::Fixed(vec![Field::new("line", DataType::Utf8View, true)].into())
    }

    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError> {
        check_columns(NAME, &self.columns(), columns)?;
        Ok(Box::new(TextDecoder {
            rows: Rows::try_new(NAME, columns)?,
        }))
    }
}

struct TextDecoder {
    rows: Rows,
}

impl Decoder for TextDecoder {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn decode(&mut self, payloads: &Payloads) -> Decoded {
        self.rows.decode(&mut Line, payloads, None)
    }
}

struct Line;

impl Parse for Line {
    const UTF8: Utf8 = Utf8::Replace;

    #[inline]
    fn parse(&mut self, record: &Record<'_>, columns: &mut [Column]) -> Result<(), String> {
        for column in columns {
            if let Column::Text(text) = column {
                text.push_record(record);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};

    use super::*;
    use crate::testing::{payloads, text_field};

    fn decode(lines: &[&[u8]]) -> Decoded {
        let mut decoder = Text::new().decoder(&[text_field("line")]).unwrap();
        decoder.decode(&payloads(lines))
    }

    #[test]
    fn a_line_is_a_row() {
        let decoded = decode(&[b"one", b"", "zwölf Boxkämpfer".as_bytes()]);
        let lines: Vec<_> = decoded
            .rows
            .column(0)
            .as_string_view()
            .iter()
            .flatten()
            .collect();
        assert_eq!(lines, ["one", "", "zwölf Boxkämpfer"]);
        assert_eq!((decoded.record_idx, decoded.n_replaced), (None, 0));
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_counted() {
        let decoded = decode(&[b"ok", b"a\xFFb", b"a long line with \xC3 cut", b"\xE2\x82"]);
        let lines: Vec<_> = decoded
            .rows
            .column(0)
            .as_string_view()
            .iter()
            .flatten()
            .collect();
        assert_eq!(
            lines,
            [
                "ok",
                "a\u{FFFD}b",
                "a long line with \u{FFFD} cut",
                "\u{FFFD}"
            ]
        );
        assert_eq!(decoded.n_replaced, 3);
    }

    #[test]
    fn no_column_still_gives_a_row_for_each_record() {
        let mut decoder = Text::new().decoder(&[]).unwrap();
        let decoded = decoder.decode(&payloads(&[b"a", b"b"]));
        assert_eq!(
            (decoded.rows.num_columns(), decoded.rows.num_rows()),
            (0, 2)
        );
    }

    #[test]
    fn long_lines_share_their_block() {
        let payloads = payloads(&[b"a line of more than twelve bytes"]);
        let mut decoder = Text::new().decoder(&[text_field("line")]).unwrap();
        let decoded = decoder.decode(&payloads);
        let ours = decoded.rows.column(0).as_string_view().data_buffers()[0].as_ptr();
        assert_eq!(ours, payloads.records.data_buffers()[0].as_ptr());
        assert_eq!(decoded.rows.column(0).null_count(), 0);
    }

    #[test]
    fn another_column_is_refused() {
        let error = Text::new().decoder(&[text_field("message")]).err().unwrap();
        assert_eq!(
            error.to_string(),
            "format `text` has no column `message`; it has line"
        );
    }
}
