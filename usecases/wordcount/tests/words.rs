//! Counts compared with a plain reference, with Python, and with themselves in parts.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringViewArray, StringViewBuilder};
use arrow::buffer::Buffer;
use arrow::datatypes::UInt64Type;
use datashark_sdk::conf::Section;
use datashark_sdk::{Findings, Reduce};
use datashark_test_data::skipped;
use datashark_wordcount::{CountWords, Counts, USE_CASE};
use proptest::prelude::*;

type Expected = BTreeMap<String, u64>;

/// Lines as views into one block, as the codec gives them.
fn lines_of_a_block(text: &str) -> RecordBatch {
    let mut lines = StringViewBuilder::new();
    let block = lines.append_block(Buffer::from(text.as_bytes()));
    let mut start = 0;
    for line in text.split('\n') {
        lines
            .try_append_view(block, start, line.len() as u32)
            .unwrap();
        start += line.len() as u32 + 1;
    }
    batch(lines.finish())
}

fn batch(lines: StringViewArray) -> RecordBatch {
    let lines: ArrayRef = Arc::new(lines);
    RecordBatch::try_from_iter([("line", lines)]).unwrap()
}

fn counts(batches: &[RecordBatch]) -> Counts {
    let mut counts = Counts::default();
    for batch in batches {
        CountWords.add(&mut counts, batch);
    }
    counts
}

fn counts_of(text: &str) -> Counts {
    counts(&[lines_of_a_block(text)])
}

fn words(counts: Counts) -> Expected {
    let rows = CountWords.rows(counts).unwrap();
    let keys = rows
        .column(0)
        .as_string_view()
        .iter()
        .map(|word| word.unwrap().to_owned());
    let numbers = rows
        .column(1)
        .as_primitive::<UInt64Type>()
        .values()
        .iter()
        .copied();
    keys.zip(numbers).collect()
}

/// What is white space to Python beyond what is to Rust.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// The plain way.
fn plainly(text: &str) -> Expected {
    let mut counts = Expected::new();
    for word in text.split(is_space).filter(|word| !word.is_empty()) {
        *counts.entry(word.to_lowercase()).or_default() += 1;
    }
    counts
}

/// Python's counts of a text, without the lines `x?y` whose second character that Python does not
/// know yet; gives the lines that are left too. `None`, said aloud, where there is no Python.
fn by_python(text: &str) -> Option<(String, Expected)> {
    const SCRIPT: &str = r#"
import collections, json, sys, unicodedata
lines = sys.stdin.buffer.read().decode("utf-8").split("\n")
known = lambda line: len(line) != 3 or unicodedata.category(line[1]) != "Cn"
lines = [line for line in lines if known(line)]
counts = collections.Counter(word.lower() for line in lines for word in line.split())
json.dump(["\n".join(lines), counts], sys.stdout)
"#;
    let python = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut python) = python else {
        skipped("there is no python3 to compare with");
        return None;
    };
    let mut stdin = python.stdin.take().unwrap();
    let input = text.to_owned();
    let feeding = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = python.wait_with_output().unwrap();
    feeding.join().unwrap().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn every_character_that_python_knows_is_split_and_lowered_as_by_python() {
    let all: Vec<String> = ('\0'..=char::MAX).map(|c| format!("x{c}y")).collect();
    let Some((known, expected)) = by_python(&all.join("\n")) else {
        return;
    };
    assert!(expected.len() > 100_000);
    assert!(words(counts_of(&known)) == expected);
}

#[test]
fn generated_text_is_counted_as_by_python() {
    // Letters whose case depends on what stands around them or that grow, what case ignores, and
    // white space of every kind.
    let alphabet: Vec<char> =
        "aAzZΣσςİIiıßẞŉǅÉéДдᏀꭰ.'’\u{ad}\u{300}\u{307}·:0_-中😀 \t\x0b\x1c\x1f\u{85}\u{a0}\u{2028}\n\
         \u{200b}\u{3000}\r"
            .chars()
            .collect();
    let mut random = 1_u64;
    let mut next = || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        alphabet[(random >> 33) as usize % alphabet.len()]
    };
    let text: String = (0..200_000).map(|_| next()).collect();
    let Some((known, expected)) = by_python(&text) else {
        return;
    };
    assert!(words(counts_of(&known)) == expected);
}

/// What Python 3.11 gives: `collections.Counter(word.lower() for word in text.split())`.
#[test]
fn a_table_of_pythons_answers_holds() {
    let table: [(&str, &[(&str, u64)]); 10] = [
        ("", &[]),
        (
            " \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f\u{85}\u{a0}\u{1680}\u{2003}\u{202f}\u{3000}",
            &[],
        ),
        ("The the THE, tHe.", &[("the", 2), ("the,", 1), ("the.", 1)]),
        (
            "ΟΔΟΣ ΣΑΣ Σ ΑΣ. Σ'",
            &[("οδος", 1), ("σας", 1), ("σ", 1), ("ας.", 1), ("σ'", 1)],
        ),
        ("İSTANBUL IĞDIR", &[("i\u{307}stanbul", 1), ("iğdir", 1)]),
        ("Straße STRAẞE", &[("straße", 2)]),
        (
            "a\u{200b}b a\u{85}b",
            &[("a\u{200b}b", 1), ("a", 1), ("b", 1)],
        ),
        (
            "one\x1ctwo\x1done\0",
            &[("one", 1), ("two", 1), ("one\0", 1)],
        ),
        ("ДОМ дом\u{2028}Дом", &[("дом", 3)]),
        (
            "SIXTEEN_LETTERS_ sixteen_letters_ SEVENTEEN_LETTERS",
            &[("sixteen_letters_", 2), ("seventeen_letters", 1)],
        ),
    ];
    for (text, expected) in table {
        let expected = expected
            .iter()
            .map(|(word, count)| ((*word).to_owned(), *count))
            .collect();
        assert_eq!(words(counts_of(text)), expected, "{text:?}");
    }
}

