//! What the `batch` input reads of what a conf names.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod conf;
#[path = "../support/mod.rs"]
mod support;

use datashark_input_file::Batch;
use datashark_sdk::input::{HeaderRule, Input, Open};
use support::{batch_conf, folder, numbered, once, pack, read_all, read_batch};

const PACKED: [&str; 4] = ["gz", "zst", "bz2", "xz"];

#[tokio::test]
async fn a_file_is_read_to_its_end_line_by_line() {
    let files = folder(&[("a.log", b"one\r\ntwo\n\nlast")]);
    let read = read_batch(files.path().join("a.log")).await;
    let a = read.of("a.log");
    let expected = [(0, "one"), (5, "two"), (9, ""), (10, "last")];
    let expected = expected.map(|(offset, line)| (offset, line.to_owned()));
    assert_eq!(a.records, expected);
    assert_eq!((a.end_offset, read.n_bytes), (14, 14));
    assert!(a.caught_up && a.failed.is_none());
}

#[tokio::test]
async fn an_empty_file_ends_without_a_batch() {
    let files = folder(&[("a.log", b"")]);
    let read = read_batch(files.path().join("a.log")).await;
    assert!(read.of("a.log").caught_up);
    assert_eq!(read.n_bytes, 0);
}

#[tokio::test]
async fn a_folder_and_a_glob_give_their_files_in_order() {
    let files: [(&str, &[u8]); 5] = [
        ("b.log", b"b\n"),
        ("a.log", b"a\n"),
        (".c.log", b"c\n"),
        ("d.txt", b"d\n"),
        ("x/e.log", b"e\n"),
    ];
    let files = folder(&files);
    let names = |read: &support::Read| -> Vec<String> {
        let names = read.assigned.iter();
        names
            .map(|name| {
                name.strip_prefix(files.path().to_str().unwrap())
                    .unwrap()
                    .into()
            })
            .collect()
    };
    let read = read_batch(files.path()).await;
    assert_eq!(names(&read), ["/a.log", "/b.log", "/d.txt"]);
    let read = read_batch(files.path().join("*.log")).await;
    assert_eq!(names(&read), ["/a.log", "/b.log"]);
    let read = read_batch(files.path().join("**/*.log")).await;
    assert_eq!(names(&read), ["/a.log", "/b.log", "/x/e.log"]);
    let read = read_batch(files.path().join("*/[e].{log,txt}")).await;
    assert_eq!(names(&read), ["/x/e.log"]);
    assert_eq!(read.lines(), ["e"]);
}

#[tokio::test]
async fn a_name_with_wildcards_in_it_is_a_name_first() {
    let files = folder(&[("a[1].log", b"right\n"), ("a1.log", b"wrong\n")]);
    assert_eq!(
        read_batch(files.path().join("a[1].log")).await.lines(),
        ["right"]
    );
}

#[tokio::test]
async fn compressed_files_give_their_lines_with_uncompressed_offsets() {
    let text = numbered(20_000);
    for extension in PACKED {
        let name = format!("a.log.{extension}");
        let files = folder(&[(&name, &pack(extension, text.as_bytes()))]);
        let read = read_batch(files.path()).await;
        let a = read.of(&name);
        assert_eq!(a.failed, None);
        assert_eq!(a.lines(), text.lines().collect::<Vec<_>>());
        assert_eq!(a.end_offset, text.len() as u64);
    }
}

#[tokio::test]
async fn members_frames_and_streams_behind_each_other_are_one_text() {
    for extension in PACKED {
        let mut packed = pack(extension, b"one\ntw");
        packed.extend(pack(extension, b""));
        packed.extend(pack(extension, b"o\nthree\n"));
        let name = format!("a.{extension}");
        let files = folder(&[(&name, &packed)]);
        let read = read_batch(files.path()).await;
        assert_eq!(read.of(&name).failed, None, "{extension}");
        assert_eq!(read.lines(), ["one", "three", "two"], "{extension}");
    }
}

#[tokio::test]
async fn content_decides_on_compression_and_the_name_does_not() {
    let gz: &[u8] = &pack("gz", b"packed\n");
    let files = folder(&[
        ("a.log", gz),
        ("b.log.gz", b"plain\n"),
        ("c.bz2", b"BZh9 is no magic\n"),
    ]);
    let read = read_batch(files.path()).await;
    assert_eq!(read.lines(), ["BZh9 is no magic", "packed", "plain"]);
}

