//! Flows: what a router or a probe counted of a connection, as rows of Apache Spot's table `flow`.
//!
//! [`crate::netflow`] reads them as they are exported, [`crate::nfcapd`] as `nfdump` prints them.
//!
//! | column | type | |
//! |---|---|---|
//! | `timestamp` | time | when its collector received it |
//! | `event_start`, `event_end` | time | when the flow began and ended, by the exporter's clock |
//! | `source_ip`, `destination_ip` | text | |
//! | `source_port`, `destination_port` | integer | of ICMP type · 256 + code is the destination's |
//! | `network_transport` | text | the protocol's name or number in lower case |
//! | `sampling_interval` | integer | one in so many packets was looked at; null where the exporter did not say |
//! | `treceived` | text | `timestamp` as `2016-05-05 13:54:58` in UTC |
//! | `unix_tstamp` | integer | the same as seconds since 1970 |
//! | `tryear`, `trmonth`, `trday`, `trhour`, `trminute`, `trsec` | integer | its parts |
//! | `tdur` | number | how long the flow took, in seconds |
//! | `sip`, `dip`, `sport`, `dport` | | as `source_ip` and so on |
//! | `proto` | text | `TCP`, `UDP`; a number where it has no name here |
//! | `flag` | text | six places, `.AP.SF` |
//! | `fwd`, `stos`, `dtos`, `dir` | integer | forwarding status, types of service, direction |
//! | `ipkt`, `ibyt`, `opkt`, `obyt` | integer | packets and bytes in and out, as exported: not multiplied by the interval |
//! | `input`, `output`, `sas`, `das` | integer | interfaces and AS numbers |
//! | `rip` | text | the exporter |
//!
//! What an exporter does not say is null, but for `ipkt`, `ibyt`, `opkt` and `obyt`, which are 0 then.

mod fields;
mod text;

use std::net::IpAddr;

use arrow::datatypes::{DataType, Field, Fields};

use crate::column::{Column, micros_utc};
use crate::fixed_columns::check_columns;
use crate::{CodecError, Columns};

pub(crate) use fields::{address, count};
pub(crate) use text::{Seconds, read_flags};

/// TCP's flags as six places, `.AP.SF`: urgent, acknowledge, push, reset, synchronise, finish.
pub fn flags_text(flags: u8) -> String {
    let mut places = Vec::new();
    text::flags(flags, &mut places);
    places.into_iter().map(char::from).collect()
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Received,
    Start,
    End,
    Source,
    Destination,
    SourcePort,
    DestinationPort,
    Transport,
    Sampling,
    ReceivedText,
    ReceivedSeconds,
    /// Of the time of receipt: year, month and so on.
    Calendar(usize),
    Duration,
    Protocol,
    Flags,
    Forwarding,
    Service,
    DestinationService,
    Direction,
    PacketsIn,
    BytesIn,
    PacketsOut,
    BytesOut,
    Input,
    Output,
    SourceAs,
    DestinationAs,
    Exporter,
}

const COLUMNS: [(&str, Part); 37] = [
    ("timestamp", Part::Received),
    ("event_start", Part::Start),
    ("event_end", Part::End),
    ("source_ip", Part::Source),
    ("source_port", Part::SourcePort),
    ("destination_ip", Part::Destination),
    ("destination_port", Part::DestinationPort),
    ("network_transport", Part::Transport),
    ("sampling_interval", Part::Sampling),
    ("treceived", Part::ReceivedText),
    ("unix_tstamp", Part::ReceivedSeconds),
    ("tryear", Part::Calendar(0)),
    ("trmonth", Part::Calendar(1)),
    ("trday", Part::Calendar(2)),
    ("trhour", Part::Calendar(3)),
    ("trminute", Part::Calendar(4)),
    ("trsec", Part::Calendar(5)),
    ("tdur", Part::Duration),
    ("sip", Part::Source),
    ("dip", Part::Destination),
    ("sport", Part::SourcePort),
    ("dport", Part::DestinationPort),
    ("proto", Part::Protocol),
    ("flag", Part::Flags),
    ("fwd", Part::Forwarding),
    ("stos", Part::Service),
    ("ipkt", Part::PacketsIn),
    ("ibyt", Part::BytesIn),
    ("opkt", Part::PacketsOut),
    ("obyt", Part::BytesOut),
    ("input", Part::Input),
    ("output", Part::Output),
    ("sas", Part::SourceAs),
    ("das", Part::DestinationAs),
    ("dtos", Part::DestinationService),
    ("dir", Part::Direction),
    ("rip", Part::Exporter),
];

impl Part {
    fn data_type(self) -> DataType {
        match self {
            Part::Received | Part::Start | Part::End => micros_utc(),
            Part::Duration => DataType::Float64,
            Part::Source
            | Part::Destination
            | Part::Transport
            | Part::ReceivedText
            | Part::Protocol
            | Part::Flags
            | Part::Exporter => DataType::Utf8View,
            _ => DataType::Int64,
        }
    }
}

/// The columns that there are.
pub fn columns() -> Fields {
    let fields = COLUMNS.iter();
    let fields = fields.map(|(name, part)| Field::new(*name, part.data_type(), true));
    fields.collect()
}

