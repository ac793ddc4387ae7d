//! What the text of a value says: its quotes, its list items, a comment that is none.

/// The text without its outer pair of quotes, simple or triple; inner characters stay untouched.
///
/// # Examples
/// ```
/// use datashark_sdk::conf::unquote;
/// assert_eq!(unquote("','"), ",");
/// assert_eq!(unquote(r#""a\"b""#), r#"a\"b"#);
/// assert_eq!(unquote("it's"), "it's");
/// ```
pub fn unquote(raw: &str) -> &str {
    for quote in ["\"\"\"", "'''", "\"", "'"] {
        if raw.len() >= 2 * quote.len() && raw.starts_with(quote) && raw.ends_with(quote) {
            return &raw[quote.len()..raw.len() - quote.len()];
        }
    }
    raw
}

/// Whether someone who wrote this value may have meant `# …` as a comment behind it.
///
/// A comment stands on a line of its own or behind a quoted value; in an unquoted value `#` is a
/// character like any other.
pub fn holds_comment(raw: &str) -> bool {
    let quoted = unquote(raw).len() != raw.len();
    !quoted
        && raw
            .split('#')
            .next()
            .is_some_and(|head| head.ends_with([' ', '\t']))
        && raw.contains('#')
}

/// The items of a comma-separated list, quotes still on them; a comma at the end adds none.
pub(super) fn list_items(raw: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let mut rest = raw.trim();
    while !rest.is_empty() {
        let end = item_end(rest);
        items.push(rest[..end].trim());
        rest = rest.get(end + 1..).unwrap_or_default().trim_start();
    }
    // A lone comma is how ConfigObj writes the empty list.
    if items == [""] { Vec::new() } else { items }
}

/// Where the first item of a list ends: at its comma, or at the end of the text.
fn item_end(rest: &str) -> usize {
    let comma = |from: usize| rest[from..].find(',').map_or(rest.len(), |at| from + at);
    let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return comma(0);
    };
    // The closing quote is the first one with a comma or nothing behind it.
    rest.match_indices(quote)
        .skip(1)
        .map(|(at, _)| at + 1)
        .find(|&at| {
            let behind = rest[at..].trim_start();
            behind.is_empty() || behind.starts_with(',')
        })
        .map_or_else(|| comma(0), comma)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outer_pair_of_quotes_is_removed() {
        for (raw, text) in [
            (r#""a\"b""#, r#"a\"b"#),
            ("'\"'", "\""),
            ("''", ""),
            ("\"", "\""),
            ("\"a'", "\"a'"),
            ("'''a'b'''", "a'b"),
            ("\"\"\"a\nb\"\"\"", "a\nb"),
            ("'a', 'b'", "a', 'b"),
        ] {
            assert_eq!(unquote(raw), text, "{raw}");
        }
    }

    #[test]
    fn list_items_are_split_at_commas_outside_quotes() {
        let cases: [(&str, &[&str]); 9] = [
            ("", &[]),
            (",", &[]),
            ("a", &["a"]),
            ("a, \"b,c\", d", &["a", "\"b,c\"", "d"]),
            ("a,b,", &["a", "b"]),
            ("'it''s, so' , x", &["'it''s, so'", "x"]),
            ("a,,b", &["a", "", "b"]),
            ("\"open, b", &["\"open", "b"]),
            ("'a'x, b", &["'a'x", "b"]),
        ];
        for (raw, items) in cases {
            assert_eq!(list_items(raw), items, "{raw}");
        }
    }

    #[test]
    fn a_hash_behind_a_blank_outside_quotes_may_be_meant_as_a_comment() {
        assert!(holds_comment("60s # a minute"));
        assert!(holds_comment("60s\t# a minute"));
        assert!(!holds_comment("a#b"));
        assert!(!holds_comment("'a # b'"));
        assert!(!holds_comment("a "));
    }
}
