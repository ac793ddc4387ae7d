//! Strings with backslashes.

/// Whether every backslash in a string is followed by what JSON allows; the position of the first
/// that is not is the error.
pub(crate) fn check(text: &[u8]) -> Result<(), usize> {
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &text[at..]) {
        let start = at + found;
        at = match text.get(start + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => start + 2,
            Some(b'u') if hex(text, start + 2).is_some() => start + 6,
            _ => return Err(start),
        };
    }
    Ok(())
}

/// The text that a checked string stands for, appended to `out`; half of a surrogate pair becomes
/// U+FFFD.
pub(crate) fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let n = match rest.get(1) {
            Some(b'u') => {
                let (character, n) = unicode(rest);
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                n
            }
            Some(byte) => {
                out.push(plain(*byte));
                2
            }
            None => 1,
        };
        rest = rest.get(n..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

fn plain(byte: u8) -> u8 {
    match byte {
        b'b' => 0x08,
        b'f' => 0x0C,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        other => other,
    }
}

/// The character of the `\uXXXX` or the pair of them that `text` begins with, and its length.
fn unicode(text: &[u8]) -> (char, usize) {
    let first = hex(text, 2).unwrap_or(0xFFFD);
    if (0xD800..0xDC00).contains(&first) && text.get(6..8) == Some(b"\\u") {
        let second = hex(text, 8).filter(|second| (0xDC00..0xE000).contains(second));
        if let Some(second) = second {
            let pair = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            return (
                char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER),
                12,
            );
        }
    }
    (
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
        6,
    )
}

fn hex(text: &[u8], at: usize) -> Option<u32> {
    text.get(at..at + 4)?.iter().try_fold(0, |value, byte| {
        Some(value << 4 | char::from(*byte).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unescaped(text: &str) -> String {
        assert_eq!(check(text.as_bytes()), Ok(()));
        let mut out = Vec::new();
        unescape(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes_stand_for_their_characters() {
        assert_eq!(
            unescaped(r#"a\"\\\/\b\f\n\r\tz"#),
            "a\"\\/\u{8}\u{C}\n\r\tz"
        );
        assert_eq!(unescaped(r"\u00e9\uD83D\uDE00"), "é😀");
    }

    #[test]
    fn half_a_surrogate_pair_is_the_replacement_character() {
        assert_eq!(unescaped(r"\uD83Dx"), "\u{FFFD}x");
        assert_eq!(unescaped(r"\uDE00"), "\u{FFFD}");
        assert_eq!(unescaped(r"\uD83D\u0041"), "\u{FFFD}A");
    }

    #[test]
    fn what_json_does_not_allow_is_found() {
        assert_eq!(check(br"ok \n \x"), Err(6));
        assert_eq!(check(br"\u12G4"), Err(0));
        assert_eq!(check(br"\u123"), Err(0));
    }

    proptest! {
        #[test]
        fn what_serde_json_escapes_comes_back(text in any::<String>()) {
            let escaped = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(unescaped(&escaped[1..escaped.len() - 1]), text);
        }
    }
}
