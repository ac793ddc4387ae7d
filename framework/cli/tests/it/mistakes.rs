//! Bad input: what is said, with which exit status, and what is delivered all the same.

use crate::shark::Folder;

const WORDS: &str = "name = Words\ntype = batch\nenabled = true\ncode = wordcount\nfile = words.txt\noutput = csv\n[out_csv]\npath = out.csv\n";

/// A folder with a right conf `words.conf`, changed in one place.
fn with(what: &str, instead: &str) -> Folder {
    let folder = Folder::new();
    assert!(WORDS.contains(what));
    folder.write("words.txt", "one two\n");
    folder.write("words.conf", WORDS.replace(what, instead));
    folder
}

#[test]
fn no_arguments_or_wrong_ones_show_the_usage() {
    let folder = Folder::new();
    folder.run(&[]).ends(2).says(&["Usage: datashark"]);
    folder
        .run(&["standalone"])
        .ends(2)
        .says(&["<CONF>", "Usage: datashark standalone"]);
    folder
        .run(&["standalone", "--onse", "x.conf"])
        .ends(2)
        .says(&["--once"]);
    folder
        .run(&["standalon", "x.conf"])
        .ends(2)
        .says(&["standalone"]);
    let help = folder.run(&["--help"]).ends(0);
    assert!(
        help.stdout.contains("Usage: datashark <COMMAND>"),
        "{}",
        help.stdout
    );
}

#[test]
fn a_missing_conf_offers_the_one_with_the_nearest_name() {
    let folder = with("", "");
    let ran = folder
        .run(&["standalone", "wrods.conf"])
        .ends(2)
        .prints_nothing();
    ran.says(&[
        "wrods.conf: there is no such file",
        "did you mean `words.conf`?",
    ]);
}

#[test]
fn a_missing_file_offers_the_one_with_the_nearest_name_beside_the_conf() {
    let folder = with("code = wordcount", "code = quary.sql\ntraining = wrods.txt");
    folder.write("query.sql", "SELECT line AS key, 1 AS score FROM records");
    for conf in ["words.conf", "./words.conf"] {
        let ran = folder.run(&["check", conf]).ends(2);
        ran.says(&[
            "quary.sql: No such file",
            "did you mean `query.sql`?",
            "wrods.txt: No such file",
            "did you mean `words.txt`?",
        ]);
    }
}

#[test]
fn an_empty_conf_is_told_what_it_needs() {
    let folder = Folder::new();
    folder.write("x.conf", "");
    let ran = folder.run(&["standalone", "x.conf"]).ends(2);
    ran.says(&[
        "x.conf: the conf is empty",
        "`name`, `type`, `enabled`, `code` and `output`",
    ]);
}

#[test]
fn a_binary_file_is_no_conf() {
    let folder = Folder::new();
    folder.write("x.conf", b"\x7fELF\x02\x01\x01\x00\x00\xff\xfe");
    let ran = folder.run(&["standalone", "x.conf"]).ends(2);
    ran.says(&["x.conf: not a text file", "line 1 holds a NUL byte"]);
    folder.write("y.conf", b"name = caf\xe9\n");
    folder
        .run(&["standalone", "y.conf"])
        .ends(2)
        .says(&["y.conf:", "UTF-8"]);
}

#[test]
fn a_folder_is_no_conf() {
    let folder = with("", "");
    folder.write("sub/words.conf", WORDS);
    let ran = folder.run(&["standalone", "sub"]).ends(2);
    ran.says(&[
        "sub: this is a folder; a conf is a file",
        "did you mean `sub/words.conf`?",
    ]);
}

#[test]
fn an_unknown_use_case_offers_the_nearest_and_shows_the_line() {
    let folder = with("code = wordcount", "code = wordcuont");
    let ran = folder
        .run(&["standalone", "words.conf"])
        .ends(2)
        .prints_nothing();
    ran.says(&[
        "unknown use case `wordcuont`, did you mean `wordcount`?",
        "[words.conf:4:8]",
        "code = wordcuont",
    ]);
    assert!(!folder.path("out.csv").exists());
}

