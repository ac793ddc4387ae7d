//! `asa`: messages of Cisco's ASA, FTD, PIX and FWSM, with or without a syslog header in front.
//!
//! ```text
//! <166>Oct 11 2026 22:14:15 fw : %ASA-6-302013: Built inbound TCP connection 9 for outside:192.0.2.1/4711 …
//! ```
//!
//! | column | type | |
//! |---|---|---|
//! | `timestamp`, `host_name`, `log_syslog_priority` | time, text, integer | of the syslog header |
//! | `observer_product` | text | `ASA`, `FTD`, `PIX`, `FWSM`, `NGIPS` |
//! | `log_syslog_severity_code` | integer | the message's level: 0 is the worst |
//! | `event_code` | text | the message's id: `302013` |
//! | `message` | text | the text behind the id |
//!
//! That much every message gives. The messages below, and no others, also give:
//!
//! | column | type | |
//! |---|---|---|
//! | `event_action` | text | what was done, as stated: `Deny`, `denied`, `permitted`, `Built`, `Teardown` |
//! | `event_reason` | text | why, as of the end of a connection: `TCP FINs` |
//! | `event_duration` | integer | of a connection, in nanoseconds |
//! | `network_direction` | text | `inbound`, `outbound` |
//! | `network_transport` | text | in small letters where it is a known one |
//! | `network_bytes` | integer | of a connection, both ways |
//! | `source_ip`, `source_port` | text, integer | see below; a service's name is its port |
//! | `source_nat_ip`, `source_nat_port` | text, integer | the same, mapped |
//! | `destination_ip`, `destination_port` | text, integer | |
//! | `destination_nat_ip`, `destination_nat_port` | text, integer | |
//! | `observer_ingress_interface_name`, `observer_egress_interface_name` | text | the source's and the destination's interface |
//! | `user_name` | text | |
//! | `rule_name` | text | the access list or group |
//! | `connection_id` | text | |
//! | `icmp_type`, `icmp_code` | integer | |
//! | `tcp_flags` | text | |
//! | any other | text | of 430001 to 430005 the value of that name, such as `AccessControlRuleName` |
//!
//! | messages | |
//! |---|---|
//! | 106001, 106002, 106006, 106007, 106010, 106011, 106012, 106013, 106014, 106015, 106016, 106017, 106018, 106020, 106021, 106022, 106023, 106027, 106100, 106102, 106103 | packets and connections that were denied or permitted |
//! | 302013 to 302018, 302020, 302021 | connections built and torn down |
//! | 305005, 305006, 305009 to 305013 | translations |
//! | 313001, 313004, 313005, 313008 | ICMP |
//! | 710001 to 710006 | connections to the device itself |
//! | 110002, 110003, 111008 to 111010, 605004, 605005, 611101, 611102, 113004, 113005, 113012, 113015, 113019, 725001 to 725003, 725007 | routing, commands, logins, TLS |
//! | any that begins with `Group <…> User <…> IP <…>` | VPN sessions |
//! | 430001 to 430005 | events of FTD, of `Name: value` |
//!
//! Of a connection that is built outbound the source is the inside, which the message names
//! second; its teardown does not say the direction, and names the same two in the same order: there
//! the source is what stands first.
//!
//! `[codec]` has the keys of [`TimeOptions`]. What stands before the message is a syslog header or
//! is passed over.
//!
//! # Invalid
//! A line without `%ASA-LEVEL-ID:` or the like. A message above whose text is not as Cisco lists it
//! is valid and gives just what every message gives. What is not UTF-8 is replaced by U+FFFD and
//! counted. Work is linear in a line's length.

mod endpoint;
mod listing;
mod messages;
mod template;

use arrow::datatypes::{Field, Fields};
use datashark_sdk::conf::Problem;

use crate::named::{Found, Known, NamedDecoder, Scan, Value, fields, known_columns};
use crate::place::{Fault, Place, fault};
use crate::syslog::header::Header;
use crate::timestamp::TimeOptions;
use crate::timestamp::device::Times;
use crate::{CodecError, Columns, Decoder, Format};
use template::Templates;

const NAME: &str = "asa";

const PRODUCTS: [&str; 5] = ["ASA", "FTD", "PIX", "FWSM", "NGIPS"];
/// Digits of a message's id.
const ID_DIGITS: usize = 6;

/// Messages of Cisco's firewalls.
#[derive(Debug, Clone, Default)]
pub struct Asa {
    times: Times,
}

