//! The ConfigObj syntax: what is written is what is read, and nothing makes it panic.

#![expect(clippy::unwrap_used, reason = "a helper of tests is a test")]

use std::path::Path;

use datashark_conf::{Style, check_bytes, check_global_bytes, parse};
use datashark_sdk::conf::{Section, Value};
use proptest::prelude::*;

/// The section and the messages of a conf.
fn read(text: &str) -> (Section, Vec<String>) {
    let (section, _, diagnostics) = parse(text.as_bytes(), Path::new("x.conf")).unwrap();
    (
        section,
        diagnostics.into_iter().map(|d| d.to_string()).collect(),
    )
}

fn read_clean(text: &str) -> Section {
    let (section, messages) = read(text);
    assert_eq!(messages, Vec::<String>::new());
    section
}

#[test]
fn sections_nest_and_indentation_means_nothing() {
    let text = "\u{feff}a = 1\r\n\t[ s ]  # note\r\n  b = 2\r\n[[t]]\r\n\tc=3\r\n[[[u]]]\r\nd = 4\r\
                \n                [[v]]\r\ne = 5\r\n['w ]']\r\nf = 6";
    let expected = serde_json::json!({
        "a": "1",
        "s": {"b": "2", "t": {"c": "3", "u": {"d": "4"}}, "v": {"e": "5"}},
        "w ]": {"f": "6"},
    });
    assert_eq!(read_clean(text).to_json(), expected);
}

#[test]
fn keys_keep_their_case_and_colons_and_semicolons_are_plain_characters() {
    let text = "Key = a\nkey = b\nurl:port = c:d\n; = e\n\"a = b\" = f\n' #' = g\n";
    let section = read_clean(text);
    let keys: Vec<_> = section.keys().collect();
    assert_eq!(keys, ["Key", "key", "url:port", ";", "a = b", " #"]);
    assert_eq!(section.text("url:port"), Some("c:d"));
}

#[test]
fn comments_stand_alone_or_behind_quotes_and_nowhere_else() {
    let text = "# first\na = x # y\nb = 'x' # y\nc = \"x # y\" # z\n   # last\nd = x;y ; z\n";
    let section = read_clean(text);
    let values: Vec<_> = section
        .keys()
        .map(|key| section.text(key).unwrap())
        .collect();
    assert_eq!(values, ["x # y", "x", "x # y", "x;y ; z"]);
}

#[test]
fn a_value_in_three_quotes_runs_over_lines_and_lines_behind_it_keep_their_numbers() {
    let text = "sql = '''SELECT 'a' # no comment\n[no section]\nFROM records'''  # end\nnext = 1\n";
    let (section, source, diagnostics) = parse(text.as_bytes(), Path::new("x.conf")).unwrap();
    assert!(diagnostics.is_empty());
    let sql = "SELECT 'a' # no comment\n[no section]\nFROM records";
    assert_eq!(section.text("sql"), Some(sql));
    assert_eq!(
        (source.line(&["sql"]), source.line(&["next"])),
        (Some(1), Some(4))
    );
}

#[test]
fn every_broken_line_is_reported_and_the_others_are_read() {
    let text = "name Word Count\nkey: value\n; comment\n= 1\na = 'open\nb = 'x' y\nc = 1\nc = 2\n\
                [s\nd = 1\n[[t]\n[]\n[s] x\n[[[[u]]]]\n[v]]\ne = '''open\nf = 1\n";
    let (section, messages) = read(text);
    let equals = "expected `key = value`";
    let quotes = "put the whole value into the other kind of quotes";
    let bracket = "(a section is `[name]`, one inside it `[[name]]`)";
    let expected = [
        format!(
            "x.conf:1: {equals} (a value stands on its key's line; one of several lines is put in \
             three quotes)"
        ),
        format!("x.conf:2: {equals} (write `=` between a key and its value, not `:`)"),
        format!("x.conf:3: {equals} (a comment starts with `#`)"),
        "x.conf:4: there is no key before `=`".to_owned(),
        format!("x.conf:5: this quote is not closed (close it, or {quotes})"),
        format!("x.conf:6: text behind the closing quote ({quotes})"),
        "x.conf:8: key `c` is written twice, on lines 7 and 8".to_owned(),
        format!("x.conf:9: section `s` is not closed by `]` {bracket}"),
        format!("x.conf:11: section `t` opens with 2 brackets and closes with 1 bracket {bracket}"),
        format!("x.conf:12: this section has no name {bracket}"),
        format!("x.conf:13: text behind the header of section `s` {bracket}"),
        "x.conf:13: section `s` is written twice, on lines 9 and 13".to_owned(),
        "x.conf:14: section `u` is 4 levels deep, but the section above it only 1 \
         (a subsection here has 2 brackets on each side)"
            .to_owned(),
        format!("x.conf:15: section `v` opens with 1 bracket and closes with 2 brackets {bracket}"),
        format!("x.conf:16: this quote is not closed (close it, or {quotes})"),
    ];
    assert_eq!(messages, expected);
    assert_eq!(section.text("c"), Some("1"));
    assert_eq!(section.section("s").and_then(|s| s.text("d")), Some("1"));
}

