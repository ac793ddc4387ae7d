//! Which format a file is of, by how it begins. Pure: who calls it has read the beginning.
//!
//! | what is found | format |
//! |---|---|
//! | nfcapd's first bytes, in either byte order | `nfcapd` |
//! | those of pcap or pcapng | `dns` |
//! | JSON whose first object has `event_type`, or else `ts` | `eve`, `zeek` |
//! | a line of directives `#separator` or `#fields` | `zeek` |
//! | a line `#Fields:` | `w3c` |
//! | a header with `StartTime`, `SrcAddr` and `DstAddr` | `binetflow` |
//! | more than half of the lines begin as those of a log without a header do | `squid`, `w3c`, `combined` |
//!
//! A line or two of a log within another text (an example in a page of documentation, say) make it no log.
//!
//! # Hostile input
//! Work is linear in what is given.

/// What files of nfcapd begin with, in either byte order.
const NFCAPD: [[u8; 2]; 2] = [[0x0C, 0xA5], [0xA5, 0x0C]];

/// What captures begin with: pcap in either byte order, in micro- and in nanoseconds, and pcapng.
const CAPTURES: [[u8; 4]; 5] = [
    [0xD4, 0xC3, 0xB2, 0xA1],
    [0xA1, 0xB2, 0xC3, 0xD4],
    [0x4D, 0x3C, 0xB2, 0xA1],
    [0xA1, 0xB2, 0x3C, 0x4D],
    [0x0A, 0x0D, 0x0D, 0x0A],
];

/// How many of a file's first bytes [`by_magic`] wants.
pub const MAGIC_BYTES: usize = 4;

/// What a file is that is of no known format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// No line has anything in it.
    Empty,
    /// JSON of another tool.
    Json,
    /// Something else.
    Other,
}

/// The format of a file that is no text, by its first [`MAGIC_BYTES`].
pub fn by_magic(first: &[u8]) -> Option<&'static str> {
    if NFCAPD.iter().any(|known| first.starts_with(known)) {
        return Some("nfcapd");
    }
    let is_capture = CAPTURES.iter().any(|known| first.starts_with(known));
    is_capture.then_some("dns")
}

/// The format of a file by its first lines, without their ends.
///
/// # Errors
/// It is none that is known.
pub fn by_lines<T: AsRef<[u8]>>(lines: &[T]) -> Result<&'static str, Unknown> {
    let lines: Vec<&[u8]> = lines.iter().map(AsRef::as_ref).collect();
    if is_capture(&lines) {
        return Ok("dns");
    }
    let Some(first) = lines.iter().find(|line| !line.trim_ascii().is_empty()) else {
        return Err(Unknown::Empty);
    };
    if first.starts_with(b"{") {
        return match first {
            first if contains(first, b"\"event_type\"") => Ok("eve"),
            first if contains(first, b"\"ts\"") => Ok("zeek"),
            _ => Err(Unknown::Json),
        };
    }
    let is_directive = |name: &[u8]| lines.iter().any(|line| line.starts_with(name));
    if first.starts_with(b"#separator") || is_directive(b"#fields\t") || is_directive(b"#fields ") {
        return Ok("zeek");
    }
    if is_directive(b"#Fields:") {
        return Ok("w3c");
    }
    let header: [&[u8]; 3] = [b"StartTime", b"SrcAddr", b"DstAddr"];
    if header.iter().all(|name| contains(first, name)) {
        return Ok("binetflow");
    }
    by_most(&lines).ok_or(Unknown::Other)
}

/// Whether lines are the beginning of a capture that was packed. Of pcapng's `\n\r\r\n` a reader of lines
/// makes an empty line and one of returns.
fn is_capture(lines: &[&[u8]]) -> bool {
    match lines {
        [b"", second, ..] => second.starts_with(b"\r") && second.len() <= 2,
        [first, ..] => CAPTURES.iter().any(|known| first.starts_with(known)),
        [] => false,
    }
}

/// The format that more than half of the lines have that are no directives.
fn by_most(lines: &[&[u8]]) -> Option<&'static str> {
    let records: Vec<&[u8]> = lines
        .iter()
        .copied()
        .filter(|line| !line.starts_with(b"#") && !line.trim_ascii().is_empty())
        .collect();
    let found: Vec<&'static str> = records.iter().filter_map(|line| by_line(line)).collect();
    let n_of = |name: &str| found.iter().filter(|found| **found == name).count();
    ["squid", "w3c", "combined"]
        .into_iter()
        .find(|name| n_of(name) * 2 > records.len())
}

