//! What a file's name says of its content.

use std::path::{Path, PathBuf};

use crate::compress::Compression;

/// Whether a file is Parquet, by its extension.
pub(crate) fn is_parquet(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
}

/// The format that a name suggests, beneath a compression's extension and a rotation's number:
/// `json` for `app.json.1.gz`.
pub(crate) fn format(path: &Path) -> Option<&'static str> {
    let mut path = unpacked(path);
    if path
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(is_number)
    {
        path.set_extension("");
    }
    if path.file_name()? == "nfcapd" {
        return Some("nfcapd");
    }
    match path.extension()?.to_ascii_lowercase().to_str()? {
        "json" | "ndjson" | "jsonl" => Some("json"),
        "csv" => Some("csv"),
        "binetflow" => Some("binetflow"),
        "pcap" | "pcapng" | "cap" => Some("dns"),
        _ => None,
    }
}

/// The name that a file had before it was rotated, and packed: `app.log` for `app.log.2.gz`,
/// `app.log-20260131.zst` and `app.log.gz`.
pub(crate) fn before_rotation(path: &Path) -> PathBuf {
    let unpacked = unpacked(path);
    let name = unpacked.to_str().unwrap_or_default();
    match name.rsplit_once(['.', '-']) {
        Some((before, number)) if is_number(number) => PathBuf::from(before),
        _ => unpacked,
    }
}

/// The name without a compression's extension.
fn unpacked(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    if Compression::of_path(&path) != Compression::Plain {
        path.set_extension("");
    }
    path
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The format that all names agree on.
pub(crate) fn common_format<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Option<&'static str> {
    let mut formats = paths.into_iter().map(format);
    let first = formats.next()??;
    formats.all(|other| other == Some(first)).then_some(first)
}

/// Whether the name begins with a dot: hidden, or not finished yet.
pub(crate) fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_looked_for_beneath_compression_and_rotation() {
        let format = |name| format(Path::new(name));
        assert_eq!(format("a.json"), Some("json"));
        assert_eq!(format("/x.d/a.NDJSON"), Some("json"));
        assert_eq!(format("a.jsonl.1.gz"), Some("json"));
        assert_eq!(format("a.csv.zst"), Some("csv"));
        assert_eq!(format("a.pcap.gz"), Some("dns"));
        assert_eq!(format("a.PCAPNG"), Some("dns"));
        assert_eq!(format("nfcapd.202608271205"), Some("nfcapd"));
        assert_eq!(format("access.log.gz"), None);
        assert_eq!(format("json"), None);
        assert_eq!(format("json.gz"), None);
    }

    #[test]
    fn a_rotated_file_is_known_by_the_name_it_had() {
        let before = |name| before_rotation(Path::new(name)).display().to_string();
        for rotated in [
            "app.log",
            "app.log.1",
            "app.log.12.gz",
            "app.log-20260131",
            "app.log-20260131.zst",
            "app.log.xz",
        ] {
            assert_eq!(before(rotated), "app.log", "{rotated}");
        }
        assert_eq!(before("app.log.old"), "app.log.old");
        assert_eq!(before("7"), "7");
    }

    #[test]
    fn names_that_disagree_suggest_no_format() {
        let common = |names: &[&str]| common_format(names.iter().map(Path::new));
        assert_eq!(common(&["a.json", "b.json.gz"]), Some("json"));
        assert_eq!(common(&["a.json", "b.csv"]), None);
        assert_eq!(common(&["a.json", "b"]), None);
        assert_eq!(common(&[]), None);
    }
}
