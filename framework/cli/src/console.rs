//! `-d`: findings as tuples on standard output, in place of the conf's outputs.
//!
//! A batch prints its rows; a streaming use case prints those of a window under the window's time.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use datashark_sdk::output::{DynOutput, FindingsBatch, Outcome};
use datashark_sdk::{Error, Result};

use crate::text::local_time;

/// The console as an output.
#[derive(Debug, Default)]
pub(crate) struct Console;

#[async_trait]
impl DynOutput for Console {
    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        let printed = batches.iter().try_for_each(|batch| {
            let text = tuples(batch)?;
            let mut stdout = io::stdout().lock();
            let printed = stdout
                .write_all(text.as_bytes())
                .and_then(|()| stdout.flush());
            printed.map_err(|error| Error::io("writing to standard output", error))
        });
        match printed {
            Ok(()) => Outcome::Safe,
            Err(error) => Outcome::Stop(error),
        }
    }

    async fn sync(&mut self) -> Result<Option<String>> {
        Ok(None)
    }

    fn delivered(&self, _: usize) -> String {
        String::new()
    }
}

/// Findings as Python would show them: `('the', 309)`, `('10.0.0.1', 2.5, {'cluster': 0})`.
fn tuples(batch: &FindingsBatch) -> Result<String> {
    let mut text = String::new();
    if !batch.window.is_whole() {
        let line = "-".repeat(43);
        let _ = writeln!(
            text,
            "{line}\nTime: {}\n{line}",
            local_time(batch.window.end)
        );
    }
    let findings = &batch.findings;
    let options = FormatOptions::default().with_null("None");
    let mut metadata = Vec::new();
    for (name, column) in findings.metadata() {
        metadata.push((name, column, ArrayFormatter::try_new(column, &options)?));
    }
    for (row, (key, score)) in findings
        .keys()
        .iter()
        .zip(findings.scores().values())
        .enumerate()
    {
        let _ = write!(text, "({}, {score}", quoted(key.unwrap_or_default()));
        for (i, (name, column, formatter)) in metadata.iter().enumerate() {
            let start = if i == 0 { ", {" } else { ", " };
            let shown = formatter.value(row).to_string();
            let shown = if is_quoted(column, row) {
                quoted(&shown)
            } else {
                shown
            };
            let _ = write!(text, "{start}{}: {shown}", quoted(name));
        }
        text.push_str(if metadata.is_empty() { ")\n" } else { "})\n" });
    }
    Ok(text)
}

fn is_quoted(column: &ArrayRef, row: usize) -> bool {
    let is_text = matches!(
        column.data_type(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Timestamp(..)
    );
    is_text && column.is_valid(row)
}

/// A text between single quotes, with what would break the line or the quotes escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => quoted.extend(c.escape_default()),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, RecordBatch, StringArray};
    use datashark_sdk::{Findings, Window};

    use super::*;

    fn batch(columns: Vec<(&str, ArrayRef)>, window: Window) -> FindingsBatch {
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let findings = Findings::try_from_rows(&rows).unwrap();
        let ids = findings.ids("x", &window).into();
        FindingsBatch {
            use_case: "x".into(),
            window,
            time: 0,
            findings,
            ids,
        }
    }

    #[test]
    fn a_batch_is_printed_as_tuples() {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("key", Arc::new(StringArray::from(vec!["the", "it's"]))),
            ("score", Arc::new(Int64Array::from(vec![309, 1]))),
        ];
        let text = tuples(&batch(columns, Window::WHOLE)).unwrap();
        assert_eq!(text, "('the', 309)\n('it\\'s', 1)\n");
    }

    #[test]
    fn a_window_is_printed_under_its_time_with_the_metadata() {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("key", Arc::new(StringArray::from(vec!["a"]))),
            (
                "score",
                Arc::new(arrow::array::Float64Array::from(vec![2.5])),
            ),
            ("cluster", Arc::new(Int64Array::from(vec![0]))),
            ("path", Arc::new(StringArray::from(vec!["/x"]))),
        ];
        let text = tuples(&batch(
            columns,
            Window {
                start: 0,
                end: 60_000_000,
            },
        ))
        .unwrap();
        assert!(text.contains("Time: "), "{text}");
        assert!(
            text.ends_with("('a', 2.5, {'cluster': 0, 'path': '/x'})\n"),
            "{text}"
        );
    }
}
