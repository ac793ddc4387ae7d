//! What a file is, by how it begins.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use datashark_codec::recognise::{MAGIC_BYTES, Unknown, by_lines, by_magic};
use datashark_codec::{Format, registry};
use datashark_output_delta::Kind;
use datashark_sdk::conf::{Section, Value};
use datashark_sdk::input::{Content, InputEntry, InputEvent, Open};

use crate::columns::{self, Columns};
use crate::error::{IngestError, Result};
use crate::mapping::Mapping;
use crate::trial;

/// How much of a file is looked at.
pub(crate) const HEAD_BYTES: usize = 64 << 10;
/// How many records of it.
pub(crate) const HEAD_LINES: usize = 100;

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

/// How a file begins.
enum Head {
    /// It is no text, but of this format.
    Binary(&'static str),
    /// The first lines.
    Lines(Vec<Vec<u8>>),
}

impl Head {
    /// The format that it shows.
    fn format(&self, kind: Kind) -> Result<&'static str, String> {
        match self {
            Head::Binary(name) => of_kind(name, kind),
            Head::Lines(lines) => format_of(lines, kind),
        }
    }

    /// Its lines, as text.
    fn lines(&self) -> Vec<String> {
        let lines = match self {
            Head::Lines(lines) => &lines[..],
            Head::Binary(_) => &[],
        };
        let text = |line: &Vec<u8>| String::from_utf8_lossy(line).into_owned();
        lines.iter().map(text).collect()
    }
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
    let mut options = said.options.clone();
    let name = match &said.format {
        Some(name) => name.as_str(),
        None => head.format(kind)?,
    };
    let lines = &head.lines()[..];
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
    let reading = Reading {
        key: format!("{name} {options:?} {absent:?}"),
        format,
        mapping: Arc::new(mapping),
    };
    // Whoever says the format wants what does not parse among what is invalid; and what a capture or
    // nfdump cannot be read for is told record by record.
    if said.format.is_none() && !lines.is_empty() {
        trial::check(path, &reading, entry).await?;
    }
    Ok(reading)
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

/// The format that lines show.
fn format_of(lines: &[Vec<u8>], kind: Kind) -> Result<&'static str, String> {
    match by_lines(lines) {
        Ok(name) => of_kind(name, kind),
        Err(Unknown::Empty) => Err("it is empty".to_owned()),
        Err(Unknown::Json) => Err("it is JSON, and neither Zeek's nor Suricata's".to_owned()),
        Err(_) => {
            let first = lines.iter().find(|line| !line.trim_ascii().is_empty());
            let first = String::from_utf8_lossy(first.map_or(&[], Vec::as_slice));
            Err(format!(
                "its format is none that is known: it begins with `{}`; `--format` names one of {}",
                first.chars().take(60).collect::<String>(),
                columns::formats(kind).join(", ")
            ))
        }
    }
}

/// A format, if it has records of the kind.
fn of_kind(name: &'static str, kind: Kind) -> Result<&'static str, String> {
    if columns::formats(kind).contains(&name) {
        return Ok(name);
    }
    let what = match name {
        "nfcapd" => "it holds flows of nfcapd",
        "dns" => "it is a capture of packets, of which only DNS answers are read",
        "binetflow" => "it holds flows of Argus",
        _ => "it holds an access log",
    };
    let of = Kind::ALL
        .into_iter()
        .find(|kind| columns::formats(*kind).contains(&name));
    Err(match of {
        Some(of) => format!("{what}: `datashark ingest {}` reads it", of.name()),
        None => what.to_owned(),
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
    let read =
        File::open(path).and_then(|file| file.take(MAGIC_BYTES as u64).read_to_end(&mut magic));
    read.map_err(|error: io::Error| format!("it cannot be read: {error}"))?;
    if let Some(name) = by_magic(&magic) {
        return Ok(Head::Binary(name));
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
    // A capture that was packed.
    if let Ok(name @ "dns") = by_lines(&lines) {
        return Ok(Head::Binary(name));
    }
    lines.truncate(HEAD_LINES);
    Ok(Head::Lines(lines))
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
        let lines = lines.iter().map(|line| line.as_bytes().to_vec());
        Head::Lines(lines.collect()).format(kind)
    }

    #[test]
    fn a_format_without_records_of_the_kind_is_refused_with_the_kind_that_it_has() {
        let line = "192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /a HTTP/1.0\" 200 2326";
        assert_eq!(known(Kind::Proxy, &[line]), Ok("combined"));
        let wrong = known(Kind::Dns, &[line]).unwrap_err();
        let expected = "it holds an access log: `datashark ingest proxy` reads it";
        assert_eq!(wrong, expected);
        let capture = Head::Binary("dns").format(Kind::Flow).unwrap_err();
        let expected = "it is a capture of packets, of which only DNS answers are read: `datashark ingest dns` reads it";
        assert_eq!(capture, expected);
        assert_eq!(Head::Binary("dns").format(Kind::Dns), Ok("dns"));
        assert_eq!(known(Kind::Dns, &["{\"event_type\":\"dns\"}"]), Ok("eve"));
        assert!(known(Kind::Flow, &["{}"]).is_err());
        assert!(known(Kind::Flow, &[]).is_err());
    }

    proptest! {
        #[test]
        fn no_head_makes_it_panic(lines in prop::collection::vec(
            "\\PC{0,40}|[#{\\[\\]/:0-9. \"-]{0,40}|#fields\t\\PC{0,20}|#path\\PC{0,9}", 0..6
        )) {
            let bytes: Vec<Vec<u8>> = lines.iter().map(|line| line.clone().into_bytes()).collect();
            for kind in Kind::ALL {
                if let Ok(format) = format_of(&bytes, kind) {
                    let columns = columns::of(kind, format).unwrap();
                    let _ = absent(format, &columns, &lines, kind);
                }
            }
        }
    }
}
