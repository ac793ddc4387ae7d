//! `binetflow`: bidirectional flows as Argus prints them, and the CTU's data sets have them.
//!
//! ```text
//! StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label
//! 2011/08/16 10:01:46.974947,320.268677,tcp,147.32.85.112,22,  <?>,85.70.14.207,10005,FPA_FPA,0,0,31989,7744510,6056438,flow=Background
//! ```
//! The first line names the fields, in any order, between commas or tabs. The columns are those of
//! [`crate::flow`], and `label` as text; null is what the file does not have.
//!
//! | column | field |
//! |---|---|
//! | `timestamp`, `treceived`, `event_end` | `StartTime` and `Dur`: the flow is known when it has ended; times are UTC |
//! | `event_start`, `tdur` | `StartTime`, `Dur` |
//! | `sip`, `dip`, `sport`, `dport` | `SrcAddr`, `DstAddr`, `Sport`, `Dport`; ports also in hexadecimal |
//! | `proto` | `Proto` in upper case |
//! | `ibyt`, `obyt` | `SrcBytes`, and `TotBytes` less that |
//! | `ipkt`, `opkt` | `SrcPkts`, and `TotPkts` less that; without `SrcPkts` all packets are `ipkt` |
//! | `stos`, `dtos` | `sTos`, `dTos` |
//! | `label` | `Label` |
//!
//! A record is invalid where its fields are not as many as the first line has, a time or a count is none, or an
//! address is none: flows below IP, such as ARP's and those between hardware addresses, are no flows of IP.
//! Work is linear in a line's length.

use arrow::array::Array;
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use datashark_sdk::input::{Header, HeaderRule, Payloads};
use serde::Deserialize;

use crate::column::Column;
use crate::fixed_columns::check_columns;
use crate::flow::{self, Flow, Part, Receipt, Seconds, address, count};
use crate::record::Record;
use crate::rows::{Parse, Rows, Utf8, quote};
use crate::scalar;
use crate::{CodecError, Columns, Decoded, Decoder, Format};

const NAME: &str = "binetflow";

/// The column of a data set's own.
const LABEL: &str = "label";

/// The fields that are read, and whether a file has to have them.
const FIELDS: [(&str, bool); 14] = [
    ("StartTime", true),
    ("Dur", true),
    ("Proto", true),
    ("SrcAddr", true),
    ("Sport", true),
    ("DstAddr", true),
    ("Dport", true),
    ("TotPkts", true),
    ("TotBytes", true),
    ("SrcBytes", true),
    ("SrcPkts", false),
    ("sTos", false),
    ("dTos", false),
    ("Label", false),
];

/// Which of them the label is.
const LABEL_IDX: usize = 13;

/// `[codec]` of `binetflow`: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BinetflowOptions {}

/// Flows of Argus.
#[derive(Debug, Clone, Default)]
pub struct Binetflow {}

impl Binetflow {
    /// The format.
    pub fn new() -> Self {
        Binetflow {}
    }
}

impl Format for Binetflow {
    fn name(&self) -> &'static str {
        NAME
    }

    fn columns(&self) -> Columns {
        let label = Field::new(LABEL, DataType::Utf8View, true);
        let flow = flow::columns();
        let fields = flow.iter().map(|field| field.as_ref().clone());
        Columns::Fixed(fields.chain([label]).collect::<Fields>())
    }

    fn header(&self) -> HeaderRule {
        HeaderRule::FirstLine
    }

    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError> {
        check_columns(NAME, &self.columns(), columns)?;
        let part = |field: &Field| match field.name() == LABEL {
            true => Ok(None),
            false => flow::parts(NAME, std::slice::from_ref(field)).map(|part| Some(part[0])),
        };
        Ok(Box::new(BinetflowDecoder {
            lines: Lines {
                parts: columns.iter().map(part).collect::<Result<_, _>>()?,
                layout: Err("the file has no first line that names its fields".to_owned()),
                seconds: Seconds::default(),
                text: Vec::new(),
            },
            header: None,
            rows: Rows::try_new(NAME, columns)?,
        }))
    }
}

struct BinetflowDecoder {
    rows: Rows,
    lines: Lines,
    /// The header that the layout is of.
    header: Option<Header>,
}

impl Decoder for BinetflowDecoder {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn decode(&mut self, payloads: &Payloads) -> Decoded {
        if self.header != payloads.header
            && let Some(line) = payloads.header.as_ref().and_then(Header::first_line)
        {
            self.lines.layout = Layout::of(line);
            self.header = payloads.header.clone();
        }
        // The record at offset 0 is the header.
        let first = payloads.offsets.first() == Some(&0);
        let n_records = payloads.records.len();
        let others = first.then(|| BooleanBuffer::collect_bool(n_records, |idx| idx > 0));
        self.rows.decode(&mut self.lines, payloads, others.as_ref())
    }
}