#[test]
fn the_licence_has_1384_words() {
    let shipped = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../conf/wordcount/wordcount.txt"
    );
    assert_eq!(
        counts_of(&std::fs::read_to_string(shipped).unwrap()).n_words(),
        1384
    );
    let debians = Path::new("/usr/share/common-licenses/GPL-3");
    if debians.exists() {
        let text = std::fs::read_to_string(debians).unwrap();
        assert_eq!(counts_of(&text).n_words(), 1384);
    } else {
        skipped(&format!("{} is not there", debians.display()));
    }
    if let Some(text) = datashark_test_data::read("text/wordcount.txt") {
        let text = String::from_utf8(text).unwrap();
        assert_eq!(counts_of(&text).n_words(), 1384);
    }
}

#[test]
fn words_of_every_length_are_found_again_at_every_place_of_a_block() {
    for length in 1..40 {
        for before in 0..70 {
            let word = "Abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOP"[..length].to_owned();
            let text = format!("{}{word} {word}", " ".repeat(before));
            let counts = counts_of(&text);
            assert_eq!(
                (counts.n_words(), counts.get(&word.to_lowercase())),
                (1, 2),
                "{text:?}"
            );
        }
    }
}

#[test]
fn words_that_share_their_ends_are_told_apart() {
    let text = "abcdefgh abcdefgh\0 abcdefghijklmnop abcdefgXijklmnop abcdefghijklmnopq \
                abcdefghijklmnopr abcdefghijklmnop_q a a\0";
    assert_eq!(words(counts_of(text)), plainly(text));
    assert_eq!(counts_of(text).n_words(), 9);
}

#[test]
fn a_finding_is_a_word_and_its_count_without_metadata() {
    let use_case = USE_CASE.build(&Section::new()).unwrap();
    assert!(!use_case.trains());
    let findings = Findings::try_from_rows(&CountWords.rows(counts_of("b A b")).unwrap()).unwrap();
    assert_eq!(findings.batch().num_columns(), 2);
    let mut found: Vec<_> = findings
        .keys()
        .iter()
        .zip(findings.scores().iter())
        .collect();
    found.sort_by_key(|(key, _)| *key);
    assert_eq!(found, [(Some("a"), Some(1.0)), (Some("b"), Some(2.0))]);
}

#[test]
fn a_key_in_the_conf_is_refused_since_there_is_none() {
    let error = USE_CASE
        .build(&Section::from_iter([("cluster", "2")]))
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("unknown key `cluster`"),
        "{error}"
    );
}

#[test]
fn the_size_grows_with_the_words_and_not_with_the_text() {
    let (few, many) = (counts_of("a b c"), counts_of(&"a b c ".repeat(1000)));
    assert_eq!(CountWords.size_bytes(&few), CountWords.size_bytes(&many));
    let long = counts_of(
        &(0..1000)
            .map(|i| format!("word_number_{i:010} "))
            .collect::<String>(),
    );
    assert!(CountWords.size_bytes(&long) > 1000 * (32 + 22));
}

fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof!["[a-zA-Z]{1,20}", "[ΣσİßÉД.'a]{1,9}", "\\PC{0,30}"];
    let space = prop_oneof![" ", "\n", "\r\n", "[ \t\u{85}\u{3000}\x1c]{0,3}"];
    proptest::collection::vec((word, space), 0..60).prop_map(|parts| {
        parts
            .into_iter()
            .map(|(word, space)| word + &space)
            .collect()
    })
}

proptest! {
    #[test]
    fn counts_are_those_of_the_plain_way(text in text()) {
        prop_assert_eq!(words(counts_of(&text)), plainly(&text));
    }

    #[test]
    fn it_does_not_matter_how_lines_lie_in_memory(text in text()) {
        let apart = batch(StringViewArray::from_iter_values(text.split('\n')));
        prop_assert_eq!(counts(&[apart]), counts_of(&text));
    }

    #[test]
    fn merging_is_commutative_and_associative(a in text(), b in text(), c in text()) {
        let [a, b, c] = [a, b, c].map(|text| counts_of(&text));
        let merged = |mut one: Counts, other: &Counts| {
            CountWords.merge(&mut one, other.clone());
            one
        };
        prop_assert_eq!(merged(a.clone(), &b), merged(b.clone(), &a));
        prop_assert_eq!(
            merged(merged(a.clone(), &b), &c),
            merged(a.clone(), &merged(b.clone(), &c))
        );
    }

    #[test]
    fn two_states_merged_are_one_state_with_both(a in text(), b in text()) {
        let mut merged = counts_of(&a);
        CountWords.merge(&mut merged, counts_of(&b));
        prop_assert_eq!(merged, counts(&[lines_of_a_block(&a), lines_of_a_block(&b)]));
    }

    #[test]
    fn a_state_is_the_same_after_json(text in text()) {
        let counts = counts_of(&text);
        let json = serde_json::to_string(&counts).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Counts>(&json).unwrap(), &counts);
        prop_assert_eq!(serde_json::to_string(&counts_of(&text)).unwrap(), json);
    }
}
