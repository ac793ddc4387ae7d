//! `dns`: the DNS messages in captures of packets, pcap and pcapng; [`crate::capture`] finds them.
//!
//! | column | type | |
//! |---|---|---|
//! | `timestamp` | time | when the packet was captured |
//! | `source_ip`, `destination_ip` | text | |
//! | `source_port`, `destination_port` | integer | |
//! | `network_transport` | text | `udp` or `tcp` |
//! | `dns_id` | integer | what a query and its response share |
//! | `dns_response` | boolean | whether it is a response |
//! | `dns_qry_name` | text | the name of the first question; null where there is none |
//! | `dns_qry_type` | integer | its type |
//! | `dns_qry_class` | text | its class in hexadecimal, `0x00000001` |
//! | `dns_qry_rcode` | integer | the response code |
//! | `dns_a` | text | the first IPv4 address in the answer, else the first IPv6 address |
//! | `dns_answers` | text | the data of all answers with spaces between: addresses, names, of others the type |
//! | `dns_malformed` | text | what is wrong behind the question, if anything is |
//! | `frame_time` | text | `Jan  4, 2017 04:41:06.337519000 UTC` |
//! | `unix_tstamp` | integer | seconds since 1970 |
//! | `frame_len` | integer | the packet's bytes on the wire |
//! | `ip_src`, `ip_dst` | text | as `source_ip` and `destination_ip` |
//!
//! The last four, `dns_a` and those of the question are what Apache Spot's table `dns` has, with its
//! names; there the records are responses alone, so that `ip_src` is the server. Name, type and class are
//! of the question, also where there is no answer.
//!
//! A name is as in a zone file, without the dot at its end: what is not printable in ASCII, a space, a
//! backslash and a dot within a label are escaped, `\032`. The root is `.`. The bit of mDNS that asks for
//! an answer by unicast does not count to the class.
//!
//! A record is invalid where the header or a question is damaged or was not captured; damage behind that
//! leaves the row. Work is linear in the message's length but for names, of 255 bytes at most, that a
//! message may point at again and again: a message of 64 KiB costs at most 1.4 million bytes of names.

mod name;

use std::fmt::Write;
use std::net::IpAddr;

use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use chrono::DateTime;
use datashark_sdk::input::{Framing, Payloads};
use domain::base::iana::{Opcode, Rtype};
use domain::base::{Message as Dns, ParsedName};
use domain::rdata::{A, Aaaa, AllRecordData, Cname, Ns, Ptr};
use serde::Deserialize;

use crate::capture::{Message, Transport};
use crate::column::{Column, micros_utc};
use crate::fixed_columns::check_columns;
use crate::rows::Rows;
use crate::{CodecError, Columns, Decoded, Decoder, Format};

const NAME: &str = "dns";

/// The port of mDNS, and the bit of a class that is none there.
const MDNS: u16 = 5353;
const UNICAST: u16 = 0x8000;

/// `[codec]` of `dns`: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsOptions {}

/// DNS messages of captures.
#[derive(Debug, Clone, Default)]
pub struct DnsPackets {}

impl DnsPackets {
    /// The format.
    pub fn new() -> Self {
        DnsPackets {}
    }
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Time,
    Source,
    SourcePort,
    Destination,
    DestinationPort,
    Transport,
    Id,
    Response,
    Name,
    Type,
    Class,
    Code,
    Address,
    Answers,
    Malformed,
    FrameTime,
    Seconds,
    Size,
}

const COLUMNS: [(&str, Part); 20] = [
    ("timestamp", Part::Time),
    ("source_ip", Part::Source),
    ("source_port", Part::SourcePort),
    ("destination_ip", Part::Destination),
    ("destination_port", Part::DestinationPort),
    ("network_transport", Part::Transport),
    ("dns_id", Part::Id),
    ("dns_response", Part::Response),
    ("dns_qry_name", Part::Name),
    ("dns_qry_type", Part::Type),
    ("dns_qry_class", Part::Class),
    ("dns_qry_rcode", Part::Code),
    ("dns_a", Part::Address),
    ("dns_answers", Part::Answers),
    ("dns_malformed", Part::Malformed),
    ("frame_time", Part::FrameTime),
    ("unix_tstamp", Part::Seconds),
    ("frame_len", Part::Size),
    ("ip_src", Part::Source),
    ("ip_dst", Part::Destination),
];