impl Asa {
    /// The format with these options.
    ///
    /// # Errors
    /// A year or zone that is none.
    pub fn try_new(options: &TimeOptions) -> Result<Self, Problem> {
        let times = Times::try_new(options)?;
        Ok(Asa { times })
    }
}

impl Format for Asa {
    fn name(&self) -> &'static str {
        NAME
    }

    fn columns(&self) -> Columns {
        Columns::Open
    }

    fn known_columns(&self) -> Fields {
        fields(KNOWN)
    }

    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError> {
        let messages = Messages {
            templates: Templates::new(messages::MESSAGES),
        };
        let decoder = NamedDecoder::try_new(NAME, messages, self.times.clone(), columns)?;
        Ok(Box::new(decoder))
    }
}

known_columns! {
    Timestamp: Time = "timestamp",
    Host: Text = "host_name",
    Priority: Integer = "log_syslog_priority",
    Product: Text = "observer_product",
    Level: Integer = "log_syslog_severity_code",
    Code: Text = "event_code",
    Message: Text = "message",
    Action: Text = "event_action",
    Reason: Text = "event_reason",
    Duration: Integer = "event_duration",
    Direction: Text = "network_direction",
    Transport: Text = "network_transport",
    Bytes: Integer = "network_bytes",
    SourceIp: Text = "source_ip",
    SourcePort: Integer = "source_port",
    SourceNatIp: Text = "source_nat_ip",
    SourceNatPort: Integer = "source_nat_port",
    DestinationIp: Text = "destination_ip",
    DestinationPort: Integer = "destination_port",
    DestinationNatIp: Text = "destination_nat_ip",
    DestinationNatPort: Integer = "destination_nat_port",
    In: Text = "observer_ingress_interface_name",
    Out: Text = "observer_egress_interface_name",
    User: Text = "user_name",
    Rule: Text = "rule_name",
    Connection: Text = "connection_id",
    IcmpType: Integer = "icmp_type",
    IcmpCode: Integer = "icmp_code",
    Flags: Text = "tcp_flags",
}

struct Messages {
    templates: Templates,
}

impl Scan for Messages {
    const KNOWN: &'static [Known] = KNOWN;

    #[inline]
    fn scan(&self, text: &[u8], found: &mut Found<'_>) -> Result<(), Fault> {
        let tag = memchr::memchr_iter(b'%', text)
            .find_map(|start| Tag::at(text, start))
            .ok_or(fault("`%ASA-LEVEL-ID:`", 0))?;
        let syslog = Header::before(text, tag.start);
        syslog.set_first(found, Slot::Timestamp, Slot::Host);
        if let Some(priority) = syslog.priority {
            found.set(Slot::Priority, Value::Number(priority));
        }
        found.set(Slot::Product, tag.product);
        found.set(Slot::Level, tag.level);
        found.set(Slot::Code, tag.id);
        let message = Place::new(tag.end, text.len());
        found.set(Slot::Message, message);
        let id = tag.id.of(text).iter();
        match id.fold(0, |id, digit| id * 10 + u32::from(digit - b'0')) {
            430_001..=430_005 => listing::scan(text, message, found),
            id => self.templates.scan(id, text, message, found),
        }
        Ok(())
    }
}

/// `%ASA-6-302013: ` or, with a class, `%ASA-session-6-302013: `.
struct Tag {
    start: usize,
    product: Place,
    level: Place,
    id: Place,
    /// Where the message's text starts.
    end: usize,
}

impl Tag {
    #[inline]
    fn at(text: &[u8], start: usize) -> Option<Tag> {
        let rest = &text[start + 1..];
        let known = |product: &&str| {
            rest.starts_with(product.as_bytes()) && rest.get(product.len()) == Some(&b'-')
        };
        let product = PRODUCTS.iter().find(|product| known(product))?;
        let product = Place::new(start + 1, start + 1 + product.len());
        let mut at = product.end + 1;
        let class = text[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        if class > 0 {
            at += class + 1;
        }
        let level = Place::new(at, at + 1);
        let id = Place::new(at + 2, at + 2 + ID_DIGITS);
        let is_tag = matches!(text.get(at), Some(b'0'..=b'7'))
            && text[at - 1] == b'-'
            && text.get(at + 1) == Some(&b'-')
            && text.get(id.start..id.end)?.iter().all(u8::is_ascii_digit)
            && text.get(id.end) == Some(&b':');
        let end = id.end + 1 + usize::from(text.get(id.end + 1) == Some(&b' '));
        is_tag.then_some(Tag {
            start,
            product,
            level,
            id,
            end,
        })
    }
}

#[cfg(test)]
mod tests;
