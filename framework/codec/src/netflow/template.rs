//! What the data records of NetFlow 9 and IPFIX look like, and how one is read.

use std::net::IpAddr;

use crate::flow::Flow;

/// The length by which IPFIX says that a field says its own.
const VARIABLE: u16 = 0xFFFF;

/// The enterprise whose elements are those of the other direction (RFC 5103).
const REVERSE: u32 = 29_305;

/// The difference between the years 1900 and 1970 in seconds, as NTP counts.
const NTP_1970: i64 = 2_208_988_800;

/// A template: what fields a record has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    fields: Vec<Field>,
    /// The fewest bytes that a record can have.
    len_min: usize,
    /// Whether its records say something of the exporter and are no flows.
    pub is_options: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    element: Option<Element>,
    len: u16,
}

/// A field that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    BytesIn,
    PacketsIn,
    BytesOut,
    PacketsOut,
    /// As the ones above, where a record has not those.
    TotalBytes,
    TotalPackets,
    Protocol,
    Service,
    DestinationService,
    Flags,
    SourcePort,
    DestinationPort,
    Source,
    Destination,
    Input,
    Output,
    SourceAs,
    DestinationAs,
    /// Milliseconds of the exporter's uptime.
    LastSwitched,
    FirstSwitched,
    /// Since 1970, in units of so many microseconds.
    Start(i64),
    End(i64),
    NtpStart,
    NtpEnd,
    /// Microseconds before the export.
    StartDelta,
    EndDelta,
    /// Milliseconds since 1970.
    Boot,
    DurationMillis,
    Icmp,
    IcmpType,
    IcmpCode,
    Direction,
    Forwarding,
    SamplingInterval,
    SamplerId,
}

/// What a record is read with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// When the datagram was sent, in microseconds since 1970, by the exporter's clock.
    pub exported: i64,
    /// When the exporter was started, where its header says.
    pub booted: Option<i64>,
}

/// A record, beside the flow.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub flow: Flow,
    pub sampling_interval: Option<u32>,
    pub sampler_id: Option<u32>,
}

impl Template {
    /// A template of fields: number, enterprise and length of each.
    pub(super) fn of(
        fields: impl IntoIterator<Item = (u16, Option<u32>, u16)>,
        is_options: bool,
    ) -> Self {
        let fields = fields.into_iter().map(|(number, enterprise, len)| Field {
            element: Element::of(number, enterprise),
            len,
        });
        let fields: Vec<Field> = fields.collect();
        let lens = fields.iter().map(|field| match field.len {
            VARIABLE => 1,
            len => usize::from(len),
        });
        let len_min = lens.sum();
        Template {
            len_min,
            fields,
            is_options,
        }
    }

    /// How many fields a record has.
    pub(super) fn n_fields(&self) -> usize {
        self.fields.len()
    }

    /// How many bytes a record has at least.
    pub(super) fn len_min(&self) -> usize {
        self.len_min
    }

    /// Reads the record that `bytes` begin with; says how many bytes it has. `None` if it is not whole.
    pub(super) fn read(&self, bytes: &[u8], clock: Clock) -> Option<(Record, usize)> {
        let mut record = Record::default();
        let mut other = Other::default();
        let mut at = 0;
        for field in &self.fields {
            let mut len = usize::from(field.len);
            if field.len == VARIABLE {
                len = usize::from(*bytes.get(at)?);
                at += 1;
                if len == 255 {
                    len = usize::from(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
                    at += 2;
                }
            }
            let value = bytes.get(at..at + len)?;
            at += len;
            if let Some(element) = field.element {
                element.read(value, &mut record, &mut other);
            }
        }
        other.finish(&mut record.flow, clock);
        Some((record, at))
    }
}

/// What is made something of once the whole record is read.
#[derive(Debug, Default)]
struct Other {
    first: Option<i64>,
    last: Option<i64>,
    start_delta: Option<i64>,
    end_delta: Option<i64>,
    boot: Option<i64>,
    duration: Option<i64>,
    total_bytes: Option<u64>,
    total_packets: Option<u64>,
}

impl Other {
    #[inline]
    fn finish(&self, flow: &mut Flow, clock: Clock) {
        let booted = self.boot.or(clock.booted);
        let since_boot = |millis: Option<i64>| {
            let micros = millis?.checked_mul(1_000)?;
            booted?.checked_add(micros)
        };
        let before = |delta: Option<i64>| clock.exported.checked_sub(delta?);
        flow.start = flow
            .start
            .or_else(|| since_boot(self.first))
            .or_else(|| before(self.start_delta));
        flow.end = flow
            .end
            .or_else(|| since_boot(self.last))
            .or_else(|| before(self.end_delta));
        if let (Some(start), None, Some(micros)) = (flow.start, flow.end, self.duration) {
            flow.end = start.checked_add(micros);
        }
        if flow.bytes_in == 0 {
            flow.bytes_in = self.total_bytes.unwrap_or(0);
        }
        if flow.packets_in == 0 {
            flow.packets_in = self.total_packets.unwrap_or(0);
        }
    }
}

impl Element {
    /// The element of a number in NetFlow 9, which IPFIX took over.
    fn of(number: u16, enterprise: Option<u32>) -> Option<Self> {
        match enterprise {
            None => {}
            Some(REVERSE) => {
                return match number {
                    1 => Some(Element::BytesOut),
                    2 => Some(Element::PacketsOut),
                    _ => None,
                };
            }
            Some(_) => return None,
        }
        Some(match number {
            1 => Element::BytesIn,
            2 => Element::PacketsIn,
            4 => Element::Protocol,
            5 => Element::Service,
            6 => Element::Flags,
            7 => Element::SourcePort,
            8 | 27 => Element::Source,
            10 => Element::Input,
            11 => Element::DestinationPort,
            12 | 28 => Element::Destination,
            14 => Element::Output,
            16 => Element::SourceAs,
            17 => Element::DestinationAs,
            21 => Element::LastSwitched,
            22 => Element::FirstSwitched,
            23 | 232 => Element::BytesOut,
            24 | 299 => Element::PacketsOut,
            32 | 139 => Element::Icmp,
            34 | 50 | 305 => Element::SamplingInterval,
            48 | 302 => Element::SamplerId,
            55 => Element::DestinationService,
            61 => Element::Direction,
            85 | 231 => Element::TotalBytes,
            86 | 298 => Element::TotalPackets,
            89 => Element::Forwarding,
            150 => Element::Start(1_000_000),
            151 => Element::End(1_000_000),
            152 => Element::Start(1_000),
            153 => Element::End(1_000),
            154 | 156 => Element::NtpStart,
            155 | 157 => Element::NtpEnd,
            158 => Element::StartDelta,
            159 => Element::EndDelta,
            160 => Element::Boot,
            161 => Element::DurationMillis,
            176 | 178 => Element::IcmpType,
            177 | 179 => Element::IcmpCode,
            _ => return None,
        })
    }

