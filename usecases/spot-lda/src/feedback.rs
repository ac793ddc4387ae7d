//! An analyst's file: the findings of a day, of which those that are marked as of low risk are learnt
//! as usual.
//!
//! A line is fields between tabs; the first line is a header. A line counts where its severity is 3;
//! 1 and 2 say that a finding is right, and change nothing. A line that makes no sense is left out and
//! told of; what is left passes the same check as the records do.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Schema};
use datashark_sdk::Result;
use hashbrown::HashMap;

use crate::columns::Flows;
use crate::kind::Kind;

/// The severity of what is no threat.
const LOW: &str = "3";

/// The lines of a file that count.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Feedback {
    /// Of each line, the columns that it gives, as text.
    lines: Vec<Line>,
    /// The lines that make no sense, from 1 up, and why.
    pub skipped: Vec<(usize, String)>,
}

#[derive(Debug, Clone, PartialEq)]
struct Line {
    number: usize,
    values: Vec<(&'static str, String)>,
}

/// Where a kind's file has what: how many fields a line has, which of them is the severity, and which
/// become which columns.
struct Layout {
    n_fields: usize,
    severity: usize,
    columns: &'static [(usize, &'static str)],
}

const FLOW: Layout = Layout {
    n_fields: 8,
    severity: 0,
    columns: &[
        (1, "treceived"),
        (2, "sip"),
        (3, "dip"),
        (4, "sport"),
        (5, "dport"),
        (6, "ipkt"),
        (7, "ibyt"),
        // Ours; Spot's file ends before it.
        (8, "proto"),
    ],
};

const DNS: Layout = Layout {
    n_fields: 18,
    severity: 12,
    columns: &[
        (0, "frame_time"),
        (17, "unix_tstamp"),
        (1, "frame_len"),
        (2, "ip_dst"),
        (3, "dns_qry_name"),
        (4, "dns_qry_class"),
        (5, "dns_qry_type"),
        (6, "dns_qry_rcode"),
    ],
};

const PROXY: Layout = Layout {
    n_fields: 26,
    severity: 22,
    columns: &[
        (0, "p_date"),
        (1, "p_time"),
        (2, "clientip"),
        (3, "host"),
        (4, "reqmethod"),
        (5, "useragent"),
        (6, "resconttype"),
        (11, "respcode"),
        (18, "fulluri"),
    ],
};

impl Feedback {
    /// Reads a file's text.
    pub fn parse(kind: Kind, text: &str) -> Self {
        let layout = match kind {
            Kind::Flow => &FLOW,
            Kind::Dns => &DNS,
            Kind::Proxy => &PROXY,
        };
        let mut feedback = Feedback::default();
        let lines = text
            .trim_start_matches('\u{FEFF}')
            .lines()
            .enumerate()
            .skip(1);
        for (idx, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let number = idx + 1;
            match layout.values(kind, line) {
                Ok(Some(values)) => feedback.lines.push(Line { number, values }),
                Ok(None) => {}
                Err(reason) => feedback.skipped.push((number, reason)),
            }
        }
        feedback
    }

    /// How many lines count.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The numbers of the lines that count, from 1 up.
    pub fn numbers(&self) -> impl Iterator<Item = usize> {
        self.lines.iter().map(|line| line.number)
    }

    /// The lines as records, each with its line's number in the order of [`Feedback::numbers`]; a flow
    /// without a protocol has that of its line among these.
    ///
    /// # Errors
    /// The columns do not make a batch: a defect.
    pub fn records(
        &self,
        kind: Kind,
        protocol: impl Fn(usize) -> Option<String>,
    ) -> Result<RecordBatch> {
        let fields = kind.columns();
        let text = |line: &Line, name: &str| {
            let value = line.values.iter().find(|(column, _)| *column == name);
            match value {
                Some((_, value)) => Some(value.clone()),
                None if name == "proto" => protocol(line.number),
                None => None,
            }
        };
        let lines = || self.lines.iter();
        let column = |name: &str, data_type: &DataType| -> ArrayRef {
            let texts = lines().map(|line| text(line, name));
            match data_type {
                DataType::Int64 => {
                    let numbers = texts.map(|text| text?.parse().ok());
                    Arc::new(numbers.collect::<Int64Array>())
                }
                DataType::Float64 => Arc::new(Float64Array::new_null(self.len())),
                _ => Arc::new(texts.collect::<StringViewArray>()),
            }
        };
        let columns = fields
            .iter()
            .map(|field| column(field.name(), field.data_type()));
        let columns = columns.collect();
        Ok(RecordBatch::try_new(
            Arc::new(Schema::new(fields)),
            columns,
        )?)
    }

    /// The lines of flows without a protocol, to be looked up in the day's.
    pub fn without_protocol(&self) -> WithoutProtocol {
        let mut lines: HashMap<String, Vec<(usize, [String; 4])>> = HashMap::new();
        for line in &self.lines {
            let value = |name: &str| {
                let value = line.values.iter().find(|(column, _)| *column == name);
                value.map(|(_, value)| value.clone())
            };
            if value("proto").is_some() {
                continue;
            }
            let ends = ["sip", "dip", "sport", "dport"].map(value);
            if let (Some(time), [Some(sip), Some(dip), Some(sport), Some(dport)]) =
                (value("treceived"), ends)
            {
                let ends = [sip, dip, sport, dport];
                lines.entry(time).or_default().push((line.number, ends));
            }
        }
        WithoutProtocol { lines }
    }
}

