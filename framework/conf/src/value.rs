//! Where a value ends on its line: behind its closing quote, or with the line.
//!
//! A regex in quotes may hold the same quotes, escaped or not, and `#`; so the closing quote is not
//! simply the next one. It is, in this order: the first quote without a backslash before it that
//! has nothing or a comment (a blank, then `#`) behind it; the same with a backslash before it (a
//! path such as `'C:\'`); a quote with `#` directly behind it.

/// Where a value ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The value has this many bytes; what follows is blank or a comment.
    At(usize),
    /// As `At`, but what is taken as a comment ends with a quote too.
    Doubtful(usize),
    /// The opening quote has no closing one.
    Unclosed,
    /// Text stands behind the closing quote, from this byte on.
    TextBehind(usize),
}

/// Finds the end of a value that starts at the first byte of `line`, which is trimmed.
pub(crate) fn end(line: &str) -> End {
    match line.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted_end(line, quote),
        _ => End::At(line.len()),
    }
}

/// Finds the end of a value that starts with three quotes; `text` goes on over the line's end.
pub(crate) fn triple_end(text: &str, quotes: &str) -> End {
    let Some(close) = text[quotes.len()..].find(quotes) else {
        return End::Unclosed;
    };
    let mut end = close + 2 * quotes.len();
    // Of four quotes in a row the last three close.
    while text[end..].starts_with(&quotes[..1]) {
        end += 1;
    }
    let behind = text[end..].lines().next().unwrap_or_default().trim();
    match behind {
        "" => End::At(end),
        comment if comment.starts_with('#') => End::At(end),
        _ => End::TextBehind(end),
    }
}

/// The three quotes that a value starts with, if it does.
pub(crate) fn triple(value: &str) -> Option<&'static str> {
    ["\"\"\"", "'''"]
        .into_iter()
        .find(|quotes| value.starts_with(quotes))
}

fn quoted_end(line: &str, quote: char) -> End {
    let ends: Vec<usize> = line
        .char_indices()
        .skip(1)
        .filter(|(_, c)| *c == quote)
        .map(|(at, _)| at + 1)
        .collect();
    let Some(&first) = ends.first() else {
        return End::Unclosed;
    };
    let closes = |&&end: &&usize| {
        let behind = &line[end..];
        behind.trim().is_empty()
            || behind.starts_with([' ', '\t']) && behind.trim_start().starts_with('#')
    };
    let plain = |end: &&usize| !escaped(line, **end - 1);
    let chosen = ends
        .iter()
        .filter(plain)
        .find(closes)
        .or_else(|| ends.iter().find(closes))
        .or_else(|| ends.iter().find(|end| line[**end..].starts_with('#')));
    match chosen {
        Some(&end) if line[end..].trim_end().ends_with(quote) => End::Doubtful(end),
        Some(&end) => End::At(end),
        // A list: `"a, b", c`.
        None if line[first..].trim_start().starts_with(',') => End::At(line.len()),
        None => End::TextBehind(first),
    }
}

/// Whether an odd number of backslashes stands before the byte.
fn escaped(line: &str, at: usize) -> bool {
    let n_backslashes = line[..at].bytes().rev().take_while(|b| *b == b'\\').count();
    n_backslashes % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value that is read from a line.
    fn value(line: &str) -> &str {
        match end(line) {
            End::At(end) => &line[..end],
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn nothing_cuts_an_unquoted_value() {
        for line in ["a # b", "^x;y:z=\"q\"'\\d#$", "", "it's", "a, b"] {
            assert_eq!(value(line), line);
        }
    }

    #[test]
    fn a_quoted_value_ends_at_the_quote_with_nothing_or_a_comment_behind_it() {
        for (line, expected) in [
            (r#""a" # comment"#, r#""a""#),
            (r##""a"# comment"##, r#""a""#),
            (r#"'"'   "#, r#"'"'"#),
            (r#""a\"b\"c""#, r#""a\"b\"c""#),
            (r#""a"b"c""#, r#""a"b"c""#),
            (r#""x\" # y""#, r#""x\" # y""#),
            (r##""x"#y""##, r##""x"#y""##),
            (r#"'C:\' # the root"#, r#"'C:\'"#),
            (r#"'C:\'"#, r#"'C:\'"#),
            (r#"'C:\\' # it's"#, r#"'C:\\'"#),
            (r#""a, b", c"#, r#""a, b", c"#),
            (r#""a", "b" # two"#, r#""a", "b""#),
            (r#""""#, r#""""#),
        ] {
            assert_eq!(value(line), expected, "{line}");
        }
    }

    #[test]
    fn a_comment_that_ends_in_a_quote_is_doubtful() {
        assert_eq!(end(r#""a" # the "old" one"#), End::At(3));
        assert_eq!(end(r#""a" # b""#), End::Doubtful(3));
    }

    #[test]
    fn an_open_quote_and_text_behind_a_quote_are_told_apart() {
        assert_eq!(end("'"), End::Unclosed);
        assert_eq!(end("\"abc'"), End::Unclosed);
        assert_eq!(end("'a' b"), End::TextBehind(3));
    }

    #[test]
    fn three_quotes_run_over_lines_to_the_next_three() {
        assert_eq!(
            triple_end("'''a\n'b'' # x\n''' # end\nk = v", "'''"),
            End::At(17)
        );
        assert_eq!(triple_end("'''a''''\n", "'''"), End::At(8));
        assert_eq!(triple_end("'''a''' b\n", "'''"), End::TextBehind(7));
        assert_eq!(triple_end("'''a", "'''"), End::Unclosed);
    }
}