#[test]
fn a_repeated_section_is_an_error_and_its_keys_are_still_checked() {
    let (section, messages) = read("[s]\na = 1\n[t]\n[s]\nb = 2\na = 3\n");
    assert_eq!(
        messages,
        [
            "x.conf:4: section `s` is written twice, on lines 1 and 4",
            "x.conf:6: key `a` is written twice, on lines 2 and 6",
        ]
    );
    assert_eq!(
        section.to_json(),
        serde_json::json!({"s": {"a": "1", "b": "2"}, "t": {}})
    );
}

#[test]
fn what_is_no_text_or_too_large_is_one_clear_error() {
    let refuse = |bytes: &[u8]| parse(bytes, Path::new("x.conf")).unwrap_err().to_string();
    assert_eq!(
        refuse(b"a = 1\nb = \0"),
        "x.conf: not a text file (line 2 holds a NUL byte; a conf is saved as UTF-8)"
    );
    assert_eq!(
        refuse(b"a = \xff"),
        "x.conf: not a text file (line 1 holds bytes that are not UTF-8; a conf is saved as UTF-8)"
    );
    assert_eq!(
        refuse(&vec![b'#'; (1 << 20) + 1]),
        "x.conf: a conf has at most 1048576 bytes, this file has 1048577"
    );
}

#[test]
fn too_many_keys_and_too_deep_sections_are_cut_off() {
    let many: String = (0..10_001).map(|i| format!("k{i} = 1\n")).collect();
    let (section, messages) = read(&many);
    assert_eq!((section.len(), messages.len()), (10_000, 1));
    let deep: String = (1..=20)
        .map(|i| format!("{}s{}\n", "[".repeat(i), "]".repeat(i)))
        .collect();
    let (_, messages) = read(&deep);
    assert_eq!(messages[0], "x.conf:17: sections may be nested 16 deep");
}

/// A value as it may be written, and what it means.
#[derive(Debug, Clone)]
struct Written {
    raw: String,
    text: String,
}

/// All ways of writing a text that the syntax promises to read back.
fn ways(text: &str) -> Vec<String> {
    let mut ways = Vec::new();
    if text.trim() == text && !text.starts_with(['"', '\'']) && !text.contains('\n') {
        ways.push(text.to_owned());
    }
    for quote in ["'", "\""] {
        let triple = quote.repeat(3);
        if !text.contains(['\n']) && !text.contains(quote) {
            ways.push(format!("{quote}{text}{quote}"));
            ways.push(format!("{quote}{text}{quote} # a comment"));
        }
        if !text.contains(&triple) && !text.starts_with(quote) && !text.ends_with(quote) {
            ways.push(format!("{triple}{text}{triple}"));
        }
    }
    ways
}

fn written() -> impl Strategy<Value = Written> {
    let text = prop_oneof![
        "[a-z0-9 ,]{0,8}",
        "[^\\x00\r]{0,20}",
        "[\\[\\]#;:='\"\\\\% \t\na]{0,12}"
    ];
    (text, any::<prop::sample::Index>()).prop_filter_map("no way to write it", |(text, index)| {
        let ways = ways(&text);
        let raw = (!ways.is_empty()).then(|| index.get(&ways).clone())?;
        Some(Written { raw, text })
    })
}

fn name() -> impl Strategy<Value = String> {
    let any = prop_oneof![
        "[A-Za-z_][A-Za-z0-9_.-]{0,6}",
        "[^\\x00\r\n'\"]{1,8}",
        "[\\[\\]=#/%]{1,4}"
    ];
    any.prop_map(|name| name.trim().to_owned())
        .prop_filter("empty", |name| !name.is_empty())
}

fn written_name(name: &str) -> String {
    let is_plain = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if is_plain {
        name.to_owned()
    } else {
        format!("'{name}'")
    }
}

/// Keys, and subsections with their keys.
type Conf = Vec<(String, Vec<(String, Written)>)>;