/// Where the fields stand.
#[derive(Debug, Clone)]
struct Layout {
    separator: u8,
    n_fields: usize,
    /// The place of each of [`FIELDS`].
    places: [Option<usize>; FIELDS.len()],
}

impl Layout {
    fn of(line: &[u8]) -> Result<Self, String> {
        let separator = if line.contains(&b'\t') { b'\t' } else { b',' };
        let names: Vec<&[u8]> = line
            .split(|byte| *byte == separator)
            .map(<[u8]>::trim_ascii)
            .collect();
        let place = |name: &str| {
            names
                .iter()
                .position(|it| it.eq_ignore_ascii_case(name.as_bytes()))
        };
        let places = FIELDS.map(|(name, _)| place(name));
        let missing = FIELDS
            .iter()
            .zip(&places)
            .find(|((_, is_needed), place)| *is_needed && place.is_none());
        match missing {
            Some(((name, _), _)) => Err(format!(
                "the file's first line does not name the field `{name}`"
            )),
            None => Ok(Layout {
                separator,
                n_fields: names.len(),
                places,
            }),
        }
    }

    /// The fields of a line.
    fn fields<'a>(&self, line: &'a [u8]) -> Result<[&'a [u8]; FIELDS.len()], String> {
        let mut fields: [&[u8]; FIELDS.len()] = [b""; FIELDS.len()];
        let mut n = 0;
        for field in line.split(|byte| *byte == self.separator) {
            if let Some(idx) = self.places.iter().position(|place| *place == Some(n)) {
                fields[idx] = field.trim_ascii();
            }
            n += 1;
        }
        match n == self.n_fields {
            true => Ok(fields),
            false => Err(format!("expected {} fields, found {n}", self.n_fields)),
        }
    }
}

/// The asked columns; the label is none of a flow's.
struct Lines {
    parts: Vec<Option<Part>>,
    /// Or why the records of this file have none.
    layout: Result<Layout, String>,
    seconds: Seconds,
    /// Where a text is put together.
    text: Vec<u8>,
}

impl Parse for Lines {
    const UTF8: Utf8 = Utf8::Require;

    fn parse(&mut self, record: &Record<'_>, columns: &mut [Column]) -> Result<(), String> {
        let layout = self.layout.as_ref().map_err(Clone::clone)?;
        let fields = layout.fields(record.bytes())?;
        let (flow, micros) = flow_of(&fields)?;
        self.seconds.set(micros);
        let protocol = fields[2].to_ascii_uppercase();
        let receipt = Receipt {
            exporter: None,
            protocol: Some(&protocol),
            micros,
            seconds: &self.seconds,
        };
        for (part, column) in self.parts.iter().zip(columns) {
            match (part, &mut *column) {
                (Some(part), _) => flow.push(*part, &receipt, &mut self.text, column),
                (None, Column::Text(texts)) if !fields[LABEL_IDX].is_empty() => {
                    texts.push_made(fields[LABEL_IDX]);
                }
                (None, _) => column.push_null(),
            }
        }
        Ok(())
    }
}

/// The flow, and when it ended.
fn flow_of(fields: &[&[u8]; FIELDS.len()]) -> Result<(Flow, i64), String> {
    let start = time(fields[0])?;
    let seconds = scalar::float(fields[1]).filter(|seconds| (0.0..1e9).contains(seconds));
    let seconds =
        seconds.ok_or_else(|| format!("expected a duration, found {}", quote(fields[1])))?;
    let end = start.saturating_add((seconds * 1e6).round() as i64);
    let total_packets = count(fields[7])?;
    let (total_bytes, bytes_in) = (count(fields[8])?, count(fields[9])?);
    let packets_in = match fields[10] {
        b"" => total_packets,
        packets => count(packets)?,
    };
    let service = |idx: usize| scalar::float(fields[idx]).map(|service| service as u8);
    let flow = Flow {
        source: Some(address(fields[3])?),
        destination: Some(address(fields[5])?),
        source_port: port(fields[4])?,
        destination_port: port(fields[6])?,
        service: service(11),
        destination_service: service(12),
        packets_in,
        bytes_in,
        packets_out: total_packets.saturating_sub(packets_in),
        bytes_out: total_bytes.saturating_sub(bytes_in),
        start: Some(start),
        end: Some(end),
        ..Flow::default()
    };
    Ok((flow, end))
}

