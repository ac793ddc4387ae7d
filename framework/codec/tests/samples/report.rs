//! What a snapshot says of a file.

use std::collections::BTreeMap;
use std::fmt::Write;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, TimestampMicrosecondType};
use datashark_codec::{Columns, Decoded, Format, registry};
use datashark_sdk::conf::Section;
use datashark_sdk::input::{Directives, Header, HeaderRule};
use serde_json::Value;

use super::kinds::Samples;
use super::read::Sample;

/// The first line of a file's part.
pub(crate) fn title(samples: &Samples, name: &str) -> String {
    let mut title = name.to_owned();
    let (product, having) = match samples.records {
        super::kinds::Records::Cases { product, having } => (product, having),
        _ => ("", ""),
    };
    let said = [("product", product), ("having", having)];
    for (key, value) in said.iter().chain(samples.options) {
        if !value.is_empty() {
            let _ = write!(title, ", {key} {value}");
        }
    }
    title
}

/// The part of a file.
pub(crate) fn part(samples: &Samples, title: &str, sample: &Sample) -> String {
    let options = Section::from_iter(samples.options.iter().copied());
    let format = registry::format(samples.format, &options, &registry::no_files).unwrap();
    let fields = fields(&*format, samples);
    let mut payloads = sample.payloads.clone();
    payloads.header = match format.header() {
        HeaderRule::None => None,
        HeaderRule::FirstLine => Some((&*sample.first_line).into()),
        HeaderRule::Directives(mark) => Some(Header::Directives(Directives::new(mark))),
    };
    let decoded = format.decoder(&fields).unwrap().decode(&payloads);
    let mut part = format!("{title}\n");
    let (n_rows, n_invalid) = (decoded.rows.num_rows(), decoded.invalid.len());
    let _ = write!(part, "  {n_rows} parsed, {n_invalid} invalid");
    if decoded.n_replaced > 0 {
        let _ = write!(part, ", {} with bytes replaced", decoded.n_replaced);
    }
    part.push('\n');
    invalid(&mut part, &decoded, sample);
    filled(&mut part, &decoded, format.columns() == Columns::Open);
    for (column, path) in samples.expected {
        reproduced(&mut part, &decoded, sample, column, path);
    }
    part
}

/// The asked columns: all that a format has, and those that the row names.
fn fields(format: &dyn Format, samples: &Samples) -> Vec<Field> {
    let known = match format.columns() {
        Columns::Fixed(fields) => fields,
        Columns::Open => format.known_columns(),
    };
    let known = known.iter().map(|field| field.as_ref().clone());
    let others = samples.columns.iter();
    let others = others.map(|name| Field::new(*name, DataType::Utf8View, true));
    known.chain(others).collect()
}

/// Each reason, how many records it holds of and which lines those are.
fn invalid(part: &mut String, decoded: &Decoded, sample: &Sample) {
    let mut reasons: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for bad in &decoded.invalid {
        let lines = reasons.entry(without_quotes(&bad.reason)).or_default();
        lines.push(sample.line_numbers[bad.record_idx as usize]);
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, lines)| std::cmp::Reverse(lines.len()));
    for (reason, lines) in reasons {
        let _ = writeln!(part, "  {} invalid: {reason}", lines.len());
        let _ = writeln!(part, "    lines {}", ranges(&lines));
    }
}

/// A reason without what it quotes of the record, and where that stands.
fn without_quotes(reason: &str) -> String {
    let behind = |lead: &str| reason.find(lead).map(|at| at + lead.len() - 1);
    let start = behind("found `")
        .or_else(|| behind("` is `"))
        .or_else(|| reason.find('`'));
    let mut shown = match (start, reason.rfind('`')) {
        (Some(start), Some(end)) => format!("{}`…`{}", &reason[..start], &reason[end + 1..]),
        _ => reason.to_owned(),
    };
    if let Some(at) = shown.find(" at byte ") {
        let digits = at + " at byte ".len();
        let n_digits = shown[digits..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        shown.replace_range(at..digits + n_digits, "");
    }
    shown
}

/// Ascending numbers, neighbours as `first-last`.
fn ranges(numbers: &[usize]) -> String {
    let mut shown = String::new();
    for run in numbers.chunk_by(|a, b| a + 1 == *b) {
        let _ = match run {
            [one] => write!(shown, " {one}"),
            [first, .., last] => write!(shown, " {first}-{last}"),
            [] => Ok(()),
        };
    }
    shown.trim_start().to_owned()
}

/// How many values each column has; those without any only where every log should have them.
fn filled(part: &mut String, decoded: &Decoded, is_open: bool) {
    let schema = decoded.rows.schema();
    let columns = schema.fields().iter().zip(decoded.rows.columns());
    let filled = columns
        .map(|(field, column)| (field, column.len() - column.null_count()))
        .filter(|(_, n_values)| *n_values > 0 || !is_open)
        .map(|(field, n_values)| format!("{} {n_values}", field.name()));
    let filled: Vec<String> = filled.collect();
    if decoded.rows.num_rows() > 0 && !filled.is_empty() {
        let _ = writeln!(part, "  values: {}", filled.join(", "));
    }
}

/// How many of the expected values of a column are the same here but for spaces at the end, and on
/// which lines they are not.
fn reproduced(part: &mut String, decoded: &Decoded, sample: &Sample, column: &str, path: &str) {
    let values = decoded
        .rows
        .column_by_name(column)
        .expect("an asked column");
    let rows = rows(decoded, sample.line_numbers.len());
    let pointer = format!("/{}", path.replace('.', "/"));
    let (mut n_same, mut others) = (0, Vec::new());
    for (record_idx, expected) in sample.expected.iter().enumerate() {
        let Some(mut expected) = expected.pointer(&pointer).map(text) else {
            continue;
        };
        if matches!(values.data_type(), DataType::Timestamp(..)) {
            expected = without_zeros(&expected);
        }
        let ours = rows[record_idx].and_then(|row| value(values, row));
        if ours.as_deref().map(str::trim_end) == Some(expected.trim_end()) {
            n_same += 1;
        } else {
            others.push(sample.line_numbers[record_idx]);
        }
    }
    let n = n_same + others.len();
    if n == 0 {
        return;
    }
    let _ = write!(part, "  {column} as expected `{path}`: {n_same} of {n}");
    if !others.is_empty() {
        let _ = write!(part, "; not on lines {}", ranges(&others));
    }
    part.push('\n');
}

/// The row of each record.
fn rows(decoded: &Decoded, n_records: usize) -> Vec<Option<usize>> {
    let mut rows = vec![None; n_records];
    for row in 0..decoded.rows.num_rows() {
        let record_idx = decoded
            .record_idx
            .as_ref()
            .map_or(row, |of| of.value(row) as usize);
        rows[record_idx] = Some(row);
    }
    rows
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// A value as text; a time as RFC 3339 in UTC, with the digits that are not zero.
fn value(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Utf8View => column.as_string_view().value(row).to_owned(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        _ => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            let time = chrono::DateTime::from_timestamp_micros(micros).expect("a time");
            without_zeros(&time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
        }
    })
}

/// A time of RFC 3339 in UTC without the zeros at the end of its fraction.
fn without_zeros(time: &str) -> String {
    match time.strip_suffix('Z') {
        Some(digits) if digits.contains('.') => {
            let digits = digits.trim_end_matches('0').trim_end_matches('.');
            format!("{digits}Z")
        }
        _ => time.to_owned(),
    }
}