fn conf() -> impl Strategy<Value = Conf> {
    let keys = || prop::collection::btree_map(name(), written(), 0..5);
    prop::collection::btree_map(name(), keys(), 0..4).prop_map(|sections| {
        sections
            .into_iter()
            .map(|(name, keys)| (name, keys.into_iter().collect()))
            .collect()
    })
}

/// A regex full of what ends values elsewhere, and the quotes around it, if any.
///
/// Left out is what ConfigObj reads otherwise: blanks around an unquoted value, an unquoted value
/// that starts with a quote, a quote before what looks like a comment, three quotes to start with.
fn quoted_regex() -> impl Strategy<Value = (String, &'static str)> {
    let quote = prop::sample::select(vec!["", "'", "\""]);
    ("[a^$.(\\[#;:=\"'\\\\ ]{1,16}", quote).prop_filter("read otherwise", |(regex, quote)| {
        if quote.is_empty() {
            return regex.trim() == regex && !regex.starts_with(['"', '\'']);
        }
        let is_comment = |part: &str| part.starts_with(' ') && part.trim_start().starts_with('#');
        let is_triple = format!("{quote}{regex}{quote}").starts_with(&quote.repeat(3));
        !is_triple && !regex.split(quote).skip(1).any(is_comment)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_written_is_what_is_read(conf in conf(), end in prop_oneof!["\n", "\r\n"]) {
        let mut text = format!("# a conf{end}");
        for (section, keys) in &conf {
            text += &format!("  [{}]{end}{end}", written_name(section));
            for (key, value) in keys {
                text += &format!("\t{} =  {} {end}", written_name(key), value.raw);
            }
        }
        let (section, source, diagnostics) = parse(text.as_bytes(), Path::new("x.conf")).unwrap();
        prop_assert_eq!(diagnostics.to_string(), "");
        let names: Vec<&str> = conf.iter().map(|(name, _)| name.as_str()).collect();
        prop_assert_eq!(section.keys().collect::<Vec<_>>(), names);
        let mut line = 1;
        for (name, keys) in &conf {
            line += 1;
            prop_assert_eq!(source.line(&[name]), Some(line));
            line += 1;
            let read = section.section(name).unwrap();
            prop_assert_eq!(read.len(), keys.len());
            for (key, value) in keys {
                prop_assert_eq!(read.text(key), Some(value.text.as_str()));
                prop_assert_eq!(source.line(&[name, key]), Some(line + 1));
                line += 1 + value.raw.matches('\n').count();
            }
        }
    }

    #[test]
    fn a_regex_reads_back_whatever_is_in_it((regex, quote) in quoted_regex()) {
        let section = read_clean(&format!("pattern = {quote}{regex}{quote}\nnext = 1\n"));
        prop_assert_eq!(section.text("pattern"), Some(regex.as_str()));
        prop_assert_eq!(section.get("next"), Some(&Value::from("1")));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        survive(&bytes);
    }

    #[test]
    fn no_pieces_of_a_conf_make_it_panic(pieces in prop::collection::vec(piece(), 0..60)) {
        survive(pieces.concat().as_bytes());
    }
}

/// Runs every layer, drawing included.
fn survive(bytes: &[u8]) {
    let path = Path::new("conf/x/x.conf");
    let checked = check_bytes(bytes, path);
    assert_eq!(
        checked.diagnostics.is_empty(),
        checked.diagnostics.render(Style::Plain, 80).is_empty()
    );
    let is_ok = !checked.diagnostics.has_errors();
    assert_eq!(checked.into_result().is_ok(), is_ok);
    check_global_bytes(bytes, path)
        .diagnostics
        .render(Style::Fancy, 20);
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "[",
        "]",
        "[[",
        "]]",
        "=",
        " = ",
        "'",
        "\"",
        "'''",
        "\"\"\"",
        "#",
        " # ",
        "\n",
        "\n",
        "\n",
        "\r\n",
        " ",
        "\t",
        "\\",
        ",",
        "ä",
        "\u{2028}",
        "name",
        "type",
        "batch",
        "enabled",
        "true",
        "code",
        "x.py",
        "output",
        "csv",
        "window",
        "1h",
        "\n[log_filter]\n",
        "\n[[include]]\n",
        "(",
        "(?<=a)",
        "\\Z",
        "\n[columns]\n",
        "text",
        "\n[tables]\n",
        "\n[codec]\n",
        "format",
        "\n[engine]\n",
        "workers",
        "0",
        "kafka.bootstrap.servers",
        "zookeeper.host",
        "outptu",
        "\nname = a\ntype = batch\nenabled = true\ncode = c\noutput = csv\nfile = f\n",
    ])
}