#[tokio::test]
async fn a_truncated_file_gives_its_whole_lines_and_says_where_it_ends() {
    let text = numbered(20_000);
    for extension in PACKED {
        let packed = pack(extension, text.as_bytes());
        let cut = packed.len() / 2;
        let name = format!("a.{extension}");
        let files = folder(&[(&name, &packed[..cut]), ("b.log", b"whole\n")]);
        let read = read_batch(files.path()).await;
        let a = read.of(&name);
        let expected = format!(
            "unexpected end of {extension} stream: the file is truncated after {cut} bytes"
        );
        let reason = a.failed.as_ref().unwrap();
        assert!(
            reason.ends_with(&expected) && reason.contains(&name),
            "{reason}"
        );
        let n_lines = a.records.len();
        assert!(n_lines > 1000, "{extension}: {n_lines}");
        assert_eq!(a.lines(), text.lines().take(n_lines).collect::<Vec<_>>());
        assert_eq!(read.of("b.log").lines(), ["whole"], "the others go on");
    }
}

#[tokio::test]
async fn a_file_cut_within_its_magic_is_truncated_and_not_text() {
    for extension in PACKED {
        let packed = pack(extension, b"one\n");
        let name = format!("a.{extension}");
        let files = folder(&[(&name, &packed[..2])]);
        let read = read_batch(files.path()).await;
        let reason = read.of(&name).failed.clone().unwrap();
        assert!(reason.contains("truncated after 2 bytes"), "{reason}");
        assert!(read.lines().is_empty());
    }
}

#[tokio::test]
async fn a_corrupt_file_gives_the_lines_before_the_damage() {
    let text = numbered(20_000);
    for extension in PACKED {
        let mut packed = pack(extension, text.as_bytes());
        let at = packed.len() / 2;
        packed[at..at + 64].fill(0x55);
        let name = format!("a.{extension}");
        let files = folder(&[(&name, &packed)]);
        let read = read_batch(files.path()).await;
        let a = read.of(&name);
        let reason = a.failed.as_ref().unwrap();
        assert!(
            reason.contains(&format!("corrupt {extension} stream near byte ")),
            "{reason}"
        );
        // What a damaged block unpacks to before its checksum is seen to be wrong may be garbage.
        let good = a
            .lines()
            .iter()
            .zip(text.lines())
            .take_while(|(a, b)| *a == b)
            .count();
        assert!(good > 1000, "{extension}: {good}");
    }
}

#[tokio::test]
async fn a_line_of_just_the_largest_size_is_a_record() {
    let (fits, exceeds) = ("f".repeat(100), "e".repeat(101));
    let text = format!("one\n{fits}\r\n{exceeds}\r\ntwo\n{exceeds}\n{fits}\n{exceeds}");
    let files = folder(&[("a.log", text.as_bytes())]);
    for block_bytes in [0, 1, 50, 150] {
        let open = Open {
            max_record_bytes: 100,
            block_bytes,
            ..once()
        };
        let read = read_all::<Batch>(batch_conf(files.path()), open).await;
        let a = read.of("a.log");
        assert_eq!(a.lines(), ["one", &fits, "two", &fits]);
        let told: Vec<_> = a.oversized.iter().map(|it| (it.line, it.n_bytes)).collect();
        assert_eq!(
            told,
            [(Some(3), 101), (Some(5), 101), (Some(7), 101)],
            "{block_bytes}"
        );
        assert_eq!(a.end_offset, text.len() as u64);
    }
}

#[tokio::test]
async fn a_header_comes_with_every_batch_wherever_reading_began() {
    let text = format!("time,source\n{}", numbered(100));
    for (name, bytes) in [
        ("a.csv", text.clone().into_bytes()),
        ("a.csv.gz", pack("gz", text.as_bytes())),
    ] {
        let files = folder(&[(name, &bytes)]);
        let open = Open {
            header: HeaderRule::FirstLine,
            block_bytes: 200,
            ..once()
        };
        let read = read_all::<Batch>(batch_conf(files.path()), open.clone()).await;
        assert_eq!(read.of(name).header.as_deref(), Some("time,source"));
        assert_eq!(
            read.of(name).records[0],
            (0, "time,source".into()),
            "it is a record, too"
        );
        let mut resume = read.resume();
        resume.values_mut().for_each(|resume| resume.offset = 12);
        let read = read_all::<Batch>(batch_conf(files.path()), Open { resume, ..open }).await;
        assert_eq!(read.of(name).header.as_deref(), Some("time,source"));
        assert_eq!(
            read.of(name).lines(),
            numbered(100).lines().collect::<Vec<_>>()
        );
    }
}

