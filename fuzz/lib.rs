//! What the codecs' fuzz targets share: bytes to records, and what holds of every decode.

use arrow::array::Array;
use arrow::buffer::{BooleanBuffer, Buffer};
use arrow::datatypes::{DataType, Field, TimeUnit};
use datashark_codec::lines::split_lines;
use datashark_codec::{Decoded, Decoder};
use datashark_sdk::input::Payloads;

/// The lines of a text, as an input gives them.
pub fn lines(text: &[u8], header: bool) -> Payloads {
    let lines = split_lines(Buffer::from(text), 0);
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Payloads {
        records: lines.records,
        offsets: lines.offsets,
        header: header.then(|| first.into()),
        first_line: Some(1),
    }
}

/// A nullable field of text.
pub fn text_field(name: &str) -> Field {
    Field::new(name, DataType::Utf8View, true)
}

/// The type of times.
pub fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Decodes all records and every third, and checks what holds of every decode; `n_headers` records
/// are neither rows nor invalid.
pub fn check(decoder: &mut dyn Decoder, payloads: &Payloads, n_headers: usize) -> Decoded {
    let all = decoder.decode(payloads, None);
    check_decoded(&all, payloads.records.len() - n_headers);
    assert_eq!(all.rows.schema(), decoder.schema());
    let selection = BooleanBuffer::collect_bool(payloads.records.len(), |i| i % 3 == 1);
    let some = decoder.decode(payloads, Some(&selection));
    check_decoded(&some, selection.count_set_bits());
    let selected = all
        .invalid
        .iter()
        .filter(|invalid| invalid.record_idx % 3 == 1)
        .cloned();
    assert_eq!(
        some.invalid,
        selected.collect::<Vec<_>>(),
        "a selection changes no verdict"
    );
    all
}

fn check_decoded(decoded: &Decoded, n_records: usize) {
    assert_eq!(decoded.rows.num_rows() + decoded.invalid.len(), n_records);
    if let Some(record_idx) = &decoded.record_idx {
        assert_eq!(record_idx.len(), decoded.rows.num_rows());
        assert!(record_idx.values().is_sorted_by(|a, b| a < b));
    } else {
        assert!(decoded.invalid.is_empty());
    }
    for column in decoded.rows.columns() {
        column.to_data().validate_full().expect("columns are sound");
    }
}
