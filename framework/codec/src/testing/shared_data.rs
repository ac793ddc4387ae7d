//! Real logs that lie beside a checkout and never in it, for all tests of the crate.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The folder of the real logs: `$DATASHARK_DATA`, else `../shared/data` from the project's root. It
/// need not be there.
pub(crate) fn folder() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    std::env::var_os("DATASHARK_DATA").map_or(beside, PathBuf::from)
}

/// A file of the folder, unpacked; `None`, said loudly, where it is not there: the test counts as
/// skipped then.
pub(crate) fn read(name: &str) -> Option<Vec<u8>> {
    let path = folder().join(name);
    let Ok(bytes) = std::fs::read(&path) else {
        skipped(&path);
        return None;
    };
    if !name.ends_with(".gz") {
        return Some(bytes);
    }
    let mut unpacked = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice())
        .read_to_end(&mut unpacked)
        .unwrap();
    Some(unpacked)
}

/// Says that a test was skipped; not by `eprint!`, which the test harness keeps to itself.
fn skipped(path: &Path) {
    let line = format!("SKIPPED: {} is not there\n", path.display());
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(log) = std::env::var_os("DATASHARK_SKIPPED_LOG") {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log);
        let _ = log.and_then(|mut log| log.write_all(line.as_bytes()));
    }
}
