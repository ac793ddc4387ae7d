//! The lines of an evaluation as text, CSV or JSON.

use std::fmt::Write;

use crate::measure::Line;

const HEADER: [&str; 10] = [
    "method",
    "attacks",
    "items",
    "bad",
    "P@100",
    "P@3000",
    "PR-AUC",
    "ROC-AUC",
    "alerts/day",
    "found, after",
];

/// A table for people, its columns of one width each.
pub fn text(lines: &[Line]) -> String {
    let mut rows = vec![HEADER.map(str::to_owned)];
    rows.extend(lines.iter().map(cells));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..HEADER.len()).filter_map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate();
        let mut line = String::new();
        for (column, (cell, width)) in cells {
            // Writing to a text does not fail.
            let _ = match column {
                0 | 1 | 9 => write!(line, "{cell:<width$}  "),
                _ => write!(line, "{cell:>width$}  "),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn cells(line: &Line) -> [String; 10] {
    let share = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let found = match line.seconds_to_detect {
        Some(seconds) => {
            format!("{} of {}, {seconds:.0} s", line.n_detected, line.n_attacks)
        }
        None => format!("{} of {}", line.n_detected, line.n_attacks),
    };
    [
        line.method.clone(),
        line.kind.clone(),
        line.n_items.to_string(),
        line.n_positives.to_string(),
        share(line.precision_at_100),
        share(line.precision_at_3000),
        share(line.pr_auc),
        share(line.roc_auc),
        line.alerts_per_day
            .map_or("-".to_owned(), |alerts| format!("{alerts:.0}")),
        found,
    ]
}

/// CSV with a header.
pub fn csv(lines: &[Line]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for line in lines {
        // Writing to memory does not fail, and a line has no nested values.
        let _ = writer.serialize(line);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// JSON: an object for each line, each on a line of its own.
pub fn json(lines: &[Line]) -> String {
    let lines = lines.iter().map(|line| serde_json::json!(line).to_string());
    lines.map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        Line {
            method: "random".to_owned(),
            kind: "all".to_owned(),
            n_items: 1000,
            n_positives: 0,
            precision_at_100: Some(0.0),
            precision_at_3000: Some(0.0),
            pr_auc: None,
            roc_auc: None,
            alerts_per_day: Some(12.5),
            n_attacks: 0,
            n_detected: 0,
            seconds_to_detect: None,
        }
    }

    #[test]
    fn what_cannot_be_told_is_a_dash_an_empty_field_or_null() {
        let text = text(&[line()]);
        let cells: Vec<&str> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(
            cells,
            [
                "random", "all", "1000", "0", "0.0000", "0.0000", "-", "-", "12", "0", "of", "0"
            ]
        );
        assert_eq!(
            csv(&[line()]).lines().nth(1).unwrap(),
            "random,all,1000,0,0.0,0.0,,,12.5,0,0,"
        );
        assert!(json(&[line()]).contains("\"pr_auc\":null"));
    }
}
