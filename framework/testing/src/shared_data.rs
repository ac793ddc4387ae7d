//! Real logs that lie beside a checkout and never in it.

use std::io::Write;
use std::path::{Path, PathBuf};

/// A file of the real logs beside the checkout; `None`, said loudly, where it is not there: the
/// test counts as skipped then. They are looked for in `$DATASHARK_DATA`, else in
/// `../shared/data` from the project's root.
pub fn shared_data(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("DATASHARK_DATA").map_or(beside, PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    let line = format!("SKIPPED: {} is not there\n", path.display());
    // Not `eprint!`: the test harness would keep that to itself.
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(log) = std::env::var_os("DATASHARK_SKIPPED_LOG") {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log);
        let _ = log.and_then(|mut log| log.write_all(line.as_bytes()));
    }
    None
}