impl Layout {
    /// The columns of a line; `None` where its severity is another.
    ///
    /// # Errors
    /// What is wrong with the line.
    fn values(
        &self,
        kind: Kind,
        line: &str,
    ) -> std::result::Result<Option<Vec<(&'static str, String)>>, String> {
        let fields: Vec<&str> = line.split('\t').collect();
        if fields.len() < self.n_fields {
            let (expected, found) = (self.n_fields, fields.len());
            return Err(format!(
                "expected {expected} fields between tabs, found {found}"
            ));
        }
        let severity = fields[self.severity].trim();
        if severity.parse::<i64>().is_err() {
            return Err(format!("the severity is no number: `{severity}`"));
        }
        if severity != LOW {
            return Ok(None);
        }
        let mut values = Vec::new();
        for (idx, name) in self.columns {
            let Some(value) = fields.get(*idx) else {
                continue;
            };
            let is_number = |field: &arrow::datatypes::Field| {
                field.name() == name && field.data_type() == &DataType::Int64
            };
            if kind.columns().iter().any(is_number) && value.parse::<i64>().is_err() {
                return Err(format!("`{name}` is no number: `{value}`"));
            }
            values.push((*name, (*value).to_owned()));
        }
        if kind == Kind::Flow {
            values.extend(time_of_day(fields[1]));
        }
        Ok(Some(values))
    }
}

/// Hour, minute and second of `2016-05-05 13:54:58`; what is missing of them is 0 but for the hour.
fn time_of_day(time: &str) -> Vec<(&'static str, String)> {
    let clock = time.split(' ').nth(1).unwrap_or_default();
    let mut parts = clock.split(':');
    let mut next = || parts.next().and_then(|part| part.parse::<u32>().ok());
    let hour = next();
    let (minute, second) = (next().unwrap_or(0), next().unwrap_or(0));
    let mut values = vec![
        ("trminute", minute.to_string()),
        ("trsec", second.to_string()),
    ];
    values.extend(hour.map(|hour| ("trhour", hour.to_string())));
    values
}

/// Lines of flows without a protocol.
#[derive(Debug, Clone, Default)]
pub struct WithoutProtocol {
    /// By time: the line, and its addresses and ports.
    lines: HashMap<String, Vec<(usize, [String; 4])>>,
}

impl WithoutProtocol {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The lines that flows are of, with the protocols of these.
    pub(crate) fn found_in<'a>(&self, flows: &Flows<'a>, n_rows: usize) -> Vec<(usize, &'a str)> {
        let mut found = Vec::new();
        for row in 0..n_rows {
            let Some(lines) = flows
                .treceived
                .get(row)
                .and_then(|time| self.lines.get(time))
            else {
                continue;
            };
            let Some(protocol) = flows.proto.get(row) else {
                continue;
            };
            let number = |column: &crate::columns::Numbers<'_>, text: &str| {
                text.parse().ok() == column.get(row)
            };
            let is_of = |[sip, dip, sport, dport]: &[String; 4]| {
                flows.sip.get(row) == Some(sip)
                    && flows.dip.get(row) == Some(dip)
                    && number(&flows.sport, sport)
                    && number(&flows.dport, dport)
            };
            let lines = lines.iter().filter(|(_, ends)| is_of(ends));
            found.extend(lines.map(|(line, _)| (*line, protocol)));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOWS: &str = "sev\ttstart\tsrcIP\tdstIP\tsport\tdport\tipkt\tibyt\n\
        3\t2016-05-05 13:54:58\t172.16.0.129\t10.0.2.202\t1024\t80\t39\t12522\tTCP\n\
        1\t2016-05-05 13:54:58\t172.16.0.129\t10.0.2.202\t1024\t80\t39\t12522\tTCP\n\
        3\t2016-05-05 13:54:58\t172.16.0.129\t10.0.2.202\tmany\t80\t39\t12522\n\
        3,2016-05-05 13:54:58,172.16.0.129,10.0.2.202,1024,80,39,12522\n\
        \n\
        high\t2016-05-05 13:54:58\t172.16.0.129\t10.0.2.202\t1\t80\t39\t12522\n";

    #[test]
    fn a_line_that_makes_no_sense_is_skipped_with_its_number() {
        let feedback = Feedback::parse(Kind::Flow, FLOWS);
        assert_eq!(feedback.numbers().collect::<Vec<_>>(), [2]);
        let skipped: Vec<(usize, &str)> = feedback
            .skipped
            .iter()
            .map(|(line, why)| (*line, why.as_str()))
            .collect();
        assert_eq!(
            skipped,
            [
                (4, "`sport` is no number: `many`"),
                (5, "expected 8 fields between tabs, found 1"),
                (7, "the severity is no number: `high`"),
            ]
        );
    }

    #[test]
    fn an_empty_file_has_no_lines() {
        for text in ["", "\n", "sev\ttstart\n", "\u{FEFF}sev"] {
            assert_eq!(Feedback::parse(Kind::Flow, text), Feedback::default());
        }
    }

    #[test]
    fn a_flow_without_a_protocol_gets_that_of_the_days_flow() {
        let eight = "sev\ttstart\tsrcIP\tdstIP\tsport\tdport\tipkt\tibyt\n\
            3\t2016-05-05 13:54:58\t172.16.0.129\t10.0.2.202\t1024\t80\t39\t12522\n";
        let feedback = Feedback::parse(Kind::Flow, eight);
        let day = Feedback::parse(Kind::Flow, FLOWS)
            .records(Kind::Flow, |_| None)
            .unwrap();
        let found = feedback
            .without_protocol()
            .found_in(&Flows::of(&day), day.num_rows());
        assert_eq!(found, [(2, "TCP")]);
    }
}