/// The format of a log without a header, by a line of it.
fn by_line(line: &[u8]) -> Option<&'static str> {
    let line = String::from_utf8_lossy(line);
    let mut parts = line.split_ascii_whitespace();
    let first = parts.next()?;
    let second = parts.next()?;
    let is_seconds = first.len() >= 10 && first.parse::<f64>().is_ok_and(|it| it > 0.0);
    if is_seconds && second.parse::<i64>().is_ok() {
        return Some("squid");
    }
    let shape = |text: &str, shape: &str| {
        let same = |(c, s): (char, char)| if s == '0' { c.is_ascii_digit() } else { c == s };
        text.len() == shape.len() && text.chars().zip(shape.chars()).all(same)
    };
    if shape(first, "0000-00-00") && shape(second, "00:00:00") {
        return Some("w3c");
    }
    let time = line.find('[').map(|at| &line[at + 1..]);
    let is_time = time.is_some_and(|time| time.split('/').count() >= 3 && time.contains(':'));
    (is_time && line.contains("] \"")).then_some("combined")
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SQUID: &str =
        "1157689312.049   5006 10.105.21.199 TCP_MISS/200 19763 CONNECT a:443 - DIRECT/1.2.3.4 -";
    const COMBINED: &str =
        "192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /a HTTP/1.0\" 200 2326";
    const BLUECOAT: &str = "2016-07-08 04:10:00 120 10.0.0.5 - - - OBSERVED";

    #[test]
    fn a_log_is_known_by_its_lines() {
        for (line, format) in [(SQUID, "squid"), (COMBINED, "combined"), (BLUECOAT, "w3c")] {
            assert_eq!(by_lines(&["#a remark", line, "", line, "x"]), Ok(format));
        }
        assert_eq!(by_lines(&["{\"event_type\":\"dns\"}"]), Ok("eve"));
        assert_eq!(by_lines(&["", "{\"ts\":1.5}"]), Ok("zeek"));
        assert_eq!(by_lines(&["#fields\tts\tuid", COMBINED]), Ok("zeek"));
        assert_eq!(by_lines(&["#Version: 1.0", "#Fields: time"]), Ok("w3c"));
        let argus = "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr";
        assert_eq!(by_lines(&[argus]), Ok("binetflow"));
    }

    #[test]
    fn what_no_tool_wrote_is_unknown() {
        assert_eq!(by_lines::<&str>(&[]), Err(Unknown::Empty));
        assert_eq!(by_lines(&["", " "]), Err(Unknown::Empty));
        assert_eq!(by_lines(&["{}"]), Err(Unknown::Json));
        assert_eq!(by_lines(&["no such thing"]), Err(Unknown::Other));
    }

    #[test]
    fn an_example_in_a_page_makes_it_no_log() {
        let page = [
            "# How to read a log",
            "It may look so:",
            "",
            COMBINED,
            "and goes on.",
        ];
        assert_eq!(by_lines(&page), Err(Unknown::Other));
        // Half of the lines are not most of them.
        assert_eq!(by_lines(&[COMBINED, "x"]), Err(Unknown::Other));
        assert_eq!(by_lines(&[COMBINED, SQUID]), Err(Unknown::Other));
    }

    #[test]
    fn captures_are_known_as_files_and_as_the_lines_of_packed_ones() {
        assert_eq!(by_magic(&[0xA5, 0x0C, 2, 0]), Some("nfcapd"));
        assert_eq!(by_magic(&[0xD4, 0xC3, 0xB2, 0xA1]), Some("dns"));
        assert_eq!(by_magic(b"{\"ts"), None);
        assert_eq!(by_magic(&[]), None);
        assert_eq!(by_lines(&[&[0xD4, 0xC3, 0xB2, 0xA1, 2][..]]), Ok("dns"));
        assert_eq!(by_lines(&[&b""[..], b"\r\r"]), Ok("dns"));
    }

    proptest! {
        #[test]
        fn a_log_is_one_where_most_of_its_lines_are(
            (line, format) in prop::sample::select(
                vec![(SQUID, "squid"), (COMBINED, "combined"), (BLUECOAT, "w3c")]
            ),
            is_record in prop::collection::vec(any::<bool>(), 1..9),
            other in "[a-z]{1,9}( [a-z]{1,9}){0,4}",
            remark in "#[ -~]{0,20}",
        ) {
            let records = is_record.iter().map(|is_record| match is_record {
                true => line,
                false => other.as_str(),
            });
            prop_assume!(!remark.to_lowercase().starts_with("#fields"));
            let lines: Vec<&str> = [remark.as_str()].into_iter().chain(records).collect();
            let n_records = is_record.iter().filter(|is_record| **is_record).count();
            let expected = match n_records * 2 > is_record.len() {
                true => Ok(format),
                false => Err(Unknown::Other),
            };
            prop_assert_eq!(by_lines(&lines), expected);
            // Whatever is found can be made.
            let none = datashark_sdk::conf::Section::new();
            let made = crate::registry::format(format, &none, &crate::registry::no_files);
            prop_assert_eq!(made.map(|_| ()).map_err(|problems| problems.to_string()), Ok(()));
        }

        #[test]
        fn no_lines_make_it_panic(lines in prop::collection::vec(
            "\\PC{0,40}|[#{\\[\\]/:0-9. \"-]{0,40}|#fields\t\\PC{0,20}|#path\\PC{0,9}", 0..6
        )) {
            let is_empty = lines.iter().all(|line| line.trim_ascii().is_empty());
            prop_assert_eq!(by_lines(&lines) == Err(Unknown::Empty), is_empty);
        }
    }
}
