//! A word's fields, as its text has them: what a word is made of, each by itself.
//!
//! A method, a type or a protocol may have a `_` of its own. Its fields may then lie elsewhere than they
//! were written, but always at the same place for the same word, which is what counting them needs.

use crate::kind::Kind;

/// As many fields as a word has at most.
pub(crate) const N_FIELDS: usize = 8;

/// In place of fields that a record does not have; both have a `_`.
const NO_METHOD: &str = "unknown_method";
const NO_CODE: &str = "unknown_response_code";

/// The fields of a word; those that a word of its kind does not have are empty.
///
/// The port of a flow has the `-1_` that says whose it is.
pub(crate) fn fields(kind: Kind, word: &str) -> [&str; N_FIELDS] {
    match kind {
        Kind::Flow => of_flow(word),
        Kind::Dns => of_dns(word),
        Kind::Proxy => of_proxy(word),
    }
}

fn of_flow(word: &str) -> [&str; N_FIELDS] {
    let before_port = if word.starts_with("-1_") { 3 } else { 0 };
    let n_digits = cut_first(&word[before_port..]).0.len();
    let (port, rest) = word.split_at(before_port + n_digits);
    let rest = rest.strip_prefix('_').unwrap_or(rest);
    let (rest, packets) = cut_last(rest);
    let (rest, bytes) = cut_last(rest);
    let (proto, hour) = cut_last(rest);
    [port, proto, hour, bytes, packets, "", "", ""]
}

fn of_dns(word: &str) -> [&str; N_FIELDS] {
    let mut pieces = word.splitn(N_FIELDS, '_');
    std::array::from_fn(|_| pieces.next().unwrap_or_default())
}

fn of_proxy(word: &str) -> [&str; N_FIELDS] {
    let (class, rest) = cut_first(word);
    let (hour, rest) = cut_first(rest);
    let (method, rest) = cut(rest, NO_METHOD).unwrap_or_else(|| cut_first(rest));
    let (entropy, rest) = cut_first(rest);
    let code = rest.strip_suffix(NO_CODE).map(|rest| (rest, NO_CODE));
    let (rest, code) = match code {
        Some((rest, code)) => (rest.strip_suffix('_').unwrap_or(rest), code),
        None => cut_last(rest),
    };
    let (rest, length) = cut_last(rest);
    let (content_type, agent) = cut_last(rest);
    [
        class,
        hour,
        method,
        entropy,
        content_type,
        agent,
        length,
        code,
    ]
}

fn cut<'a>(text: &'a str, field: &str) -> Option<(&'a str, &'a str)> {
    let rest = text.strip_prefix(field)?.strip_prefix('_')?;
    Some((&text[..field.len()], rest))
}

fn cut_first(text: &str) -> (&str, &str) {
    text.split_once('_').unwrap_or((text, ""))
}

fn cut_last(text: &str) -> (&str, &str) {
    text.rsplit_once('_').unwrap_or(("", text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(kind: Kind, word: &str) -> Vec<&str> {
        fields(kind, word).to_vec()
    }

    #[test]
    fn words_are_taken_apart_as_they_were_made() {
        assert_eq!(
            of(Kind::Flow, "-1_80_TCP_0_16_8")[..5],
            ["-1_80", "TCP", "0", "16", "8"]
        );
        assert_eq!(
            of(Kind::Flow, "333333_UDP_0_0_1")[..5],
            ["333333", "UDP", "0", "0", "1"]
        );
        assert_eq!(
            of(Kind::Dns, "1_7_0_3_12_1_-1_3"),
            ["1", "7", "0", "3", "12", "1", "-1", "3"]
        );
        assert_eq!(
            of(
                Kind::Proxy,
                "0_0_unknown_method_0_unknown_content_type_9_0_unknown_response_code"
            ),
            [
                "0",
                "0",
                NO_METHOD,
                "0",
                "unknown_content_type",
                "9",
                "0",
                NO_CODE
            ]
        );
        assert_eq!(
            of(Kind::Proxy, "2_0_GET_13_text_9_4_404"),
            ["2", "0", "GET", "13", "text", "9", "4", "404"]
        );
    }

    proptest! {
        #[test]
        fn any_text_has_fields(word in "(-1_)?[a-c_é1-]{0,24}") {
            for kind in [Kind::Flow, Kind::Dns, Kind::Proxy] {
                for field in fields(kind, &word) {
                    prop_assert!(word.contains(field));
                }
            }
        }
    }
}
