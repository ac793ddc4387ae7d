//! What a file is, by how it begins.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use datashark_codec::{Format, registry};
use datashark_output_delta::Kind;
use datashark_sdk::conf::{Section, Value};
use datashark_sdk::input::{Content, InputEntry, InputEvent, Open};

use crate::columns::{self, Columns};
use crate::error::{IngestError, Result};
use crate::mapping::Mapping;

/// What nfcapd's files begin with, in either byte order.
const NFCAPD: [[u8; 2]; 2] = [[0x0C, 0xA5], [0xA5, 0x0C]];

/// What captures begin with: pcap in either byte order, in micro- and in nanoseconds, and pcapng.
const CAPTURES: [[u8; 4]; 5] = [
    [0xD4, 0xC3, 0xB2, 0xA1],
    [0xA1, 0xB2, 0xC3, 0xD4],
    [0x4D, 0x3C, 0xB2, 0xA1],
    [0xA1, 0xB2, 0x3C, 0x4D],
    [0x0A, 0x0D, 0x0D, 0x0A],
];

/// How much of a file is looked at.
const HEAD_BYTES: usize = 64 << 10;
const HEAD_LINES: usize = 100;

/// Blue Coat's main format, which a log has that says no fields.
const BLUECOAT: &str = "date time time-taken c-ip cs-username cs-auth-group x-exception-id sc-filter-result \
    cs-categories cs(Referer) sc-status s-action cs-method rs(Content-Type) cs-uri-scheme cs-host cs-uri-port \
    cs-uri-path cs-uri-query cs-uri-extension cs(User-Agent) s-ip sc-bytes cs-bytes x-virus-id \
    x-bluecoat-application-name x-bluecoat-application-operation";

/// How files are read whose format is said.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// The format's name; `None` where the files are to show it.
    pub format: Option<String>,
    /// The format's options.
    pub options: Section,
}

/// How a file is read.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) format: Arc<dyn Format>,
    pub(crate) mapping: Arc<Mapping>,
    /// What files have in common that can be read together.
    pub(crate) key: String,
}

/// The head of a file.
enum Head {
    Nfcapd,
    Capture,
    /// The first lines.
    Lines(Vec<String>),
}

/// How a file is read.
///
/// # Errors
/// It cannot be, and why: for the user.
pub(crate) async fn recognise(
    path: &Path,
    kind: Kind,
    said: &Said,
    entry: &InputEntry,
) -> Result<Reading, String> {
    let head = head(path, entry).await?;
    let (name, mut options) = match &said.format {
        Some(name) => (name.as_str(), said.options.clone()),
        None => (format_of(&head, kind)?, said.options.clone()),
    };
    let lines: &[String] = match &head {
        Head::Lines(lines) => lines,
        Head::Nfcapd | Head::Capture => &[],
    };
    let names_fields = lines.iter().any(|line| line.starts_with("#Fields:"));
    if name == "w3c" && !names_fields && !options.contains_key("fields") {
        options.insert("fields", format!("'{BLUECOAT}'"));
    }
    let columns = columns::of(kind, name).ok_or_else(|| no_such(kind, name))?;
    let absent = absent(name, &columns, lines, kind)?;
    let mapping = Mapping::new(kind, &columns, &absent).map_err(|error| error.to_string())?;
    let format = registry::format(name, &options, &registry::no_files);
    let format = format.map_err(|problems| problems.to_string())?;
    let mut absent: Vec<String> = absent.into_iter().collect();
    absent.sort();
    Ok(Reading {
        key: format!("{name} {options:?} {absent:?}"),
        format,
        mapping: Arc::new(mapping),
    })
}

/// Says of a format that is asked for that there is none, or none of the kind.
///
/// # Errors
/// That.
pub(crate) fn check_format(kind: Kind, name: &str) -> Result<()> {
    match columns::formats(kind).contains(&name) {
        true => Ok(()),
        false => Err(IngestError::Usage(no_such(kind, name))),
    }
}

fn no_such(kind: Kind, name: &str) -> String {
    let known = columns::formats(kind);
    let near = datashark_sdk::conf::nearest(name, known.iter().copied());
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{} is read from {}", kind.name(), known.join(", ")),
    };
    format!("format `{name}` has no records of {}; {help}", kind.name())
}

