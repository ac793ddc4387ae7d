//! `nfcapd`: the flows in files that `nfcapd` writes, as `nfdump` prints them in [`LAYOUT`].
//!
//! The input that reads files knows such a file by its first bytes, and reads what `nfdump` makes of it as
//! it does what is in a compressed one.
//!
//! The columns are those of [`crate::flow`], but for `sampling_interval`, which `nfdump` has applied.
//!
//! `treceived` is when the collector received the flow, cut to seconds; where a file does not say, when the
//! flow ended. A line is checked whole whatever columns are asked for. What `nfdump` says beside the flows,
//! such as that there are none, is passed over and counts as filtered. Work is linear in a line's length.

use arrow::datatypes::{Field, SchemaRef};
use datashark_sdk::input::Payloads;
use serde::Deserialize;

use crate::column::Column;
use crate::flow::{self, Flow, Part, Receipt, Seconds, address, count};
use crate::record::Record;
use crate::rows::{Parse, Rows, Utf8, quote};
use crate::scalar;
use crate::{CodecError, Columns, Decoded, Decoder, Format};

const NAME: &str = "nfcapd";

/// What `nfdump -o` is asked for: all releases from 1.6 on know it, whatever they print by themselves.
pub const LAYOUT: &str = "fmt:%ts,%te,%tr,%sa,%da,%sp,%dp,%pr,%flg,%fwd,%stos,%ipkt,%ibyt,%opkt,%obyt,%in,%out,\
                          %sas,%das,%dtos,%dir,%ra";

/// How many fields that has.
const N_FIELDS: usize = 22;

/// `[codec]` of `nfcapd`: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NfcapdOptions {}

/// Files of `nfcapd`.
#[derive(Debug, Clone, Default)]
pub struct Nfcapd {}

impl Nfcapd {
    /// The format.
    pub fn new() -> Self {
        Nfcapd {}
    }
}

impl Format for Nfcapd {
    fn name(&self) -> &'static str {
        NAME
    }

    fn columns(&self) -> Columns {
        Columns::Fixed(flow::columns())
    }

    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError> {
        Ok(Box::new(NfcapdDecoder {
            lines: Lines {
                parts: flow::parts(NAME, columns)?,
                seconds: Seconds::default(),
                text: Vec::new(),
                left_out: false,
            },
            rows: Rows::try_new(NAME, columns)?,
        }))
    }
}

struct NfcapdDecoder {
    rows: Rows,
    lines: Lines,
}

impl Decoder for NfcapdDecoder {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn decode(&mut self, payloads: &Payloads) -> Decoded {
        self.rows.decode(&mut self.lines, payloads, None)
    }
}

/// The asked columns.
struct Lines {
    parts: Vec<Part>,
    seconds: Seconds,
    /// Where a text is put together.
    text: Vec<u8>,
    left_out: bool,
}

impl Parse for Lines {
    const UTF8: Utf8 = Utf8::Require;

    fn parse(&mut self, record: &Record<'_>, columns: &mut [Column]) -> Result<(), String> {
        let line = record.bytes();
        self.left_out = !line.contains(&b',');
        if self.left_out {
            return Ok(());
        }
        let fields = fields(line)?;
        let (flow, micros) = flow_of(&fields)?;
        self.seconds.set(micros);
        let receipt = Receipt {
            exporter: address(fields[21]).ok(),
            // Plain numbers are asked for, and older releases print the name all the same.
            protocol: Some(fields[7]).filter(|_| flow.protocol.is_none()),
            micros,
            seconds: &self.seconds,
        };
        for (part, column) in self.parts.iter().zip(columns) {
            flow.push(*part, &receipt, &mut self.text, column);
        }
        Ok(())
    }

    fn left_out(&self) -> bool {
        self.left_out
    }
}

/// The fields, without the blanks that align them.
fn fields(line: &[u8]) -> Result<[&[u8]; N_FIELDS], String> {
    let mut fields: [&[u8]; N_FIELDS] = [b""; N_FIELDS];
    let mut n = 0;
    for field in line.split(|byte| *byte == b',') {
        if let Some(place) = fields.get_mut(n) {
            *place = field.trim_ascii();
        }
        n += 1;
    }
    match n {
        N_FIELDS => Ok(fields),
        n => Err(format!("expected {N_FIELDS} fields, found {n}")),
    }
}

/// The flow, and when it was received.
fn flow_of(fields: &[&[u8]; N_FIELDS]) -> Result<(Flow, i64), String> {
    let (start, end, received) = (time(fields[0])?, time(fields[1])?, time(fields[2])?);
    let number = |idx: usize| count(fields[idx]);
    let small = |idx| number(idx).map(|n| u8::try_from(n).ok());
    let port = |idx| number(idx).map(|n| u16::try_from(n).ok());
    let wide = |idx| number(idx).map(|n| u32::try_from(n).ok());
    let flow = Flow {
        source: Some(address(fields[3])?),
        destination: Some(address(fields[4])?),
        source_port: port(5)?,
        destination_port: destination_port(fields[6])?,
        protocol: number(7).ok().and_then(|n| u8::try_from(n).ok()),
        flags: Some(flow::read_flags(fields[8])),
        forwarding: small(9)?,
        service: small(10)?,
        packets_in: number(11)?,
        bytes_in: number(12)?,
        packets_out: number(13)?,
        bytes_out: number(14)?,
        input: wide(15)?,
        output: wide(16)?,
        source_as: wide(17)?,
        destination_as: wide(18)?,
        destination_service: small(19)?,
        direction: match fields[20] {
            b"I" | b"0" => Some(0),
            b"E" | b"1" => Some(1),
            _ => None,
        },
        start: Some(start),
        end: Some(end),
        ..Flow::default()
    };
    Ok((flow, if received > 0 { received } else { end }))
}

