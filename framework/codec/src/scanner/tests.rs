//! The scanner against the regex crate.

use proptest::prelude::*;

use super::*;

/// A pattern both ways: by the regex crate, and by a scanner for each choice of asked groups.
struct Both {
    pattern: String,
    regex: regex::Regex,
    scanners: Vec<(Vec<usize>, Scanner)>,
}

impl Both {
    /// All groups are asked for, each alone, and none.
    fn new(pattern: &str) -> Self {
        let regex = regex::Regex::new(&format!(r"\A(?:{pattern})")).unwrap();
        let n_groups = regex.captures_len();
        let mut choices: Vec<Vec<usize>> = (1..n_groups).map(|group| vec![group]).collect();
        choices.extend([(1..n_groups).collect(), vec![]]);
        let scanners = choices.into_iter().map(|asked| {
            let scanner = scanner(pattern, &asked).expect("the pattern is plain");
            (asked, scanner)
        });
        Both {
            pattern: pattern.to_owned(),
            scanners: scanners.collect(),
            regex,
        }
    }

    /// Checks that both agree; gives how often the scanner left it to the regex.
    fn assert_alike(&self, text: &str) -> usize {
        if !text.is_ascii() {
            return self.scanners.len();
        }
        // What stands behind a record looks like the record's own.
        let followed = text.repeat(2) + "\u{FF}";
        let alone = self.n_unknown(text.as_bytes(), text);
        assert_eq!(self.n_unknown(followed.as_bytes(), text), alone);
        alone
    }

    /// The same, with what stands behind the record in its block.
    fn n_unknown(&self, block: &[u8], text: &str) -> usize {
        let expected = self.regex.captures(text);
        let mut n_unknown = 0;
        for (asked, scanner) in &self.scanners {
            let mut marks = vec![usize::MAX; 2 * self.regex.captures_len()];
            let outcome = scanner.scan(block, text.len(), &mut marks);
            let Both { pattern, .. } = self;
            match (&expected, outcome) {
                (_, Outcome::Unknown) => n_unknown += 1,
                (None, outcome) => assert_eq!(outcome, Outcome::NoMatch, "{pattern} on {text:?}"),
                (Some(groups), outcome) => {
                    assert_eq!(outcome, Outcome::Match, "{pattern} on {text:?}");
                    for group in asked {
                        let place = groups.get(*group).map(|found| (found.start(), found.end()));
                        let ours = (marks[2 * group], marks[2 * group + 1]);
                        assert_eq!(Some(ours), place, "{pattern} on {text:?}, group {group}");
                    }
                }
            }
        }
        n_unknown
    }
}

fn scanner(pattern: &str, asked: &[usize]) -> Option<Scanner> {
    Scanner::new(&regex_syntax::parse(pattern).unwrap(), asked)
}

const PATTERNS: [&str; 8] = [
    r#"^(?P<source>.+?) \[(?P<time>.+?)\] "(?P<request>.+?)" (?P<response_code>\d+) (?P<bytes>.+)$"#,
    r#"(?P<source>\S+) \[[^\]]+\] \"[^\"]*\" (?P<response_code>\d{3}) .*"#,
    r#"^(?P<source>[\d.]+) \[(.*)\] "(.*)" (?P<code>[1-5]\d\d) (\d+|-)?"#,
    r#"(\S+) (\S+) (\S*) (.*)$"#,
    r#"(.*) "(.*)" (.*)"#,
    r#"(\S+?)(\s+)(\[.{1,30}?\])(.*?)(\d{3})"#,
    r#"(?i)(?P<ip>[\da-f.:]+)[^"]*"(?P<method>get|post)"#,
    r#"([^ ]* )([^ ]*)$"#,
];

#[test]
fn plain_patterns_are_recognised_and_others_are_not() {
    for plain in [0, 1, 3, 4, 5, 7] {
        assert!(
            scanner(PATTERNS[plain], &[1]).is_some(),
            "{}",
            PATTERNS[plain]
        );
    }
    for other in [
        "a|bc",
        "(ab)+",
        r"\bx",
        "(?m)^x$",
        "a$b",
        "x^",
        "(é)*",
        PATTERNS[2],
        PATTERNS[6],
    ] {
        assert!(scanner(other, &[]).is_none(), "{other}");
    }
}

#[test]
fn a_tail_that_nobody_asked_for_is_not_scanned() {
    let scanner = scanner(PATTERNS[1], &[1]).unwrap();
    assert!(matches!(scanner.steps.last(), Some(Step::Literal(last)) if last.text() == b" "));
}

#[test]
fn a_hostile_record_is_left_to_the_regex_after_a_bounded_number_of_tries() {
    let scanner = scanner(r"(.*) (.*) (.*) (.*)x$", &[1]).unwrap();
    let text = "a ".repeat(2_000);
    assert_eq!(
        scanner.scan(text.as_bytes(), text.len(), &mut [0; 10]),
        Outcome::Unknown
    );
}

#[test]
fn real_access_log_lines_have_the_groups_that_the_regex_finds() {
    let plain = [0, 1, 3, 4, 5, 7].map(|plain| Both::new(PATTERNS[plain]));
    let (mut n_lines, mut n_unknown) = (0, 0);
    for name in ["attack_acunetix", "elastic_apache_combined"] {
        let Some(text) =
            datashark_test_data::read(&format!("access_logs/epa_format/{name}.epa.log.gz"))
        else {
            return;
        };
        for line in String::from_utf8_lossy(&text).lines() {
            n_unknown += plain
                .iter()
                .map(|both| both.assert_alike(line))
                .sum::<usize>();
            n_lines += 1;
        }
    }
    assert!(
        n_lines > 10_000 && n_unknown < n_lines,
        "{n_lines} lines, {n_unknown} left"
    );
}

/// A plain pattern: pieces, some in groups, anchored or not.
fn pattern() -> impl Strategy<Value = String> {
    let class = prop::sample::select(vec![
        ".", "a", "b", " ", r"\S", r"\d", "[ab]", "[^a]", "[^\" ]", r"[^\]]", r"\w", "[a-c1]",
    ]);
    let times = prop::sample::select(vec![
        "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,3}?", "{2,}",
    ]);
    let literal = prop::sample::select(vec!["a", "ab", " ", "] ", "\" ", "1"]);
    let piece = prop_oneof![
        3 => (class, times).prop_map(|(class, times)| format!("{class}{times}")),
        1 => literal.prop_map(str::to_owned),
    ];
    let group = (prop::collection::vec(piece, 1..3), any::<bool>());
    let group = group.prop_map(|(pieces, captured)| {
        if captured {
            format!("({})", pieces.concat())
        } else {
            pieces.concat()
        }
    });
    (
        prop::collection::vec(group, 1..6),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(groups, start, end)| {
            let (start, end) = (if start { "^" } else { "" }, if end { "$" } else { "" });
            format!("{start}{}{end}", groups.concat())
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn groups_are_those_of_the_regex(
        pattern in pattern(),
        texts in prop::collection::vec("[ab1 \"\\]\nc]{0,14}", 20)
    ) {
        let both = Both::new(&pattern);
        for text in texts {
            both.assert_alike(&text);
        }
    }
}
