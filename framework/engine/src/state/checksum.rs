//! Checksums of files and lines: CRC-32, which finds every damage of up to 32 bits in a row, and of
//! others all but one in four billion.
//!
//! A JSON object has its checksum as its last member, over all bytes before that member; a line of
//! fields as its last field. So it can be told of bytes alone whether they are right.

/// How a checksum is written.
const PREFIX: &str = "crc32:";
/// What stands around it in a JSON object on one line, and on several.
const ON_ONE_LINE: (&str, &str) = (",\"checksum\":\"", "\"}");
const ON_SEVERAL_LINES: (&str, &str) = (",\n  \"checksum\": \"", "\"\n}");
/// What stands before it in a line of fields.
const FIELD: &str = "\t";

/// What the checksum of some bytes says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    /// They are as they were written.
    Right,
    /// They are not.
    Wrong,
    /// There is none: they are of a version before, or damaged where it was.
    Without,
}

/// The checksum of some bytes.
fn of(bytes: &[u8]) -> String {
    format!("{PREFIX}{:08x}", crc32fast::hash(bytes))
}

/// Adds the checksum to a JSON object that has members, as serde_json writes it.
pub(crate) fn seal_json(json: &mut Vec<u8>) {
    let around = match json.ends_with(b"\n}") {
        true => ON_SEVERAL_LINES,
        false => ON_ONE_LINE,
    };
    let end = if around == ON_SEVERAL_LINES { 2 } else { 1 };
    json.truncate(json.len().saturating_sub(end));
    let checksum = of(json);
    for part in [around.0, &checksum, around.1] {
        json.extend_from_slice(part.as_bytes());
    }
}

/// Looks whether a JSON object is as [`seal_json`] left it.
pub(crate) fn check_json(json: &[u8]) -> Checked {
    [ON_ONE_LINE, ON_SEVERAL_LINES]
        .into_iter()
        .find_map(|(before, after)| checked(json, before, after))
        .unwrap_or(Checked::Without)
}

/// Adds the checksum to a line of fields with tabs between, which has no end yet.
pub(crate) fn seal_line(line: &mut String) {
    let checksum = of(line.as_bytes());
    line.push_str(FIELD);
    line.push_str(&checksum);
}

/// The fields of a line that [`seal_line`] left, or the line itself where it has no checksum.
pub(crate) fn check_line(line: &str) -> (Checked, &str) {
    match checked(line.as_bytes(), FIELD, "") {
        Some(checked) => {
            let end = line.len() - FIELD.len() - of(b"").len();
            (checked, line.get(..end).unwrap_or(line))
        }
        None => (Checked::Without, line),
    }
}

/// What the checksum at the end of some bytes says, with what stands around it; `None` where there is
/// none.
fn checked(bytes: &[u8], before: &str, after: &str) -> Option<Checked> {
    let rest = bytes.strip_suffix(after.as_bytes())?;
    let (rest, found) = rest.split_at_checked(rest.len().checked_sub(of(b"").len())?)?;
    let content = rest.strip_suffix(before.as_bytes())?;
    found.strip_prefix(PREFIX.as_bytes())?;
    Some(match found == of(content).as_bytes() {
        true => Checked::Right,
        false => Checked::Wrong,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn value() -> Value {
        json!({"version": 3, "name": "}\"", "of": {"a": [1, 2]}})
    }

    fn sealed() -> [Vec<u8>; 2] {
        let mut both = [
            serde_json::to_vec(&value()).unwrap(),
            serde_json::to_vec_pretty(&value()).unwrap(),
        ];
        both.iter_mut().for_each(seal_json);
        both
    }

    #[test]
    fn a_sealed_object_is_still_json_and_says_when_it_was_changed() {
        for bytes in sealed() {
            assert_eq!(check_json(&bytes), Checked::Right);
            let mut read: Value = serde_json::from_slice(&bytes).unwrap();
            let checksum = read.as_object_mut().unwrap().shift_remove("checksum");
            assert!(checksum.unwrap().as_str().unwrap().starts_with("crc32:"));
            assert_eq!(read, value());
            let other = String::from_utf8(bytes).unwrap().replace("\"a\"", "\"b\"");
            assert_eq!(check_json(other.as_bytes()), Checked::Wrong);
        }
        let without = serde_json::to_vec(&value()).unwrap();
        assert_eq!(check_json(&without), Checked::Without);
    }

    #[test]
    fn a_sealed_line_gives_its_fields_back() {
        let mut line = "a\tb\t7\t8".to_owned();
        assert_eq!(check_line(&line), (Checked::Without, "a\tb\t7\t8"));
        seal_line(&mut line);
        assert_eq!(check_line(&line), (Checked::Right, "a\tb\t7\t8"));
        assert_eq!(check_line(&line.replace('7', "9")).0, Checked::Wrong);
    }

    proptest! {
        /// Whatever happens to a byte is seen, or leaves no checksum behind.
        #[test]
        fn no_damaged_byte_goes_unnoticed(at in any::<prop::sample::Index>(), bit in 0u8..8) {
            for mut bytes in sealed() {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
                prop_assert_ne!(check_json(&bytes), Checked::Right);
            }
        }

        #[test]
        fn any_bytes_can_be_checked(bytes in prop::collection::vec(any::<u8>(), 0..40), text in "\\PC{0,40}") {
            check_json(&bytes);
            check_line(&text);
        }
    }
}