/// A time such as `2011/08/16 10:01:46.974947`.
fn time(text: &[u8]) -> Result<i64, String> {
    const LONGEST: usize = 32;
    let mut dashed = [0; LONGEST];
    let dashed = dashed.get_mut(..text.len()).map(|dashed| {
        for (to, from) in dashed.iter_mut().zip(text) {
            *to = if *from == b'/' { b'-' } else { *from };
        }
        &*dashed
    });
    let time = dashed.and_then(scalar::time);
    time.ok_or_else(|| format!("expected a time, found {}", quote(text)))
}

/// A port, `0x` before a hexadecimal one; of protocols without ports there is none.
fn port(text: &[u8]) -> Result<Option<u16>, String> {
    let read = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16),
        None => text.parse(),
    };
    match std::str::from_utf8(text) {
        Ok("") => Ok(None),
        Ok(text) if let Ok(port) = read(text) => Ok(Some(port)),
        _ => Err(format!("expected a port, found {}", quote(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{lines, printed, typed_fields};

    const HEADER: &str = "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label";
    const FLOW: &str = "2011/08/16 10:01:46.974947,320.268677,tcp,147.32.85.112,22,  <?>,85.70.14.207,0x0303,FPA_FPA,\
                        0,,31989,7744510,6056438,flow=Background";

    fn decode(columns: &[&str], text: &str) -> Decoded {
        let format = Binetflow::new();
        let mut payloads = lines(text.as_bytes());
        payloads.header = Some(text.lines().next().unwrap().as_bytes().into());
        format
            .decoder(&typed_fields(&format, columns))
            .unwrap()
            .decode(&payloads)
    }

    /// The values of the first row, `-` for null.
    fn values(columns: &[&str], text: &str) -> Vec<String> {
        let decoded = decode(columns, text);
        assert_eq!(decoded.invalid, []);
        let columns = decoded.rows.columns().iter();
        columns.map(|column| printed(column, 0)).collect()
    }

    const COLUMNS: [&str; 15] = [
        "treceived",
        "tdur",
        "sip",
        "dip",
        "sport",
        "dport",
        "proto",
        "ipkt",
        "ibyt",
        "opkt",
        "obyt",
        "stos",
        "dtos",
        "label",
        "rip",
    ];

    #[test]
    fn a_flow_is_a_row_of_spots_table() {
        assert_eq!(
            values(&COLUMNS, &format!("{HEADER}\n{FLOW}\n")),
            [
                "2011-08-16 10:07:07",
                "320.268677",
                "147.32.85.112",
                "85.70.14.207",
                "22",
                "771",
                "TCP",
                "31989",
                "6056438",
                "0",
                "1688072",
                "0",
                "-",
                "flow=Background",
                "-",
            ]
        );
    }

    #[test]
    fn tabs_and_any_order_of_fields_are_read() {
        let header = HEADER.replace(',', "\t") + "\tSrcPkts";
        let flow = FLOW.replace(',', "\t") + "\t31000";
        let text = format!("{header}\n{flow}");
        assert_eq!(
            values(&["ipkt", "opkt", "network_transport"], &text),
            ["31000", "989", "tcp"]
        );
    }

    #[test]
    fn what_is_no_flow_of_ip_is_invalid() {
        let reason = |flow: &str| {
            let decoded = decode(&[], &format!("{HEADER}\n{flow}\n"));
            decoded.invalid[0].reason.clone()
        };
        let hardware = FLOW.replace("147.32.85.112", "00:00:00:00:00:00");
        assert_eq!(
            reason(&hardware),
            "expected an address, found `00:00:00:00:00:00`"
        );
        assert_eq!(reason("a,b"), "expected 15 fields, found 2");
        assert_eq!(
            reason(&FLOW.replace("0x0303", "http")),
            "expected a port, found `http`"
        );
        assert_eq!(
            reason(&FLOW.replace("320.268677", "-1")),
            "expected a duration, found `-1`"
        );
        let decoded = decode(&[], &format!("a,b\n{FLOW}\n"));
        let expected = "the file's first line does not name the field `StartTime`";
        assert_eq!(decoded.invalid[0].reason, expected);
    }

    proptest::proptest! {
        #[test]
        fn any_line_gives_a_row_or_a_reason(at in 0..130_usize, text in "[0-9,./ :x-]{0,12}") {
            let flow = format!("{}{text}{}", &FLOW[..at], &FLOW[at..]);
            let decoded = decode(&COLUMNS, &format!("{HEADER}\n{flow}\n"));
            proptest::prop_assert_eq!(decoded.rows.num_rows() + decoded.invalid.len(), 1);
        }
    }
}
