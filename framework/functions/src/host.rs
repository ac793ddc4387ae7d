//! What counts as the name of a host.

/// The longest name of a host in bytes, without the dot at its end (RFC 1035, section 2.3.4).
const NAME_MAX: usize = 253;
/// The longest label (the same section).
const LABEL_MAX: usize = 63;

/// Whether a text without a dot at its end is the name of a host, and no address.
///
/// Labels are of letters, digits, `-` and `_`, which names of services have, and of characters
/// beyond ASCII. Whoever has to do with real names meets all of them.
#[inline]
pub(crate) fn is_name(text: &str) -> bool {
    if text.is_empty() || text.len() > NAME_MAX {
        return false;
    }
    let mut label_start = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'.' if at == label_start || at - label_start > LABEL_MAX => return false,
            b'.' => label_start = at + 1,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | 0x80.. => {}
            _ => return false,
        }
    }
    let last = &text[label_start..];
    !last.is_empty()
        && last.len() <= LABEL_MAX
        && !is_number(last)
        && (text.is_ascii() || !text.chars().any(|c| c.is_whitespace() || c.is_control()))
}

/// Whether a last label makes the whole an IPv4 address, or what is meant as one: `192.0.2.1`,
/// `192.0.2.300`, `0x7f.1` (the URL Standard's "ends in a number").
fn is_number(label: &str) -> bool {
    let hexadecimal = label
        .strip_prefix("0x")
        .or_else(|| label.strip_prefix("0X"));
    label.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hosts_and_services_are_names() {
        for name in [
            "localhost",
            "example.com",
            "_dmarc.example.com",
            "grün.example",
            "a-1.b",
        ] {
            assert!(is_name(name), "{name}");
        }
    }

    #[test]
    fn addresses_and_what_dns_cannot_hold_are_none() {
        let long_label = "a".repeat(64);
        let long_name = ["a".repeat(63).as_str(); 4].join(".");
        for text in [
            "",
            ".",
            ".a",
            "a..b",
            "a.",
            "192.0.2.1",
            "192.0.2.300",
            "0x7f.0x1",
            "::1",
            "[::1]",
            "a b",
            "a\u{a0}b",
            "a/b",
            "a:80",
            "*.example.com",
            "a@b",
            &long_label,
            &long_name,
        ] {
            assert!(!is_name(text), "{text:?}");
        }
    }
}