#[test]
fn a_missing_data_file_is_said_before_anything_starts() {
    let folder = with("words.txt", "wrods.txt");
    let ran = folder.run(&["standalone", "words.conf"]).ends(2);
    ran.says(&["`wrods.txt` does not exist", "[words.conf:5:8]"]);
    assert!(!folder.path("out.csv").exists());
}

#[test]
fn a_path_below_a_file_cannot_be_read() {
    let folder = with("file = words.txt", "file = words.txt/more");
    let ran = folder.run(&["standalone", "words.conf"]).ends(2);
    ran.says(&["`words.txt/more` cannot be read: Not a directory"]);
}

#[test]
fn a_folder_as_data_file_is_its_files() {
    let folder = with("file = words.txt", "file = texts");
    folder.write("texts/a.txt", "one two\n");
    folder.write("texts/b.txt", "two\n");
    folder.run(&["standalone", "words.conf"]).ends(0);
    assert_eq!(folder.rows("out.csv"), ["one,1", "two,2"]);
    let empty = with("file = words.txt", "file = texts");
    std::fs::create_dir(empty.path("texts")).unwrap();
    let ran = empty.run(&["standalone", "words.conf"]);
    assert!(ran.stderr.contains("texts"), "{}", ran.stderr);
    assert_ne!(ran.status, Some(0), "{}", ran.stderr);
}

#[test]
fn an_empty_data_file_is_no_mistake() {
    let folder = with("", "");
    folder.write("words.txt", "");
    let ran = folder.run(&["standalone", "words.conf"]).ends(0);
    assert_eq!(ran.account(), [0; 5]);
    ran.says(&[" - (Words) - No data received\n", "0 findings in 0 windows"]);
    assert_eq!(folder.len("out.csv"), 0);
}

#[test]
fn text_that_is_not_utf_8_is_mended_and_counted() {
    let folder = with("", "");
    folder.write("words.txt", b"caf\xe9 one\none\n\xff\xfe two\n");
    let ran = folder.run(&["standalone", "words.conf"]).ends(0);
    assert_eq!(ran.account(), [3, 0, 0, 0, 3]);
    ran.says(&["conservation gap 0; 2 records not UTF-8, mended\n"]);
    assert_eq!(
        folder.rows("out.csv"),
        ["caf\u{fffd},1", "one,2", "two,1", "\u{fffd}\u{fffd},1"]
    );
}

/// A gzip file of one stored block; whole with its trailer, without it cut off.
fn gzip(text: &[u8], n_cut: usize) -> Vec<u8> {
    let mut crc = !0u32;
    for byte in text {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    let n = text.len() as u16;
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1];
    file.extend(n.to_le_bytes());
    file.extend((!n).to_le_bytes());
    file.extend(text);
    file.extend((!crc).to_le_bytes());
    file.extend(u32::from(n).to_le_bytes());
    file.truncate(file.len() - n_cut);
    file
}

#[test]
fn of_a_truncated_gzip_file_what_could_be_read_is_delivered_and_the_run_fails() {
    let folder = with("words.txt", "words.txt.gz");
    folder.write("words.txt.gz", gzip(b"one two\none\nthree\n", 0));
    folder.run(&["standalone", "words.conf"]).ends(0);
    assert_eq!(folder.rows("out.csv"), ["one,2", "three,1", "two,1"]);
    let cut = with("words.txt", "words.txt.gz");
    // The trailer and `ee\n` are gone.
    cut.write("words.txt.gz", gzip(b"one two\none\nthree\n", 8 + 3));
    let ran = cut.run(&["standalone", "words.conf"]).ends(1);
    assert_eq!(ran.account(), [2, 0, 0, 0, 2]);
    ran.says(&[
        "Written 2 Documents to CSV File out.csv",
        "error: ",
        "words.txt.gz",
        "truncated",
    ]);
    assert_eq!(cut.rows("out.csv"), ["one,2", "two,1"]);
}

#[test]
fn a_corrupt_gzip_file_among_others_does_not_hide_them() {
    let folder = with("file = words.txt", "file = texts");
    folder.write("texts/a.gz", b"\x1f\x8b\x08\x00garbage garbage garbage");
    folder.write("texts/b.txt", "one\n");
    let ran = folder.run(&["standalone", "words.conf"]).ends(1);
    ran.says(&["Written 1 Documents", "error: ", "a.gz"]);
    assert_eq!(folder.rows("out.csv"), ["one,1"]);
}