/// The format that a file shows.
fn format_of(head: &Head, kind: Kind) -> Result<&'static str, String> {
    let lines = match head {
        Head::Nfcapd => return of_kind("nfcapd", "flows of nfcapd", kind),
        Head::Capture if kind == Kind::Dns => return Ok("dns"),
        Head::Capture => {
            return Err(format!(
                "it is a capture of packets, of which only DNS answers are read: `datashark ingest dns` (found `{}`)",
                kind.name()
            ));
        }
        Head::Lines(lines) => lines,
    };
    let Some(first) = lines.iter().find(|line| !line.trim().is_empty()) else {
        return Err("it is empty".to_owned());
    };
    let is_directive = |name: &str| lines.iter().any(|line| line.starts_with(name));
    if first.starts_with('{') {
        return match first {
            first if first.contains("\"event_type\"") => Ok("eve"),
            first if first.contains("\"ts\"") => Ok("zeek"),
            _ => Err("it is JSON, and neither Zeek's nor Suricata's".to_owned()),
        };
    }
    if first.starts_with("#separator") || is_directive("#fields\t") || is_directive("#fields ") {
        return Ok("zeek");
    }
    if is_directive("#Fields:") {
        return of_kind("w3c", "an access log", kind);
    }
    if ["StartTime", "SrcAddr", "DstAddr"]
        .iter()
        .all(|it| first.contains(it))
    {
        return of_kind("binetflow", "flows of Argus", kind);
    }
    let of_line = lines
        .iter()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| of_line(line));
    match of_line {
        Some(name) => of_kind(name, "an access log", kind),
        None => Err(format!(
            "its format is none that is known: it begins with `{}`; `--format` names one of {}",
            first.chars().take(60).collect::<String>(),
            columns::formats(kind).join(", ")
        )),
    }
}

/// The format of a log without a header, by a line of it.
fn of_line(line: &str) -> Option<&'static str> {
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

