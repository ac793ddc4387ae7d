//! The events of FTD that list `Name: value` with commas between.

use super::Slot;
use crate::named::{Found, Value, transport};
use crate::place::Place;

/// Finds the values of a message. A part without a name is of the value before it.
pub(super) fn scan(text: &[u8], message: Place, found: &mut Found<'_>) {
    let mut last: Option<(Place, usize)> = None;
    let mut at = message.start;
    loop {
        let comma = memchr::memmem::find(&text[at..message.end], b", ").map(|n| at + n);
        let end = comma.unwrap_or(message.end);
        if let Some(len) = name_len(&text[at..end]) {
            if let Some((name, start)) = last {
                set(
                    text,
                    name,
                    Place::new(start, at.saturating_sub(2).max(start)),
                    found,
                );
            }
            last = Some((Place::new(at, at + len), (at + len + 2).min(end)));
        }
        match comma {
            Some(comma) => at = comma + 2,
            None => break,
        }
    }
    if let Some((name, start)) = last {
        set(text, name, Place::new(start, message.end), found);
    }
}

/// The length of the name before `: `.
fn name_len(part: &[u8]) -> Option<usize> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let len = part.iter().take_while(|byte| is_name(byte)).count();
    (len > 0 && part.get(len) == Some(&b':') && matches!(part.get(len + 1), None | Some(b' ')))
        .then_some(len)
}

fn set(text: &[u8], name: Place, place: Place, found: &mut Found<'_>) {
    let place = place.trimmed(text);
    found.other(name.of(text), place);
    let slot = match name.of(text) {
        b"Protocol" => return found.set_first(Slot::Transport, transport(text, place)),
        b"SrcPort" => return found.set_first(Slot::SourcePort, number(text, place)),
        b"DstPort" => return found.set_first(Slot::DestinationPort, number(text, place)),
        b"SrcIP" => Slot::SourceIp,
        b"DstIP" => Slot::DestinationIp,
        b"AccessControlRuleAction" => Slot::Action,
        b"AccessControlRuleName" => Slot::Rule,
        b"AccessControlRuleReason" => Slot::Reason,
        b"IngressInterface" => Slot::In,
        b"EgressInterface" => Slot::Out,
        b"User" => Slot::User,
        b"ConnectionID" => Slot::Connection,
        _ => return,
    };
    found.set_first(slot, place);
}

fn number(text: &[u8], place: Place) -> Value {
    let stated = place.of(text);
    match stated.len() <= 9 && stated.iter().all(u8::is_ascii_digit) {
        true => Value::At(place),
        false => Value::Missing,
    }
}