#[test]
fn a_mistake_in_a_query_is_shown_at_its_line_in_the_sql_file() {
    let folder = with("code = wordcount", "code = words.sql");
    folder.write("words.sql", "-- Lines.\nSELECT line AS key,\n       count(*) AS score,\n       max(lenght) AS longest\nFROM records\nGROUP BY line\n");
    let ran = folder.run(&["standalone", "words.conf"]).ends(2);
    ran.says(&[
        "no column `lenght`",
        "[words.sql:4:12]",
        "max(lenght) AS longest",
        "`records` has line",
    ]);
    folder.write(
        "words.sql",
        "SELECT line AS key\n       count(*) AS score\nFROM records\n",
    );
    folder
        .run(&["standalone", "words.conf"])
        .ends(2)
        .says(&["[words.sql:2:", "count(*) AS score"]);
    folder.write("words.sql", b"SELECT '\xff' FROM records");
    folder
        .run(&["standalone", "words.conf"])
        .ends(2)
        .says(&["words.sql", "UTF-8"]);
}

#[test]
fn a_query_that_fails_on_the_data_fails_the_run_and_says_why() {
    let folder = with("code = wordcount", "code = words.sql");
    folder.write(
        "words.sql",
        "SELECT line AS key, 1 / (count(*) - count(*)) AS score FROM records GROUP BY line",
    );
    let ran = folder.run(&["standalone", "words.conf"]).ends(1);
    ran.says(&["error: ", "Divide by zero"]);
    assert_eq!(folder.len("out.csv"), 0);
}

#[test]
fn invalid_records_are_counted_told_and_kept() {
    let folder = with(
        "code = wordcount\nfile = words.txt",
        "code = words.sql\nfile = words.json",
    );
    folder.write(
        "words.sql",
        "SELECT a AS key, count(*) AS score FROM records GROUP BY a",
    );
    folder.write(
        "words.json",
        "{\"a\": \"x\"}\nbroken\n{\"a\": \"x\"}\n{\"a\"\n",
    );
    let ran = folder.run(&["standalone", "words.conf"]).ends(0);
    assert_eq!(ran.account(), [4, 0, 2, 0, 2]);
    ran.says(&[
        "invalid record in words.json:2",
        "invalid record in words.json:4",
        "invalid records are kept in state/words/quarantine",
    ]);
    let kept = folder.quarantined("state/words");
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(
        kept[0].contains("\"offset\":11,\"line\":2,")
            && kept[0].ends_with("\"record\":\"broken\"}"),
        "{kept:?}"
    );
    assert_eq!(folder.rows("out.csv"), ["x,2"]);
}

#[test]
fn the_memory_limit_ends_a_run_that_would_pass_it_and_says_so() {
    let folder = with("code = wordcount", "code = words.sql");
    folder.write(
        "words.sql",
        "SELECT line AS key, row_number() OVER (ORDER BY line) AS score FROM records",
    );
    folder.write(
        "words.txt",
        (0..200_000)
            .map(|i| format!("line {i}\n"))
            .collect::<String>(),
    );
    folder.write("datashark.conf", "[engine]\nmemory_limit = 1MiB\n");
    let ran = folder.run(&["standalone", "words.conf"]).ends(1);
    ran.says(&["error: ", "memory"]);
    assert_eq!(folder.len("out.csv"), 0);
}

#[test]
fn a_watched_folder_that_is_not_there_is_said_before_anything_starts() {
    let folder = with(
        "type = batch\nenabled = true\ncode = wordcount\nfile = words.txt",
        "type = streaming\nenabled = true\ncode = wordcount\ninput = file\n[in_file]\nfolder_path = none\n[x]\ny = z",
    );
    folder.write("x.conf", "name = x\ntype = streaming\nenabled = true\ncode = wordcount\ninput = file\noutput = csv\n[in_file]\nfolder_path = lgos\n");
    let ran = folder.run(&["standalone", "--once", "x.conf"]);
    assert!(matches!(ran.status, Some(1 | 2)), "{}", ran.stderr);
    ran.says(&["lgos"]);
}