#[tokio::test]
async fn a_file_that_is_shorter_than_what_was_read_of_it_fails() {
    let files = folder(&[("a.log", b"one\ntwo\n")]);
    let mut resume = read_batch(files.path()).await.resume();
    resume.values_mut().for_each(|resume| resume.offset = 100);
    let read = read_all::<Batch>(batch_conf(files.path()), Open { resume, ..once() }).await;
    let reason = read.of("a.log").failed.clone().unwrap();
    assert!(
        reason.ends_with("is shorter than the 100 bytes that were read of it before"),
        "{reason}"
    );
}

#[tokio::test]
async fn an_unreadable_file_fails_and_the_others_go_on() {
    let files = folder(&[("a.log", b"one\n"), ("b.log", b"two\n")]);
    let conf = batch_conf(files.path());
    let mut input = Batch::open(
        conf,
        Open {
            n_partitions: 1,
            ..once()
        },
    )
    .await
    .unwrap();
    // The second is gone before its turn; the first waits for the queue to be read.
    let mut read = support::Read::default();
    std::fs::remove_file(files.path().join("b.log")).unwrap();
    while let Some(event) = support::timeout(input.next()).await.unwrap() {
        read.take(event);
    }
    assert_eq!(read.of("a.log").lines(), ["one"]);
    let b = read.of("b.log");
    let gone = b
        .failed
        .as_ref()
        .is_some_and(|reason| reason.contains("b.log` cannot be read"));
    assert!(gone || b.lines() == ["two"], "{b:?}");
}

#[tokio::test]
async fn a_named_pipe_is_read_once() {
    let files = folder(&[]);
    let path = files.path().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    for bytes in [b"one\ntwo\nlast".to_vec(), pack("gz", b"one\ntwo\nlast")] {
        let to = path.clone();
        let writer = std::thread::spawn(move || std::fs::write(to, bytes).unwrap());
        let open = Open {
            header: HeaderRule::FirstLine,
            ..once()
        };
        let read = read_all::<Batch>(batch_conf(&path), open).await;
        writer.join().unwrap();
        assert_eq!(read.of("pipe").lines(), ["one", "two", "last"]);
        assert_eq!(read.of("pipe").header.as_deref(), Some("one"));
    }
}

#[tokio::test]
async fn directives_are_found_wherever_reading_begins() {
    let part = |fields: &str| format!("#Fields: {fields}\n{}", numbered(20));
    let text = format!(
        "#Version: 1.0\n{}{}# end\n{}",
        part("a"),
        part("b"),
        numbered(20)
    );
    let open = Open {
        header: HeaderRule::Directives(b'#'),
        block_bytes: 50,
        ..once()
    };
    for (name, bytes) in [
        ("a.log", text.clone().into_bytes()),
        ("a.log.gz", pack("gz", text.as_bytes())),
    ] {
        let files = folder(&[(name, &bytes)]);
        let read = read_all::<Batch>(batch_conf(files.path()), open.clone()).await;
        let second = "#Version: 1.0\n#Fields: b";
        assert_eq!(read.of(name).header.as_deref(), Some(second));
        let starts = read.of(name).records.iter().map(|(offset, _)| *offset);
        for (from, line) in starts.zip(text.lines()).skip(1) {
            let before = &text[..from as usize];
            let holds = match before.contains("Fields: b") {
                true => second,
                false if before.contains("Fields: a") => "#Version: 1.0\n#Fields: a",
                false => "#Version: 1.0",
            };
            let mut resume = read.resume();
            resume.values_mut().for_each(|resume| resume.offset = from);
            let open = Open {
                resume,
                block_bytes: 1 << 20,
                ..open.clone()
            };
            let read = read_all::<Batch>(batch_conf(files.path()), open).await;
            assert_eq!(read.of(name).records[0].1, line);
            assert_eq!(read.of(name).header.as_deref(), Some(holds));
        }
    }
}

#[tokio::test]
async fn progress_reaches_the_bytes_that_lie_there() {
    let text = numbered(1000);
    let packed = pack("gz", text.as_bytes());
    let files = folder(&[("a.log", text.as_bytes()), ("b.gz", &packed)]);
    let mut input = Batch::open(batch_conf(files.path()), once()).await.unwrap();
    let total = (text.len() + packed.len()) as u64;
    assert_eq!(input.progress().total_bytes, Some(total));
    while support::timeout(input.next()).await.unwrap().is_some() {}
    assert_eq!(input.progress().read_bytes, total);
}
