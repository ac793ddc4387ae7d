//! `syslog`: lines of RFC 5424 and RFC 3164, and what programs made of the latter.
//!
//! ```text
//! <165>1 2003-10-11T22:14:15.003Z host.example.com app 42 ID47 [id@32473 key="value"] message
//! <34>Oct 11 22:14:15 host.example.com sshd[42]: message
//! 2003-10-11T22:14:15.003Z host.example.com sshd[42]: message
//! ```
//!
//! Each line says for itself which of the two it is: of RFC 5424 is what begins with a priority, a
//! version and a time of RFC 3339 or `-`.
//!
//! | column | type | |
//! |---|---|---|
//! | `timestamp` | time | see below |
//! | `host_name` | text | as it stands, a name or an address |
//! | `process_name` | text | the tag or the application's name |
//! | `process_pid` | integer | the process id where it is a number |
//! | `message` | text | the rest; the whole line behind the host where there is no tag |
//! | `log_syslog_priority` | integer | |
//! | `log_syslog_facility_code` | integer | |
//! | `log_syslog_facility_name` | text | `kern`, `user`, … `local7` |
//! | `log_syslog_severity_code` | integer | 0 is the worst |
//! | `log_syslog_severity_name` | text | `emerg`, `alert`, `crit`, `err`, `warning`, `notice`, `info`, `debug` |
//! | `log_syslog_version` | integer | 1; null for RFC 3164 |
//! | `log_syslog_procid` | text | the process id as it stands |
//! | `log_syslog_msgid` | text | RFC 5424 only |
//! | `log_syslog_structured_data` | text | RFC 5424 only, as it stands |
//! | any other | text | a parameter of structured data, `eventID` or, where several elements have it, `exampleSDID@32473.eventID` |
//!
//! What is `-` in RFC 5424 is null. `[codec]` has the keys of [`TimeOptions`]: times of RFC 3164
//! have neither year nor zone. A decoder has no clock to guess a year by, and the year of a file
//! that is read in January is not this year's; so such a time is no time unless the conf says
//! `year`. Records with one are then invalid if `timestamp` is asked for, and valid otherwise.
//!
//! # RFC 3164 as it is
//! The priority, the time and the host may be missing, but not both of the first two. Besides
//! `Oct 11 22:14:15` the time may have a year, a fraction, a zone with a colon behind it, or be one
//! of RFC 3339. There is no host where a colon follows the time, or where the first word is a tag or holds `=`;
//! Cisco's `17: host: ` before the time is one.
//! A tag is a word with `:`, `[pid]` or `[pid]:` behind it, and a space behind that. BSD's
//! `<auth.info>` behind the time is read as the priority.
//!
//! # Octet counts
//! A line that begins with the count of its octets (RFC 6587) is read without it, if it is right.
//! Frames of several lines are not supported, since records are lines: give such a stream to a
//! syslog server that writes lines.
//!
//! # Invalid
//! A line with neither priority nor time, a priority above 191, a wrong octet count, and a line of
//! RFC 5424 that breaks its grammar. What is not UTF-8 is replaced by U+FFFD and counted. Work is
//! linear in a line's length.
//!
//! A scanner of its own: crates that read syslog allocate for each record, and other formats need
//! the header alone.

pub(crate) mod facility;
pub(crate) mod header;
pub(crate) mod severity;

use datashark_sdk::conf::Problem;

use crate::named::{Found, Known, NamedFormat, Scan, Value, known_columns};
use crate::place::{Fault, Place};
use crate::timestamp::TimeOptions;
use crate::timestamp::device::Times;
use header::Header;

/// Lines of syslog.
#[derive(Debug, Clone, Default)]
pub struct Syslog {
    times: Times,
}

impl Syslog {
    /// The format with these options.
    ///
    /// # Errors
    /// A year or zone that is none.
    pub fn try_new(options: &TimeOptions) -> Result<Self, Problem> {
        let times = Times::try_new(options)?;
        Ok(Syslog { times })
    }
}

impl NamedFormat for Syslog {
    const NAME: &'static str = "syslog";

    type Scan = Lines;

    fn scan(&self) -> Lines {
        Lines
    }

    fn times(&self) -> &Times {
        &self.times
    }
}

pub(crate) struct Lines;

known_columns! {
    Timestamp: Time = "timestamp",
    Host: Text = "host_name",
    Process: Text = "process_name",
    Pid: Integer = "process_pid",
    Message: Text = "message",
    Priority: Integer = "log_syslog_priority",
    FacilityCode: Integer = "log_syslog_facility_code",
    FacilityName: Text = "log_syslog_facility_name",
    SeverityCode: Integer = "log_syslog_severity_code",
    SeverityName: Text = "log_syslog_severity_name",
    Version: Integer = "log_syslog_version",
    Procid: Text = "log_syslog_procid",
    Msgid: Text = "log_syslog_msgid",
    StructuredData: Text = "log_syslog_structured_data",
}

impl Scan for Lines {
    const KNOWN: &'static [Known] = KNOWN;

    #[inline]
    fn scan(&self, text: &[u8], found: &mut Found<'_>) -> Result<(), Fault> {
        let header = Header::scan(text, Some(found))?;
        header.set_first(found, Slot::Timestamp, Slot::Host);
        found.set(Slot::Process, header.process);
        found.set(Slot::Procid, header.procid);
        found.set(
            Slot::Pid,
            header.procid.filter(|place| is_number(place.of(text))),
        );
        found.set(
            Slot::Message,
            Value::At(Place::new(header.message, text.len())),
        );
        found.set(Slot::Msgid, header.msgid);
        found.set(Slot::StructuredData, header.structured_data);
        if let Some(version) = header.version {
            found.set(Slot::Version, Value::Number(version));
        }
        if let Some(priority) = header.priority {
            let (facility, severity) = (priority / 8, priority % 8);
            found.set(Slot::Priority, Value::Number(priority));
            found.set(Slot::FacilityCode, Value::Number(facility));
            found.set(Slot::SeverityCode, Value::Number(severity));
            found.set(Slot::FacilityName, word(facility::name(facility)));
            found.set(Slot::SeverityName, word(severity::name(severity)));
        }
        Ok(())
    }

    /// `\"`, `\\` and `\]`; any other backslash stands for itself.
    fn unescape(text: &[u8], plain: &mut Vec<u8>) {
        let mut rest = text;
        while let Some(at) = memchr::memchr(b'\\', rest) {
            plain.extend_from_slice(&rest[..at]);
            match rest.get(at + 1) {
                Some(escaped @ (b'"' | b'\\' | b']')) => {
                    plain.push(*escaped);
                    rest = &rest[at + 2..];
                }
                _ => {
                    plain.push(b'\\');
                    rest = &rest[at + 1..];
                }
            }
        }
        plain.extend_from_slice(rest);
    }
}

/// Whether it is digits that a number of 63 bits surely holds.
#[inline]
fn is_number(text: &[u8]) -> bool {
    text.len() <= 18 && text.iter().all(u8::is_ascii_digit)
}

fn word(name: Option<&'static str>) -> Value {
    name.map_or(Value::Missing, Value::Word)
}

#[cfg(test)]
mod tests;
