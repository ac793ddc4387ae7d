//! What the tests of every format need.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Int64Type, TimestampMicrosecondType};
use datashark_sdk::input::{Directives, Header, Payloads};

use crate::lines::split_lines;
use crate::view::view;
use crate::{Columns, Decoded, Format};

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
        beside: None,
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
        beside: None,
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
    format.decoder(&fields).unwrap().decode(&payloads(records))
}

/// The texts of a column, row by row.
pub(crate) fn texts(rows: &RecordBatch, column: usize) -> Vec<Option<&str>> {
    rows.column(column).as_string_view().iter().collect()
}

/// The lines of a file of directives, from the line at `start` on, as an input gives them.
pub(crate) fn lines_behind(text: &[u8], start: usize) -> Payloads {
    let mut payloads = lines(text);
    payloads.header = Some(Header::Directives(Directives::new(b'#')));
    payloads.slice(start, payloads.records.len() - start)
}

/// The fields of these columns, with the types that the format gives them.
pub(crate) fn typed_fields(format: &dyn Format, columns: &[&str]) -> Vec<Field> {
    let known = match format.columns() {
        Columns::Fixed(fields) => fields,
        Columns::Open => format.known_columns(),
    };
    let field = |name: &&str| match known.find(name) {
        Some((_, field)) => field.as_ref().clone(),
        None => text_field(name),
    };
    columns.iter().map(field).collect()
}

/// The field of this column, with the type that the format gives it.
pub(crate) fn typed_field(format: &dyn Format, column: &str) -> Field {
    typed_fields(format, &[column]).remove(0)
}

/// The values of a line as text, times as RFC 3339 in UTC; else why the line is invalid.
pub(crate) fn values(
    format: &dyn Format,
    columns: &[&str],
    line: &str,
) -> Result<Vec<Option<String>>, String> {
    let fields = typed_fields(format, columns);
    let mut decoder = format.decoder(&fields).unwrap();
    let decoded = decoder.decode(&payloads(&[line]));
    match decoded.invalid.first() {
        Some(invalid) => Err(invalid.reason.clone()),
        None => Ok(decoded.rows.columns().iter().map(text_of).collect()),
    }
}

/// As [`values`], of a line that is valid, with `-` for what is null.
pub(crate) fn shown<const N: usize>(
    format: &dyn Format,
    columns: [&str; N],
    line: &str,
) -> [String; N] {
    let values = values(format, &columns, line).expect(line);
    let values = values
        .into_iter()
        .map(|value| value.unwrap_or_else(|| "-".to_owned()));
    values.collect::<Vec<_>>().try_into().unwrap()
}

/// A value as it is printed, `-` for null.
pub(crate) fn printed(column: &dyn Array, row: usize) -> String {
    let options = arrow::util::display::FormatOptions::new().with_null("-");
    let formatter = arrow::util::display::ArrayFormatter::try_new(column, &options);
    formatter.unwrap().value(row).to_string()
}

fn text_of(column: &ArrayRef) -> Option<String> {
    if column.is_null(0) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Utf8View => column.as_string_view().value(0).to_owned(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(0).to_string(),
        _ => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(0);
            let time = chrono::DateTime::from_timestamp_micros(micros).unwrap();
            time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
        }
    })
}

/// Checks what holds of every decode: each record gives a row or is invalid, and the same are
/// invalid for all text columns and for none.
pub(crate) fn check_verdicts<B: AsRef<[u8]>>(
    format: &dyn Format,
    columns: &[&str],
    records: &[B],
) -> Decoded {
    let all = decode_text(format, columns, records);
    assert_eq!(all.rows.num_rows() + all.invalid.len(), records.len());
    assert_eq!(decode_text(format, &[], records).invalid, all.invalid);
    all
}