    #[inline]
    fn read(self, value: &[u8], record: &mut Record, other: &mut Other) {
        let flow = &mut record.flow;
        match self {
            Element::Source => flow.source = address(value).or(flow.source),
            Element::Destination => flow.destination = address(value).or(flow.destination),
            _ => {
                let Some(number) = number(value) else {
                    return;
                };
                self.take(number, record, other);
            }
        }
    }

    #[inline]
    fn take(self, number: u64, record: &mut Record, other: &mut Other) {
        let flow = &mut record.flow;
        let signed = i64::try_from(number).ok();
        match self {
            Element::BytesIn => flow.bytes_in = number,
            Element::PacketsIn => flow.packets_in = number,
            Element::BytesOut => flow.bytes_out = number,
            Element::PacketsOut => flow.packets_out = number,
            Element::TotalBytes => other.total_bytes = Some(number),
            Element::TotalPackets => other.total_packets = Some(number),
            Element::Protocol => flow.protocol = Some(number as u8),
            Element::Service => flow.service = Some(number as u8),
            Element::DestinationService => flow.destination_service = Some(number as u8),
            Element::Flags => flow.flags = Some(number as u8),
            Element::SourcePort => flow.source_port = Some(number as u16),
            Element::DestinationPort => flow.destination_port = Some(number as u16),
            Element::Input => flow.input = u32::try_from(number).ok(),
            Element::Output => flow.output = u32::try_from(number).ok(),
            Element::SourceAs => flow.source_as = u32::try_from(number).ok(),
            Element::DestinationAs => flow.destination_as = u32::try_from(number).ok(),
            Element::LastSwitched => other.last = signed,
            Element::FirstSwitched => other.first = signed,
            Element::Start(unit) => flow.start = signed.and_then(|n| n.checked_mul(unit)),
            Element::End(unit) => flow.end = signed.and_then(|n| n.checked_mul(unit)),
            Element::NtpStart => flow.start = Some(ntp(number)),
            Element::NtpEnd => flow.end = Some(ntp(number)),
            Element::StartDelta => other.start_delta = signed,
            Element::EndDelta => other.end_delta = signed,
            Element::Boot => other.boot = signed.and_then(|n| n.checked_mul(1_000)),
            Element::DurationMillis => other.duration = signed.and_then(|n| n.checked_mul(1_000)),
            Element::Icmp => flow.icmp = Some(number as u16),
            Element::IcmpType => {
                flow.icmp = Some(flow.icmp.unwrap_or(0) & 0xFF | (number as u16) << 8);
            }
            Element::IcmpCode => {
                flow.icmp = Some(flow.icmp.unwrap_or(0) & 0xFF00 | (number as u16 & 0xFF));
            }
            Element::Direction => flow.direction = Some(number as u8),
            Element::Forwarding => flow.forwarding = Some(number as u8),
            Element::SamplingInterval => record.sampling_interval = u32::try_from(number).ok(),
            Element::SamplerId => record.sampler_id = u32::try_from(number).ok(),
            Element::Source | Element::Destination => {}
        }
    }
}

/// A number of 1 to 8 bytes; `None` for other lengths.
#[inline]
fn number(value: &[u8]) -> Option<u64> {
    match *value {
        [a] => Some(a.into()),
        [a, b] => Some(u16::from_be_bytes([a, b]).into()),
        [a, b, c, d] => Some(u32::from_be_bytes([a, b, c, d]).into()),
        [_, _, _] | [_, _, _, _, _, ..] if value.len() <= 8 => Some(
            value
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        ),
        _ => None,
    }
}

#[inline]
fn address(value: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(value) {
        return Some(v4.into());
    }
    // Exporters that have one template for both leave the other address zero.
    let v6 = <[u8; 16]>::try_from(value).ok()?;
    (v6 != [0; 16]).then(|| v6.into())
}

/// A time of NTP in microseconds since 1970.
fn ntp(time: u64) -> i64 {
    let (seconds, fraction) = ((time >> 32) as i64, time & 0xFFFF_FFFF);
    (seconds - NTP_1970) * 1_000_000 + ((fraction * 1_000_000) >> 32) as i64
}