/// A format, if it has records of the kind.
fn of_kind(name: &'static str, what: &str, kind: Kind) -> Result<&'static str, String> {
    if columns::formats(kind).contains(&name) {
        return Ok(name);
    }
    let of = Kind::ALL
        .into_iter()
        .find(|kind| columns::formats(*kind).contains(&name));
    Err(match of {
        Some(of) => format!("it holds {what}: `datashark ingest {}` reads it", of.name()),
        None => format!("it holds {what}"),
    })
}

/// The fields of the format's own that a file's header does not name.
fn absent(
    name: &str,
    columns: &Columns,
    lines: &[String],
    kind: Kind,
) -> Result<HashSet<String>, String> {
    let shared = |format: &str| -> Result<HashSet<String>, String> {
        let format = registry::format(format, &Section::new(), &registry::no_files);
        let format = format.map_err(|problems| problems.to_string())?;
        Ok(format
            .known_columns()
            .iter()
            .map(|field| field.name().clone())
            .collect())
    };
    let mark = match name {
        "zeek" => "#fields",
        "w3c" => "#Fields:",
        _ => return Ok(HashSet::new()),
    };
    let header = lines.iter().find_map(|line| line.strip_prefix(mark));
    let is_json = lines.first().is_some_and(|line| line.starts_with('{'));
    if name == "zeek" {
        check_zeek(kind, header, lines)?;
    }
    let header = match header {
        Some(header) => header,
        // It says no fields, or each record says its own.
        None if is_json || name == "w3c" => return Ok(HashSet::new()),
        None => return Err("it has no `#fields` line".to_owned()),
    };
    let named: HashSet<String> = header.split_whitespace().map(str::to_lowercase).collect();
    let shared = shared(name)?;
    let names = columns.fields.iter().map(|field| field.name().clone());
    Ok(names
        .filter(|name| !shared.contains(name) && !named.contains(&name.to_lowercase()))
        .collect())
}

/// Which of Zeek's logs a kind is read from, and a field that only it has.
const ZEEK_LOGS: [(Kind, &str, &str); 3] = [
    (Kind::Flow, "conn", "conn_state"),
    (Kind::Dns, "dns", "qtype"),
    (Kind::Proxy, "http", "trans_depth"),
];

/// Says that a log of Zeek's is of another kind.
fn check_zeek(kind: Kind, header: Option<&str>, lines: &[String]) -> Result<(), String> {
    let path = lines.iter().find_map(|line| line.strip_prefix("#path"));
    let path = path.map(|path| path.trim().to_owned());
    let has = |field: &str| match header {
        Some(header) => header.split_whitespace().any(|name| name == field),
        None => lines
            .iter()
            .any(|line| line.contains(&format!("\"{field}\""))),
    };
    let found = ZEEK_LOGS.into_iter().find(|(_, log, field)| match &path {
        // `open_conn` of long connections is a log of its own.
        Some(path) => path == log || path.ends_with(&format!("_{log}")),
        None => has(field),
    });
    match found {
        Some((of, _, _)) if of == kind => Ok(()),
        Some((of, log, _)) => Err(format!(
            "it is Zeek's log `{log}`: `datashark ingest {}` reads it",
            of.name()
        )),
        None => {
            let log = ZEEK_LOGS.into_iter().find(|(of, _, _)| *of == kind);
            let log = log.map_or("", |(_, log, _)| log);
            let path = path.map_or_else(|| "another".to_owned(), |path| format!("`{path}`"));
            Err(format!(
                "it is {path} of Zeek's logs; {} is read from `{log}`",
                kind.name()
            ))
        }
    }
}

/// How a file begins, uncompressed.
async fn head(path: &Path, entry: &InputEntry) -> Result<Head, String> {
    let mut magic = Vec::new();
    let read = File::open(path).and_then(|file| file.take(4).read_to_end(&mut magic));
    read.map_err(|error: io::Error| format!("it cannot be read: {error}"))?;
    if NFCAPD.iter().any(|known| magic.starts_with(known)) {
        return Ok(Head::Nfcapd);
    }
    if CAPTURES.iter().any(|known| magic.starts_with(known)) {
        return Ok(Head::Capture);
    }
    let open = Open {
        once: true,
        n_partitions: 1,
        block_bytes: HEAD_BYTES,
        ..Open::default()
    };
    let opened = entry.open(&section([path]), open).await;
    let mut input = opened.map_err(|error| error.to_string())?;
    let mut lines: Vec<Vec<u8>> = Vec::new();
    while lines.len() < HEAD_LINES
        && let Some(event) = input.next().await.map_err(|error| error.to_string())?
    {
        match event {
            InputEvent::Batch(batch) => match batch.content {
                Content::Payloads(payloads) => {
                    // Of a capture the first line may be none that ends.
                    let cut = batch.oversized.into_iter().map(|line| line.head);
                    let whole = payloads.records.iter().flatten().map(<[u8]>::to_vec);
                    lines.extend(whole.chain(cut));
                }
                Content::Columns { .. } => {
                    let message = "it is Parquet, which needs no ingest: `datashark sql` reads it in folders of hours";
                    return Err(message.to_owned());
                }
            },
            InputEvent::Failed { reason, .. } if lines.is_empty() => return Err(reason),
            _ => {}
        }
    }
    if is_capture(&lines) {
        return Ok(Head::Capture);
    }
    lines.truncate(HEAD_LINES);
    let texts = lines
        .iter()
        .map(|line| String::from_utf8_lossy(line).into_owned());
    Ok(Head::Lines(texts.collect()))
}

/// Whether lines are the beginning of a capture that was packed. Of pcapng's `\n\r\r\n` a reader of lines
/// makes an empty line and one of returns.
fn is_capture(lines: &[Vec<u8>]) -> bool {
    match lines {
        [first, second, ..] if first.is_empty() => second.starts_with(b"\r") && second.len() <= 2,
        [first, ..] => CAPTURES.iter().any(|known| first.starts_with(known)),
        [] => false,
    }
}

/// The section of the input that reads these files.
pub(crate) fn section<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Section {
    let quoted = |path: &Path| {
        let path = path.display().to_string();
        let quote = if path.contains('"') { '\'' } else { '"' };
        format!("{quote}{path}{quote}")
    };
    let paths: Vec<String> = paths.into_iter().map(quoted).collect();
    Section::from_iter([("file", Value::from(paths.join(", ")))])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn known(kind: Kind, lines: &[&str]) -> Result<&'static str, String> {
        let lines = lines.iter().map(|line| (*line).to_owned());
        format_of(&Head::Lines(lines.collect()), kind)
    }

    #[test]
    fn a_format_is_known_by_its_lines() {
        let squid = "1157689312.049   5006 10.105.21.199 TCP_MISS/200 19763 CONNECT a:443 - DIRECT/1.2.3.4 -";
        let combined = "192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /a HTTP/1.0\" 200 2326";
        let bluecoat = "2016-07-08 04:10:00 120 10.0.0.5 - - - OBSERVED";
        for (line, format) in [(squid, "squid"), (combined, "combined"), (bluecoat, "w3c")] {
            assert_eq!(known(Kind::Proxy, &[line]), Ok(format));
            let wrong = known(Kind::Dns, &[line]).unwrap_err();
            assert_eq!(
                wrong,
                "it holds an access log: `datashark ingest proxy` reads it"
            );
        }
        assert_eq!(known(Kind::Dns, &["{\"event_type\":\"dns\"}"]), Ok("eve"));
        assert_eq!(known(Kind::Flow, &["", "{\"ts\":1.5}"]), Ok("zeek"));
        assert!(known(Kind::Flow, &["{}"]).is_err());
        assert!(known(Kind::Flow, &[]).is_err());
    }

    proptest! {
        #[test]
        fn no_head_makes_it_panic(lines in prop::collection::vec(
            "\\PC{0,40}|[#{\\[\\]/:0-9. \"-]{0,40}|#fields\t\\PC{0,20}|#path\\PC{0,9}", 0..6
        )) {
            for kind in Kind::ALL {
                let head = Head::Lines(lines.clone());
                if let Ok(format) = format_of(&head, kind) {
                    let columns = columns::of(kind, format).unwrap();
                    let _ = absent(format, &columns, &lines, kind);
                }
            }
        }
    }
}
