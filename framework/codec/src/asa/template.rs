//! Texts with holes, and what fills them.

use super::Slot;
use super::endpoint::{Endpoint, acl_endpoint, endpoint};
use super::messages::Message;
use crate::named::{Found, Value, transport};
use crate::place::Place;

/// Holes that a text has at most.
const HOLES_MAX: usize = 16;

/// The texts of all messages.
#[derive(Debug)]
pub(super) struct Templates {
    /// By id, ascending; the texts of an id in their order.
    by_id: Vec<(u32, Template)>,
    /// Those of any id.
    others: Vec<Template>,
}

impl Templates {
    pub(super) fn new(messages: &'static [Message]) -> Self {
        let mut templates = Templates {
            by_id: Vec::new(),
            others: Vec::new(),
        };
        for (ids, text) in messages {
            let with_id = ids.iter().map(|id| (*id, Template::new(text)));
            templates.by_id.extend(with_id);
            if ids.is_empty() {
                templates.others.push(Template::new(text));
            }
        }
        templates.by_id.sort_by_key(|(id, _)| *id);
        templates
    }

    /// Finds the values of a message, if it is one of these.
    #[inline]
    pub(super) fn scan(&self, id: u32, text: &[u8], message: Place, found: &mut Found<'_>) {
        let start = self.by_id.partition_point(|(known, _)| *known < id);
        let of_id = self.by_id[start..]
            .iter()
            .take_while(|(known, _)| *known == id);
        let templates = of_id.map(|(_, template)| template).chain(&self.others);
        let mut filled = [(Hole::Any, Place::default()); HOLES_MAX];
        for template in templates {
            if let Some(n_filled) = template.fill(text, message, &mut filled) {
                for (hole, place) in &filled[..n_filled] {
                    hole.set(text, *place, found);
                }
                return;
            }
        }
    }
}

#[derive(Debug)]
struct Template(Vec<Part>);

#[derive(Debug, Clone, Copy)]
enum Part {
    /// This text.
    Text(&'static str),
    /// This text as a value.
    Stated(Hole, &'static str),
    /// What stands before the next part; at the end a word.
    Until(Hole),
    /// All that follows.
    Rest(Hole),
}

impl Template {
    fn new(text: &'static str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            if !before.is_empty() {
                parts.push(Part::Text(before));
            }
            let (hole, behind) = behind.split_once('}').unwrap_or((behind, ""));
            parts.push(match (hole.split_once(':'), hole.strip_prefix('*')) {
                (Some((name, stated)), _) => Part::Stated(Hole::named(name), stated),
                (_, Some(name)) => Part::Rest(Hole::named(name)),
                _ => Part::Until(Hole::named(hole)),
            });
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest));
        }
        Template(parts)
    }

    /// What fills the holes, and how many there are.
    #[inline]
    fn fill(
        &self,
        text: &[u8],
        message: Place,
        filled: &mut [(Hole, Place); HOLES_MAX],
    ) -> Option<usize> {
        let mut at = message.start;
        let mut n_filled = 0;
        let mut put = |hole: Hole, start: usize, end: usize| {
            let slot = filled.get_mut(n_filled)?;
            *slot = (hole, Place::new(start, end));
            n_filled += 1;
            Some(())
        };
        for (i, part) in self.0.iter().enumerate() {
            let rest = &text[at..message.end];
            match *part {
                Part::Text(stated) => {
                    at += rest
                        .starts_with(stated.as_bytes())
                        .then_some(stated.len())?;
                }
                Part::Stated(hole, stated) => {
                    let len = rest
                        .starts_with(stated.as_bytes())
                        .then_some(stated.len())?;
                    put(hole, at, at + len)?;
                    at += len;
                }
                Part::Rest(hole) => {
                    put(hole, at, message.end)?;
                    at = message.end;
                }
                Part::Until(hole) => {
                    let len = match self.0.get(i + 1) {
                        Some(Part::Text(next)) => find(rest, next.as_bytes())?,
                        _ => word_len(rest),
                    };
                    put(hole, at, at + len)?;
                    at += len;
                }
            }
        }
        Some(n_filled)
    }
}

/// Where a short text stands, which is mostly near.
#[inline]
fn find(rest: &[u8], stated: &[u8]) -> Option<usize> {
    let first = *stated.first()?;
    memchr::memchr_iter(first, rest).find(|at| rest[*at..].starts_with(stated))
}

/// The length of a word, without a stop or comma behind it.
#[inline]
fn word_len(rest: &[u8]) -> usize {
    let len = memchr::memchr(b' ', rest).unwrap_or(rest.len());
    rest[..len]
        .strip_suffix(b".")
        .or_else(|| rest[..len].strip_suffix(b","))
        .map_or(len, <[u8]>::len)
}

