//! What the tests of every format need.

use arrow::array::{AsArray, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field};
use datashark_sdk::input::Payloads;

use crate::lines::split_lines;
use crate::view::view;
use crate::{Decoded, Format};

/// Records of one block, side by side, with `\n` between them.
pub(crate) fn payloads<B: AsRef<[u8]>>(records: &[B]) -> Payloads {
    let (mut block, mut ends) = (Vec::new(), Vec::new());
    for record in records {
        let start = block.len();
        block.extend_from_slice(record.as_ref());
        ends.push((start, block.len()));
        block.push(b'\n');
    }
    let views: Vec<_> = ends
        .iter()
        .map(|&(start, end)| view(&block, start, end - start, 0))
        .collect();
    let records =
        arrow::array::BinaryViewArray::try_new(views.into(), vec![Buffer::from_vec(block)], None);
    Payloads {
        records: records.unwrap(),
        offsets: ends.iter().map(|&(start, _)| start as u64).collect(),
        header: None,
        first_line: Some(1),
    }
}

/// The lines of a text.
pub(crate) fn lines(text: &[u8]) -> Payloads {
    let lines = split_lines(Buffer::from(text), 0);
    Payloads {
        records: lines.records,
        offsets: lines.offsets,
        header: None,
        first_line: Some(1),
    }
}

/// A nullable field of text.
pub(crate) fn text_field(name: &str) -> Field {
    Field::new(name, DataType::Utf8View, true)
}

/// Decodes text columns of all records.
pub(crate) fn decode_text<B: AsRef<[u8]>>(
    format: &dyn Format,
    columns: &[&str],
    records: &[B],
) -> Decoded {
    let fields: Vec<_> = columns.iter().map(|name| text_field(name)).collect();
    format
        .decoder(&fields)
        .unwrap()
        .decode(&payloads(records), None)
}

/// The texts of a column, row by row.
pub(crate) fn texts(rows: &RecordBatch, column: usize) -> Vec<Option<&str>> {
    rows.column(column).as_string_view().iter().collect()
}
