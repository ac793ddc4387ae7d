//! What fuzz targets share: bytes to records, what holds of every decode, and panics that are caught.

use std::sync::Once;

use arrow::array::Array;
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, TimeUnit};
use datashark_codec::lines::split_lines;
use datashark_codec::{Columns, Decoded, Decoder, Format};
use datashark_sdk::input::{Directives, Header, Payloads};

/// For targets whose code catches panics: what Arrow's constructors assert over bytes of a plugin is
/// caught where these are read, and is an error there.
///
/// libFuzzer's own hook ends the process at every panic. Without it only one that nobody catches does.
pub fn caught_panics_are_no_crashes() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| std::panic::set_hook(Box::new(|_| {})));
}

/// The lines of a text, as an input gives them.
pub fn lines(text: &[u8], header: bool) -> Payloads {
    let lines = split_lines(Buffer::from(text), 0);
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Payloads {
        records: lines.records,
        offsets: lines.offsets,
        header: header.then(|| first.into()),
        beside: None,
        first_line: Some(1),
    }
}

/// The lines of a file whose directives begin with `#`.
pub fn marked_lines(text: &[u8]) -> Payloads {
    let mut payloads = lines(text, false);
    payloads.header = Some(Header::Directives(Directives::new(b'#')));
    payloads
}

/// [`check`] of the lines of a file whose directives begin with `#`.
pub fn check_marked(decoder: &mut dyn Decoder, text: &[u8]) -> Decoded {
    let payloads = marked_lines(text);
    let directives = Directives::new(b'#').marked(&payloads.records);
    check(decoder, &payloads, directives.len())
}

/// Checks that a file read in two parts gives what it gave at once.
pub fn check_cut(decoder: &mut dyn Decoder, text: &[u8], whole: &Decoded) {
    let payloads = marked_lines(text);
    let n_records = payloads.records.len();
    let cut = text.len() % (n_records + 1);
    // The end first: nothing is left of what was read before.
    let end = decoder.decode(&payloads.slice(cut, n_records - cut));
    let start = decoder.decode(&payloads.slice(0, cut));
    assert_eq!(start.rows, whole.rows.slice(0, start.rows.num_rows()));
    assert_eq!(
        end.rows,
        whole.rows.slice(start.rows.num_rows(), end.rows.num_rows())
    );
    assert_eq!(
        start.rows.num_rows() + end.rows.num_rows(),
        whole.rows.num_rows()
    );
    assert_eq!(start.invalid.len() + end.invalid.len(), whole.invalid.len());
}

/// A nullable field of text.
pub fn text_field(name: &str) -> Field {
    Field::new(name, DataType::Utf8View, true)
}

/// The type of times.
pub fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Decodes the records and checks what holds of every decode; `n_headers` records are neither rows
/// nor invalid.
pub fn check(decoder: &mut dyn Decoder, payloads: &Payloads, n_headers: usize) -> Decoded {
    let decoded = decoder.decode(payloads);
    check_decoded(&decoded, payloads.records.len() - n_headers);
    assert_eq!(decoded.rows.schema(), decoder.schema());
    decoded
}

/// Checks a format with its known columns in their types, these others as text, all of them as
/// text, and none: the same lines are invalid, but for values that do not fit a type.
pub fn check_named(format: &dyn Format, others: &[&str], payloads: &Payloads) {
    let known = match format.columns() {
        Columns::Fixed(fields) => fields,
        Columns::Open => format.known_columns(),
    };
    let own = known.iter().map(|field| field.as_ref().clone());
    let others: Vec<Field> = others.iter().map(|name| text_field(name)).collect();
    let typed: Vec<Field> = own.chain(others.iter().cloned()).collect();
    let mut decoder = format.decoder(&typed).expect("its own columns");
    let typed = check(&mut *decoder, payloads, 0);
    let mut decoder = format.decoder(&[]).expect("no columns");
    let none = check(&mut *decoder, payloads, 0);
    let invalid: Vec<u32> = typed.invalid.iter().map(|bad| bad.record_idx).collect();
    for bad in &none.invalid {
        assert!(invalid.contains(&bad.record_idx), "{}", bad.reason);
    }
    if format.columns() == Columns::Open {
        let known = known.iter().map(|field| text_field(field.name()));
        let texts: Vec<Field> = known.chain(others).collect();
        let mut decoder = format.decoder(&texts).expect("columns of text");
        assert_eq!(check(&mut *decoder, payloads, 0).invalid, none.invalid);
    }
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