/// What fills a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hole {
    /// Nothing that is a column.
    Any,
    /// A column's value as it stands.
    Plain(Slot),
    Transport,
    Duration,
    Source,
    Destination,
    SourceNat,
    DestinationNat,
    AclSource,
    AclDestination,
}

impl Hole {
    fn named(name: &str) -> Self {
        match name {
            "action" => Hole::Plain(Slot::Action),
            "reason" => Hole::Plain(Slot::Reason),
            "direction" => Hole::Plain(Slot::Direction),
            "bytes" => Hole::Plain(Slot::Bytes),
            "in" => Hole::Plain(Slot::In),
            "user" => Hole::Plain(Slot::User),
            "rule" => Hole::Plain(Slot::Rule),
            "id" => Hole::Plain(Slot::Connection),
            "type" => Hole::Plain(Slot::IcmpType),
            "code" => Hole::Plain(Slot::IcmpCode),
            "flags" => Hole::Plain(Slot::Flags),
            "transport" => Hole::Transport,
            "duration" => Hole::Duration,
            "src" => Hole::Source,
            "dst" => Hole::Destination,
            "srcnat" => Hole::SourceNat,
            "dstnat" => Hole::DestinationNat,
            "aclsrc" => Hole::AclSource,
            "acldst" => Hole::AclDestination,
            _ => Hole::Any,
        }
    }

    #[inline]
    fn set(self, text: &[u8], place: Place, found: &mut Found<'_>) {
        let place = place.trimmed(text);
        match self {
            Hole::Any => {}
            Hole::Plain(slot @ (Slot::Bytes | Slot::IcmpType | Slot::IcmpCode)) => {
                // A name in place of a number is no value, and no reason to refuse the line.
                let is_number = place.of(text).iter().all(u8::is_ascii_digit);
                found.set_first(slot, place.unless_empty().filter(|_| is_number));
            }
            Hole::Plain(slot) => found.set_first(slot, place.unless_empty()),
            Hole::Transport => found.set_first(Slot::Transport, protocol(text, place)),
            Hole::Duration => {
                let nanos = duration(place.of(text)).map_or(Value::Missing, Value::Number);
                found.set_first(Slot::Duration, nanos);
            }
            Hole::Source => set_source(endpoint(text, place), found),
            Hole::Destination => set_destination(endpoint(text, place), found),
            Hole::AclSource => set_source(acl_endpoint(text, place), found),
            Hole::AclDestination => set_destination(acl_endpoint(text, place), found),
            Hole::SourceNat => {
                let end = endpoint(text, without_user(text, place));
                found.set_first(Slot::SourceNatIp, end.ip);
                found.set_first(Slot::SourceNatPort, end.port);
            }
            Hole::DestinationNat => {
                let end = endpoint(text, without_user(text, place));
                found.set_first(Slot::DestinationNatIp, end.ip);
                found.set_first(Slot::DestinationNatPort, end.port);
            }
        }
    }
}

fn set_source(end: Endpoint, found: &mut Found<'_>) {
    found.set_first(Slot::SourceIp, end.ip);
    found.set_first(Slot::SourcePort, end.port);
    found.set_first(Slot::In, end.interface);
    found.set_first(Slot::User, end.user);
}

fn set_destination(end: Endpoint, found: &mut Found<'_>) {
    found.set_first(Slot::DestinationIp, end.ip);
    found.set_first(Slot::DestinationPort, end.port);
    found.set_first(Slot::Out, end.interface);
    found.set_first(Slot::User, end.user);
}

/// A mapped address, without the `)(user` that the search for its end took in.
fn without_user(text: &[u8], place: Place) -> Place {
    let len = memchr::memchr(b')', place.of(text));
    Place::new(place.start, len.map_or(place.end, |len| place.start + len))
}

/// `tcp`, `TCP`, or `protocol 47`.
fn protocol(text: &[u8], place: Place) -> Value {
    match place.of(text).strip_prefix(b"protocol ") {
        Some(rest) => transport(text, Place::new(place.end - rest.len(), place.end)),
        None => transport(text, place),
    }
}

/// The nanoseconds of `1:02:03`.
fn duration(text: &[u8]) -> Option<i64> {
    let mut secs = 0i64;
    for part in text.split(|byte| *byte == b':') {
        if part.is_empty() || part.len() > 6 || !part.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let part = part
            .iter()
            .fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
        secs = secs.checked_mul(60)?.checked_add(part)?;
    }
    secs.checked_mul(1_000_000_000)
}

#[cfg(test)]
pub(super) fn is_known(name: &str) -> bool {
    Hole::named(name) != Hole::Any
}
