//! The word of a DNS answer: `class_frame_hour_subdomain_entropy_labels_type_rcode`.
//!
//! | field | what |
//! |---|---|
//! | class | of the name's domain: 2 our own, 1 well known, 0 any other |
//! | frame | binary logarithm of the frame's length |
//! | hour | of the day, or the first of a part of it |
//! | subdomain | binary logarithm of the subdomain's length |
//! | entropy | class of the subdomain's entropy |
//! | labels | binary logarithm of the number of labels |
//! | type, rcode | as asked and answered |

use std::fmt::Write;
use std::sync::Arc;

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::NoWord;
use crate::domain::{Classes, DomainClass, Namer};
use crate::number::{
    Entropy, entropy_class, floor_log2, hour, in_day, part_of_day, piece_between_blanks, utf16_len,
};
use crate::settings::Words;

/// What the word of a DNS answer is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dns<'a> {
    /// The capturing tool's text of the time, as `Jan  4 2017 04:41:06.337519000 UTC`.
    pub frame_time: &'a str,
    /// Seconds since 1970.
    pub unix_tstamp: i64,
    /// Bytes of the frame.
    pub frame_len: i64,
    /// The name that was asked for.
    pub name: &'a str,
    /// The type that was asked for; -1 where it is missing.
    pub query_type: i64,
    /// The answer's code; -1 where it is missing.
    pub rcode: i64,
}

/// A DNS answer's word taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DnsParts {
    /// Of the name's domain.
    pub class: DomainClass,
    /// Binary logarithm of the frame's length.
    pub frame: u32,
    /// Of the day.
    pub hour: i32,
    /// Binary logarithm of the subdomain's length.
    pub subdomain: u32,
    /// Class of the subdomain's entropy.
    pub entropy: i32,
    /// Binary logarithm of the number of labels.
    pub labels: u32,
}

/// Makes the words of DNS answers; keeps the room that this needs.
#[derive(Debug, Clone, Default)]
pub struct DnsWords {
    words: Words,
    classes: Arc<Classes>,
    zone: Tz,
    namer: Namer,
    entropy: Entropy,
    /// Hours that are one; 0 is as 1.
    n_hours: u8,
}

impl DnsWords {
    /// With these classes of domains; `v2` takes the hour in this zone.
    pub fn new(words: Words, classes: Arc<Classes>, zone: Tz) -> Self {
        DnsWords {
            words,
            classes,
            zone,
            ..DnsWords::default()
        }
    }

    /// With parts of the day of so many hours in place of hours.
    #[must_use]
    pub fn with_hours(self, n_hours: u8) -> Self {
        DnsWords { n_hours, ..self }
    }

    /// Writes the word of a valid record.
    ///
    /// # Errors
    /// The hour cannot be told.
    pub fn write(&mut self, dns: &Dns<'_>, word: &mut String) -> Result<(), NoWord> {
        let DnsParts {
            class,
            frame,
            hour,
            subdomain,
            entropy,
            labels,
        } = self.parts(dns)?;
        let class = class as u8;
        word.clear();
        // Writing to a text does not fail.
        let _ = write!(
            word,
            "{class}_{frame}_{hour}_{subdomain}_{entropy}_{labels}_{}_{}",
            dns.query_type, dns.rcode
        );
        Ok(())
    }

    /// What the word of a valid record says.
    ///
    /// # Errors
    /// The hour cannot be told.
    pub fn parts(&mut self, dns: &Dns<'_>) -> Result<DnsParts, NoWord> {
        let hour = part_of_day(self.hour(dns)?, self.n_hours);
        let name = self.namer.take_apart(self.words, dns.name);
        let subdomain = name.subdomain.unwrap_or_default();
        Ok(DnsParts {
            class: self.classes.of(name.domain),
            frame: floor_log2(dns.frame_len.max(0).unsigned_abs()),
            hour,
            subdomain: floor_log2(utf16_len(subdomain) as u64),
            entropy: entropy_class(self.entropy.of(subdomain)),
            labels: floor_log2(name.n_labels as u64),
        })
    }

    /// The hour: as Spot 1.1 from the text, in whatever zone the sensor had, else from the time.
    ///
    /// # Errors
    /// It cannot be told.
    pub fn hour(&self, dns: &Dns<'_>) -> Result<i32, NoWord> {
        match self.words {
            Words::Spot11 => piece_between_blanks(dns.frame_time, 3)
                .and_then(hour)
                .ok_or("`frame_time` has no hour"),
            Words::V2 => hour_in(self.zone, dns.unix_tstamp).ok_or("`unix_tstamp` is no time"),
        }
    }
}

fn hour_in(zone: Tz, seconds: i64) -> Option<i32> {
    let offset = match zone {
        Tz::UTC => 0,
        zone => {
            let time = DateTime::from_timestamp(seconds, 0)?;
            let offset = zone.offset_from_utc_datetime(&time.naive_utc());
            i64::from(offset.fix().local_minus_utc())
        }
    };
    let hour = seconds.checked_add(offset)?.rem_euclid(86_400) / 3600;
    in_day(hour as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TopDomains;

    #[test]
    fn v2_takes_the_hour_of_the_zone_and_not_of_the_sensor() {
        let dns = Dns {
            frame_time: "May 20 2016 02:10:25.970987000 PDT",
            unix_tstamp: 1_463_735_425,
            frame_len: 168,
            name: "WWW.example.co.uk",
            query_type: 1,
            rcode: 0,
        };
        let word = |zone: Tz| {
            let top = TopDomains::of_domains(["example.co.uk"]);
            let classes = Classes::new(Words::V2, top, Vec::new());
            let mut word = String::new();
            let made = DnsWords::new(Words::V2, Arc::new(classes), zone).write(&dns, &mut word);
            made.map(|()| word)
        };
        assert_eq!(word(Tz::UTC).as_deref(), Ok("1_7_9_1_0_2_1_0"));
        assert_eq!(word(Tz::Europe__Berlin).as_deref(), Ok("1_7_11_1_0_2_1_0"));
    }
}