impl Part {
    fn data_type(self) -> DataType {
        match self {
            Part::Time => micros_utc(),
            Part::Response => DataType::Boolean,
            Part::SourcePort
            | Part::DestinationPort
            | Part::Id
            | Part::Type
            | Part::Code
            | Part::Seconds
            | Part::Size => DataType::Int64,
            _ => DataType::Utf8View,
        }
    }
}

impl Format for DnsPackets {
    fn name(&self) -> &'static str {
        NAME
    }

    fn columns(&self) -> Columns {
        let fields = COLUMNS.iter();
        let fields = fields.map(|(name, part)| Field::new(*name, part.data_type(), true));
        Columns::Fixed(fields.collect::<Fields>())
    }

    fn framing(&self) -> Framing {
        Framing::Capture
    }

    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError> {
        check_columns(NAME, &self.columns(), columns)?;
        let part = |field: &Field| COLUMNS.iter().find(|(name, _)| name == field.name());
        let parts = columns.iter().filter_map(part).map(|(_, part)| *part);
        Ok(Box::new(DnsDecoder {
            messages: Messages {
                parts: parts.collect(),
                text: String::new(),
            },
            rows: Rows::try_new(NAME, columns)?,
        }))
    }
}

struct DnsDecoder {
    rows: Rows,
    messages: Messages,
}

impl Decoder for DnsDecoder {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn decode(&mut self, payloads: &Payloads) -> Decoded {
        self.rows.decode_bytes(payloads, |record, columns| {
            self.messages.read(record, columns)
        })
    }
}

/// The asked columns.
struct Messages {
    parts: Vec<Part>,
    /// Where a text is put together.
    text: String,
}

/// The first question.
type Question<'a> = domain::base::Question<ParsedName<&'a [u8]>>;

impl Messages {
    fn read(&mut self, record: &[u8], columns: &mut [Column]) -> Result<(), String> {
        let message =
            Message::decode(record).ok_or("not a record of a capture: it does not begin as one")?;
        let dns = Dns::from_octets(message.bytes).map_err(|_| {
            let n = message.bytes.len();
            format!("a DNS header has 12 bytes, of this message there are {n}")
        })?;
        let question = match dns.question().next() {
            Some(Ok(question)) => Some(question),
            Some(Err(error)) => return Err(format!("the question is damaged: {error}")),
            None => None,
        };
        let row = Row {
            message,
            dns,
            question,
        };
        for (part, column) in self.parts.iter().zip(columns) {
            row.push(*part, column, &mut self.text);
        }
        Ok(())
    }
}

/// A message whose question is read.
struct Row<'a> {
    message: Message<'a>,
    dns: Dns<&'a [u8]>,
    question: Option<Question<'a>>,
}

