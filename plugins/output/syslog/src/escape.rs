//! What keeps a value inside its message: escapes for JSON and for structured data; pure.
//!
//! No message holds a control character (Unicode's Cc), whatever the findings hold: none ends a
//! line early, and none reaches the terminal of whoever reads the log. JSON encoders escape those
//! below U+0020; U+007F to U+009F are left, and are escaped here.

use memchr::{memchr2_iter, memchr3_iter};

/// DEL, and the first byte of U+0080 to U+00BF in UTF-8.
const DEL: u8 = 0x7f;
const C1_START: u8 = 0xc2;

/// Adds JSON text with the control characters escaped that its encoder left.
pub(crate) fn push_json(json: &[u8], to: &mut Vec<u8>) {
    let mut copied = 0;
    for at in memchr2_iter(DEL, C1_START, json) {
        let (code, n_bytes) = match (json[at], json.get(at + 1)) {
            (DEL, _) => (DEL, 1),
            (_, Some(next @ 0x80..=0x9f)) => (*next, 2),
            _ => continue,
        };
        to.extend_from_slice(&json[copied..at]);
        to.extend_from_slice(b"\\u00");
        for digit in [code >> 4, code & 0xf] {
            to.push(b"0123456789abcdef"[usize::from(digit)]);
        }
        copied = at + n_bytes;
    }
    to.extend_from_slice(&json[copied..]);
}

/// Adds a JSON value as the value of a parameter (RFC 5424, 6.3.3), without the quotes around it.
///
/// A receiver reads a text as it is, but for control characters, which it reads as JSON's escapes
/// (`\n`, `\u0001`); a list or a structure as JSON.
pub(crate) fn push_param_value(json: &[u8], to: &mut Vec<u8>) {
    let text = json
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    let value = text.unwrap_or(json);
    let mut copied = 0;
    for at in memchr3_iter(b'\\', b'"', b']', value) {
        // The second byte of an escape that was kept.
        if at < copied {
            continue;
        }
        to.extend_from_slice(&value[copied..at]);
        let escape = value.get(at..at + 2);
        // JSON and RFC 5424 escape these two alike.
        if let Some(escape @ (b"\\\"" | b"\\\\")) = escape.filter(|_| text.is_some()) {
            to.extend_from_slice(escape);
            copied = at + 2;
        } else {
            to.extend_from_slice(&[b'\\', value[at]]);
            copied = at + 1;
        }
    }
    to.extend_from_slice(&value[copied..]);
}

/// A name of a parameter (RFC 5424, 6.3.2): 1 to 32 printable ASCII characters but `=`, `]`, `"` and
/// space; `_` stands for any other.
pub(crate) fn param_name(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_graphic() && !"=]\"".contains(c);
    let shown = name.chars().map(|c| if allowed(c) { c } else { '_' });
    match name {
        "" => "_".to_owned(),
        _ => shown.take(32).collect(),
    }
}

/// A text as JSON.
pub(crate) fn json_text(text: &str) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(text.len() + 2);
    push_json(
        serde_json::Value::from(text).to_string().as_bytes(),
        &mut escaped,
    );
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn param_value(text: &str) -> String {
        let mut value = Vec::new();
        push_param_value(&json_text(text), &mut value);
        String::from_utf8(value).unwrap()
    }

    /// What a receiver makes of a parameter's value: the RFC's three escapes undone. It panics where
    /// the value would have ended early.
    fn received(value: &str) -> String {
        let mut text = String::new();
        let mut chars = value.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => text.push(chars.next().filter(|c| "\\\"]".contains(*c)).unwrap()),
                _ => {
                    assert!(!"\"]".contains(c), "{value}");
                    text.push(c);
                }
            }
        }
        text
    }

    #[test]
    fn a_text_cannot_leave_its_parameter() {
        assert_eq!(param_value(r#"a"] [x@1 y="z\"#), r#"a\"\] [x@1 y=\"z\\"#);
        assert_eq!(
            param_value("../\0\r\n\u{7f}\u{9b}é"),
            r"../\\u0000\\r\\n\\u007f\\u009bé"
        );
    }

    #[test]
    fn what_is_no_text_is_received_as_json() {
        let mut value = Vec::new();
        push_param_value(br#"[1,"a\"]"]"#, &mut value);
        assert_eq!(value, br#"[1,\"a\\\"\]\"\]"#);
        assert_eq!(
            received(std::str::from_utf8(&value).unwrap()),
            r#"[1,"a\"]"]"#
        );
        value.clear();
        push_param_value(b"-1.5", &mut value);
        assert_eq!(value, b"-1.5");
    }

    #[test]
    fn names_are_made_to_fit() {
        assert_eq!(param_name("source_ip"), "source_ip");
        assert_eq!(param_name("a b=\"]é"), "a_b____");
        assert_eq!(param_name(&"x".repeat(40)).len(), 32);
        assert_eq!(param_name(""), "_");
    }

    proptest! {
        #[test]
        fn no_control_character_is_left_and_json_reads_the_same(text: String) {
            let json = json_text(&text);
            let shown = std::str::from_utf8(&json).unwrap();
            prop_assert!(!shown.chars().any(char::is_control), "{shown}");
            prop_assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), text);
        }

        #[test]
        fn a_parameter_is_received_as_it_was(text: String) {
            let value = param_value(&text);
            prop_assert!(!value.chars().any(char::is_control), "{value}");
            if !text.chars().any(char::is_control) {
                prop_assert_eq!(received(&value), text);
            }
        }

        #[test]
        fn a_name_is_always_one(name: String) {
            let name = param_name(&name);
            prop_assert!((1..=32).contains(&name.len()));
            prop_assert!(name.bytes().all(|b| b.is_ascii_graphic() && !b"=]\"".contains(&b)));
        }
    }
}