/// Which columns are asked for.
///
/// # Errors
/// A column that there is not, or not of that type.
pub(crate) fn parts(format: &'static str, asked: &[Field]) -> Result<Vec<Part>, CodecError> {
    check_columns(format, &Columns::Fixed(columns()), asked)?;
    let part = |field: &Field| COLUMNS.iter().find(|(name, _)| name == field.name());
    Ok(asked
        .iter()
        .filter_map(part)
        .map(|(_, part)| *part)
        .collect())
}

/// When and from whom a flow was received.
#[derive(Debug)]
pub(crate) struct Receipt<'a> {
    pub exporter: Option<IpAddr>,
    /// The protocol's name, where it came as a name.
    pub protocol: Option<&'a [u8]>,
    /// In microseconds since 1970.
    pub micros: i64,
    /// The second of that.
    pub seconds: &'a Seconds,
}

/// A flow; `None` is what was not told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flow {
    pub source: Option<IpAddr>,
    pub destination: Option<IpAddr>,
    pub source_port: Option<u16>,
    pub destination_port: Option<u16>,
    /// ICMP's type and code.
    pub icmp: Option<u16>,
    pub protocol: Option<u8>,
    pub flags: Option<u8>,
    pub forwarding: Option<u8>,
    pub service: Option<u8>,
    pub destination_service: Option<u8>,
    pub direction: Option<u8>,
    pub packets_in: u64,
    pub bytes_in: u64,
    pub packets_out: u64,
    pub bytes_out: u64,
    pub input: Option<u32>,
    pub output: Option<u32>,
    pub source_as: Option<u32>,
    pub destination_as: Option<u32>,
    /// When it began and ended, in microseconds since 1970.
    pub start: Option<i64>,
    pub end: Option<i64>,
    pub sampling: Option<u32>,
}

impl Flow {
    /// The protocols whose type and code stand in place of the destination's port: ICMP of IPv4 and IPv6.
    const ICMP: [u8; 2] = [1, 58];

    #[inline]
    pub(crate) fn push(
        &self,
        part: Part,
        receipt: &Receipt<'_>,
        text: &mut Vec<u8>,
        column: &mut Column,
    ) {
        match column {
            Column::Int(numbers) => numbers.push(self.number(part, receipt.seconds)),
            Column::Time(numbers, _) => numbers.push(match part {
                Part::Received => Some(receipt.micros),
                Part::Start => self.start,
                _ => self.end,
            }),
            Column::Float(numbers) => {
                // Both may be any times.
                let ends = self.start.zip(self.end);
                let micros = ends.map(|(start, end)| end.saturating_sub(start));
                numbers.push(micros.map(|micros| micros as f64 / 1e6));
            }
            Column::Text(texts) => {
                text.clear();
                match self.text(part, receipt, text) {
                    Some(()) => texts.push_made(text),
                    None => texts.push_null(),
                }
            }
            Column::Boolean(..) => column.push_null(),
        }
    }

    fn number(&self, part: Part, seconds: &Seconds) -> Option<i64> {
        let count = |n: u64| Some(i64::try_from(n).unwrap_or(i64::MAX));
        match part {
            Part::SourcePort => self.source_port.map(i64::from),
            Part::DestinationPort => match self.icmp {
                Some(icmp) if self.protocol.is_none_or(|it| Self::ICMP.contains(&it)) => {
                    Some(icmp.into())
                }
                _ => self.destination_port.map(i64::from),
            },
            Part::Sampling => self.sampling.map(i64::from),
            Part::ReceivedSeconds => Some(seconds.since_1970()),
            Part::Calendar(idx) => Some(seconds.parts()[idx]),
            Part::Forwarding => self.forwarding.map(i64::from),
            Part::Service => self.service.map(i64::from),
            Part::DestinationService => self.destination_service.map(i64::from),
            Part::Direction => self.direction.map(i64::from),
            Part::PacketsIn => count(self.packets_in),
            Part::BytesIn => count(self.bytes_in),
            Part::PacketsOut => count(self.packets_out),
            Part::BytesOut => count(self.bytes_out),
            Part::Input => self.input.map(i64::from),
            Part::Output => self.output.map(i64::from),
            Part::SourceAs => self.source_as.map(i64::from),
            Part::DestinationAs => self.destination_as.map(i64::from),
            _ => None,
        }
    }

    fn text(&self, part: Part, receipt: &Receipt<'_>, text: &mut Vec<u8>) -> Option<()> {
        match part {
            Part::Source => text::address(self.source?, text),
            Part::Destination => text::address(self.destination?, text),
            Part::Protocol | Part::Transport => {
                match receipt.protocol {
                    Some(name) => text.extend_from_slice(name),
                    None => text::protocol(self.protocol?, text),
                }
                if part == Part::Transport {
                    text.make_ascii_lowercase();
                }
            }
            Part::Flags => text::flags(self.flags?, text),
            Part::ReceivedText => text.extend_from_slice(receipt.seconds.text()),
            Part::Exporter => text::address(receipt.exporter?, text),
            _ => return None,
        }
        Some(())
    }
}