impl Row<'_> {
    fn push(&self, part: Part, column: &mut Column, text: &mut String) {
        match column {
            Column::Int(numbers) => numbers.push(self.number(part)),
            Column::Time(numbers, _) => numbers.push(Some(self.message.time_ns.div_euclid(1_000))),
            Column::Boolean(values, nulls) => {
                values.append(self.dns.header().qr());
                nulls.append_non_null();
            }
            Column::Text(texts) => {
                text.clear();
                match self.text(part, text) {
                    true => texts.push_made(text.as_bytes()),
                    false => texts.push_null(),
                }
            }
            Column::Float(numbers) => numbers.push(None),
        }
    }

    fn number(&self, part: Part) -> Option<i64> {
        let message = &self.message;
        Some(match part {
            Part::SourcePort => message.source_port.into(),
            Part::DestinationPort => message.destination_port.into(),
            Part::Id => self.dns.header().id().into(),
            Part::Type => self.question.as_ref()?.qtype().to_int().into(),
            Part::Code => self.dns.header().rcode().to_int().into(),
            Part::Seconds => message.time_ns.div_euclid(1_000_000_000),
            Part::Size => message.frame_bytes.into(),
            _ => return None,
        })
    }

    /// Writes a text; `false` where there is none.
    fn text(&self, part: Part, text: &mut String) -> bool {
        let message = &self.message;
        match part {
            Part::Source => address(message.source, text),
            Part::Destination => address(message.destination, text),
            Part::Transport => text.push_str(match message.transport {
                Transport::Udp => "udp",
                Transport::Tcp => "tcp",
            }),
            Part::Name => match &self.question {
                Some(question) => name::write(question.qname(), text),
                None => return false,
            },
            Part::Class => match &self.question {
                Some(question) => {
                    let class = question.qclass().to_int();
                    let is_mdns = MDNS == message.source_port || MDNS == message.destination_port;
                    let class = if is_mdns { class & !UNICAST } else { class };
                    // Writing to a text cannot fail, here and below.
                    let _ = write!(text, "0x{class:08x}");
                }
                None => return false,
            },
            Part::FrameTime => {
                let time = DateTime::from_timestamp_nanos(message.time_ns);
                let _ = write!(text, "{}", time.format("%b %e, %Y %H:%M:%S.%9f UTC"));
            }
            Part::Address => return self.first_address(text),
            Part::Answers => return self.answers(text),
            Part::Malformed => return self.malformed(text),
            _ => return false,
        }
        true
    }

    fn first_address(&self, text: &mut String) -> bool {
        let Ok(answers) = self.dns.answer() else {
            return false;
        };
        let mut v6 = None;
        for answer in answers {
            let Ok(answer) = answer else { break };
            match answer.rtype() {
                Rtype::A => {
                    if let Ok(Some(found)) = answer.to_record::<A>() {
                        address(found.data().addr().into(), text);
                        return true;
                    }
                }
                Rtype::AAAA if v6.is_none() => {
                    let found = answer.to_record::<Aaaa>().ok().flatten();
                    v6 = found.map(|found| found.data().addr());
                }
                _ => {}
            }
        }
        if let Some(v6) = v6 {
            address(v6.into(), text);
        }
        v6.is_some()
    }

    fn answers(&self, text: &mut String) -> bool {
        let Ok(answers) = self.dns.answer() else {
            return false;
        };
        for answer in answers {
            let Ok(answer) = answer else { break };
            if !text.is_empty() {
                text.push(' ');
            }
            macro_rules! data {
                ($of:ty) => {
                    answer
                        .to_record::<$of>()
                        .ok()
                        .flatten()
                        .map(|record| record.into_data())
                };
            }
            let target = match answer.rtype() {
                Rtype::CNAME => data!(Cname<_>).map(Cname::into_cname),
                Rtype::NS => data!(Ns<_>).map(Ns::into_nsdname),
                Rtype::PTR => data!(Ptr<_>).map(Ptr::into_ptrdname),
                _ => None,
            };
            let found: Option<IpAddr> = match answer.rtype() {
                Rtype::A => data!(A).map(|data| data.addr().into()),
                Rtype::AAAA => data!(Aaaa).map(|data| data.addr().into()),
                _ => None,
            };
            match (target, found) {
                (Some(target), _) => name::write(&target, text),
                (None, Some(found)) => address(found, text),
                (None, None) => {
                    let _ = write!(text, "{}", answer.rtype());
                }
            }
        }
        !text.is_empty()
    }

    fn malformed(&self, text: &mut String) -> bool {
        for record in self.dns.iter() {
            let record = match &record {
                Ok((record, _)) => record,
                Err(error) => {
                    let _ = write!(text, "a record is damaged: {error}");
                    return true;
                }
            };
            // What an update deletes stands there without its data.
            if self.dns.header().opcode() == Opcode::UPDATE {
                continue;
            }
            if let Err(error) = record.to_any_record::<AllRecordData<_, _>>() {
                let _ = write!(
                    text,
                    "a record of type {} is damaged: {error}",
                    record.rtype()
                );
                return true;
            }
        }
        false
    }
}

/// Writes an address.
fn address(address: IpAddr, text: &mut String) {
    let _ = write!(text, "{address}");
}

#[cfg(test)]
mod tests;