/// Of ICMP type and code stand there, `3.13`.
fn destination_port(text: &[u8]) -> Result<Option<u16>, String> {
    let dot = text.iter().position(|byte| *byte == b'.');
    let port = match dot {
        Some(dot) => {
            let (kind, code) = (count(&text[..dot])?, count(&text[dot + 1..])?);
            kind.saturating_mul(256).saturating_add(code)
        }
        None => count(text)?,
    };
    Ok(u16::try_from(port).ok())
}

fn time(text: &[u8]) -> Result<i64, String> {
    scalar::time(text).ok_or_else(|| format!("expected a time, found {}", quote(text)))
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::Float64Type;

    use super::*;
    use crate::testing::{check_verdicts, payloads, shown, typed_fields, values};

    const LINE: &str = "2016-05-05 13:54:57.028,2016-05-05 13:54:58.000,2016-05-05 13:54:58.250,    172.16.0.129,      \
                        10.0.2.202,  1024,    80,TCP  ,...AP.SF,  0,   0,      39,   12522,       0,       0,     2,     \
                        3,     0,     0,   0,  I,   10.219.32.250";

    #[test]
    fn a_line_is_a_row_of_spots_table() {
        let columns = [
            "treceived",
            "unix_tstamp",
            "tryear",
            "trmonth",
            "trday",
            "trhour",
            "trminute",
            "trsec",
            "sip",
            "dip",
            "sport",
            "dport",
            "proto",
            "flag",
            "fwd",
            "stos",
            "ipkt",
            "ibyt",
            "opkt",
            "obyt",
            "input",
            "output",
            "sas",
            "das",
            "dtos",
            "dir",
            "rip",
            "network_transport",
        ];
        assert_eq!(
            shown(&Nfcapd::new(), columns, LINE),
            [
                "2016-05-05 13:54:58",
                "1462456498",
                "2016",
                "5",
                "5",
                "13",
                "54",
                "58",
                "172.16.0.129",
                "10.0.2.202",
                "1024",
                "80",
                "TCP",
                ".AP.SF",
                "0",
                "0",
                "39",
                "12522",
                "0",
                "0",
                "2",
                "3",
                "0",
                "0",
                "0",
                "0",
                "10.219.32.250",
                "tcp",
            ]
        );
    }

    #[test]
    fn icmp_has_its_type_and_code_and_an_unknown_time_of_receipt_is_the_end() {
        let line = LINE.replace("    80", "  3.13");
        assert_eq!(shown(&Nfcapd::new(), ["dport"], &line), ["781"]);
        let line = line.replace("TCP  ", "1    ");
        assert_eq!(
            shown(&Nfcapd::new(), ["proto", "network_transport"], &line),
            ["ICMP", "icmp"]
        );
        let line = LINE.replace("2016-05-05 13:54:58.250", "1970-01-01 00:00:00.000");
        assert_eq!(
            shown(&Nfcapd::new(), ["treceived"], &line),
            ["2016-05-05 13:54:58"]
        );
    }

    #[test]
    fn times_as_far_apart_as_can_be_written_have_the_longest_duration() {
        let line = LINE.replace("2016-05-05 13:54:57.028", "-9.0e21");
        let line = line.replace("2016-05-05 13:54:58.000", "9.0e21");
        let format = Nfcapd::new();
        let mut decoder = format.decoder(&typed_fields(&format, &["tdur"])).unwrap();
        let decoded = decoder.decode(&payloads(&[line]));
        assert_eq!(decoded.invalid, []);
        let longest = i64::MAX as f64 / 1e6;
        let durations = decoded.rows.column(0).as_primitive::<Float64Type>();
        assert_eq!(durations.values(), &[longest]);
    }

    #[test]
    fn what_is_no_flow_is_passed_over_and_what_is_damaged_is_invalid() {
        let format = Nfcapd::new();
        let decoded = format.decoder(&[]).unwrap();
        let mut decoder = decoded;
        let decoded = decoder.decode(&payloads(&["No matching flows", LINE]));
        assert_eq!((decoded.rows.num_rows(), decoded.n_filtered), (1, 1));
        let reason = |line: &str| values(&format, &[], line).unwrap_err();
        assert_eq!(reason("1,2"), "expected 22 fields, found 2");
        let many = LINE.replace("12522", "12.5 M");
        assert_eq!(reason(&many), "expected a count, found `12.5 M`");
        let none = LINE.replace("172.16.0.129", "172.16.0.12x");
        assert_eq!(reason(&none), "expected an address, found `172.16.0.12x`");
    }

    proptest::proptest! {
        #[test]
        fn any_line_gives_a_row_or_a_reason(at in 0..200_usize, text in "[0-9,. :x-]{0,12}") {
            let at = at.min(LINE.len());
            let line = format!("{}{text},{}", &LINE[..at], &LINE[at..]);
            check_verdicts(&Nfcapd::new(), &["sip", "proto", "flag"], &[line]);
        }
    }
}
