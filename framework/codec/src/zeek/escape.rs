//! Zeek's escapes: `\\`, and `\x09` for bytes that a table or a terminal would trip over.

/// The text that an escaped one stands for, appended to `out`. Escapes of bytes that are no ASCII
/// text stay as they are, so that the result is UTF-8 where `text` is.
pub(super) fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let n = match byte(rest) {
            Some(byte) => {
                out.push(byte);
                4
            }
            None => {
                out.push(b'\\');
                1 + usize::from(rest.get(1) == Some(&b'\\'))
            }
        };
        rest = &rest[n..];
    }
    out.extend_from_slice(rest);
}

/// The byte that the `\xHH` at the start of `text` stands for, if it is resolved.
fn byte(text: &[u8]) -> Option<u8> {
    let byte = hex(text)?;
    let is_text = matches!(byte, 0x08..=0x0A | 0x0C | 0x0D | b' '..=b'~');
    is_text.then_some(byte)
}

/// The byte that a text beginning with `\xHH` begins with.
pub(super) fn hex(text: &[u8]) -> Option<u8> {
    let [b'\\', b'x', high, low, ..] = text else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unescaped(text: &str) -> String {
        let mut out = Vec::new();
        unescape(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes_of_text_are_resolved_and_those_of_other_bytes_stay() {
        assert_eq!(unescaped(r"a\x09b\x2c\x0A\\"), "a\tb,\n\\");
        assert_eq!(unescaped(r"\x00\xffé"), r"\x00\xffé");
    }

    #[test]
    fn what_is_no_escape_stays() {
        for text in [r"\", r"\x", r"\x0", r"\xg0", r"\n", "é"] {
            assert_eq!(unescaped(text), text);
        }
    }

    #[test]
    fn a_resolved_backslash_begins_no_escape() {
        assert_eq!(unescaped(r"\\x09"), r"\x09");
        assert_eq!(unescaped(r"\x5cx09"), r"\x09");
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_back(text in "[a\\\\x0-9,\t\né]{0,40}") {
            let escaped: String = text.chars().map(|character| match character {
                '\\' => r"\\".to_owned(),
                '\t' | '\n' | ',' => format!("\\x{:02x}", u32::from(character)),
                other => other.to_string(),
            }).collect();
            prop_assert_eq!(unescaped(&escaped), text);
        }
    }
}
