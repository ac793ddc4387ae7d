//! The regex dialect of Logstash's patterns (Onigmo's) as that of the regex crate.

/// Shorthands for ASCII, as Ruby has them, outside and inside a class.
const SHORTHANDS: [(char, &str, &str); 8] = [
    ('d', "[0-9]", "0-9"),
    ('D', "[^0-9]", r"\D"),
    ('w', "[0-9A-Za-z_]", "0-9A-Za-z_"),
    ('W', "[^0-9A-Za-z_]", r"\W"),
    ('s', r"[\t-\r ]", r"\t-\r "),
    ('S', r"[^\t-\r ]", r"\S"),
    ('h', "[0-9A-Fa-f]", "0-9A-Fa-f"),
    ('b', r"(?-u:\b)", r"\x08"),
];

/// What a look-around or an atomic group begins with.
const LOOK_AROUND: [&str; 4] = ["(?=", "(?!", "(?<=", "(?<!"];
const ATOMIC: &str = "(?>";

/// The same pattern with shorthands spelled out, and braces that are no repetition escaped. Groups
/// without a name are not captured: nobody asks for them, and each costs at every step of a match.
pub(super) fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut tokens = Tokens::of(pattern);
    while let Some((token, in_class)) = tokens.next() {
        if token == "(" && !in_class && !tokens.behind_token().starts_with('?') {
            out.push_str("(?:");
            continue;
        }
        if token == "{" && !in_class {
            out.push_str(brace(tokens.behind_token()));
            continue;
        }
        let shorthand = token.strip_prefix('\\').and_then(|letter| {
            let known = SHORTHANDS.iter();
            known
                .clone()
                .find(|(known, _, _)| letter.starts_with(*known))
        });
        out.push_str(match shorthand {
            Some((_, outside, _)) if !in_class => outside,
            Some((_, _, inside)) => inside,
            None => token,
        });
    }
    out
}

/// An opening brace before this text: of a repetition, whose lower bound may be missing, or plain.
fn brace(behind: &str) -> &'static str {
    let inside = behind.split_once('}').map_or("x", |(inside, _)| inside);
    let (from, to) = inside.split_once(',').unwrap_or((inside, "0"));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match (
        is_number(from) && is_number(to),
        from.is_empty(),
        to.is_empty(),
    ) {
        (true, false, _) => "{",
        (true, true, false) if inside.starts_with(',') => "{0",
        _ => r"\{",
    }
}

/// The same pattern with plain groups for atomic ones and without look-around.
pub(super) fn without_look_around(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    // Groups that are open inside a look-around, from its own on.
    let mut n_left_out = 0;
    let mut tokens = Tokens::of(pattern);
    while let Some((token, in_class)) = tokens.next() {
        let opens = token == "(" && !in_class;
        let begins = |start: &&str| tokens.behind_token().starts_with(&start[1..]);
        if n_left_out > 0 {
            n_left_out += usize::from(opens);
            n_left_out -= usize::from(token == ")" && !in_class);
        } else if opens && LOOK_AROUND.iter().any(begins) {
            n_left_out = 1;
        } else if opens && begins(&ATOMIC) {
            out.push_str("(?:");
            tokens.pass(ATOMIC.len() - 1);
        } else {
            out.push_str(token);
        }
    }
    out
}

/// The characters of a pattern, escaped ones with their backslash, and whether they are in a class.
struct Tokens<'a> {
    pattern: &'a str,
    at: usize,
    class_depth: usize,
}

impl<'a> Tokens<'a> {
    fn of(pattern: &'a str) -> Self {
        Tokens {
            pattern,
            at: 0,
            class_depth: 0,
        }
    }

    /// What stands behind the last token.
    fn behind_token(&self) -> &'a str {
        &self.pattern[self.at..]
    }

    /// Passes over ASCII characters.
    fn pass(&mut self, n: usize) {
        self.at += n;
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (&'a str, bool);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.pattern[self.at..];
        let mut characters = rest.chars();
        let mut len = characters.next()?.len_utf8();
        if rest.starts_with('\\') {
            len += characters.next().map_or(0, char::len_utf8);
        }
        let token = &rest[..len];
        let in_class = self.class_depth > 0;
        match token {
            "[" => self.class_depth += 1,
            "]" if in_class => self.class_depth -= 1,
            _ => {}
        }
        self.at += len;
        Some((token, in_class))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shorthands_are_about_ascii_in_and_out_of_classes() {
        assert_eq!(
            translate(r"\d+\\d[\w-]\b"),
            r"[0-9]+\\d[0-9A-Za-z_-](?-u:\b)"
        );
        assert_eq!(translate(r"[[[:alnum:]]_%]\s"), r"[[[:alnum:]]_%][\t-\r ]");
    }

    #[test]
    fn groups_without_a_name_are_not_captured() {
        assert_eq!(
            translate(r"(a)\((?<n>b)(?i:c)[(]"),
            r"(?:a)\((?<n>b)(?i:c)[(]"
        );
    }

    #[test]
    fn braces_that_are_no_repetition_are_escaped() {
        assert_eq!(translate("a{2}b{2,}c{2,3}d{,3}"), "a{2}b{2,}c{2,3}d{0,3}");
        assert_eq!(translate(r"{a}\{{}{,}{1[{]"), r"\{a}\{\{}\{,}\{1[{]");
    }

    #[test]
    fn look_around_is_left_out_and_atomic_groups_are_plain() {
        assert_eq!(
            without_look_around(r"(?<![0-9])(?>a|b)(?!(c)\))d"),
            "(?:a|b)d"
        );
        assert_eq!(without_look_around(r"(?<=[)(])x(?=y)z"), "xz");
        assert_eq!(
            without_look_around(r"(?<name>a)\(?=[(?>]"),
            r"(?<name>a)\(?=[(?>]"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_translated(text in r"[\\()\[\]?<>!=abdw€]{0,40}") {
            let _ = translate(&without_look_around(&text));
        }
    }
}
