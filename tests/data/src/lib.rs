//! Real logs, captures and test vectors that lie beside a checkout and never in it.
//!
//! They are looked for in `$DATASHARK_DATA`, else in `../shared/data` from the project's root. A test
//! that finds none says so in a line that begins with `SKIPPED:`, which `test.sh` collects, and ends.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The folder of the real data. It need not be there.
pub fn folder() -> PathBuf {
    std::env::var_os("DATASHARK_DATA").map_or_else(|| beside("data"), PathBuf::from)
}

/// A file or folder of the real data; `None`, said loudly, where it is not there.
pub fn shared_data(name: &str) -> Option<PathBuf> {
    there(folder().join(name))
}

/// What is in a file of the real data, unpacked if its name ends with `.gz`; `None`, said loudly,
/// where it is not there.
///
/// # Panics
///
/// If the file is there and cannot be read or unpacked.
pub fn read(name: &str) -> Option<Vec<u8>> {
    let bytes = std::fs::read(shared_data(name)?).expect("what is there can be read");
    if !name.ends_with(".gz") {
        return Some(bytes);
    }
    let mut unpacked = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice())
        .read_to_end(&mut unpacked)
        .expect("the file is gzip");
    Some(unpacked)
}

/// The vectors of what Apache Spot makes of records, JSON; `None`, said loudly, where they are not
/// there.
///
/// # Panics
///
/// If the file is there and cannot be read.
pub fn spot_vectors() -> Option<String> {
    let path = there(beside("spec/spot-ml-vectors.json"))?;
    Some(std::fs::read_to_string(path).expect("what is there can be read"))
}

/// Says that a test cannot run here, and why; it should end then.
pub fn skipped(why: &str) {
    // Not by `eprint!`, which the test harness keeps to itself.
    let _ = std::io::stderr().write_all(format!("SKIPPED: {why}\n").as_bytes());
}

fn beside(name: &str) -> PathBuf {
    let shared = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    Path::new(shared).join(name)
}

fn there(path: PathBuf) -> Option<PathBuf> {
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("{} is not there", path.display()));
    None
}
