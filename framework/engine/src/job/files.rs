//! Files that the engine itself reads: why one cannot be.

use std::fs;
use std::io;
use std::path::Path;

use datashark_sdk::Stores;
use datashark_sdk::conf::{Problem, nearest};

/// Why a file, or what a url names, cannot be read.
pub(super) fn unreadable(path: &Path, stores: &Stores) -> Option<Problem> {
    let url = path.to_string_lossy();
    if datashark_store::is_url(&url) {
        return Some(datashark_store::find(&url, stores).err()?.at(""));
    }
    let error = fs::File::open(path).err()?;
    Some(missing_file(path, &error))
}

/// That a file cannot be read, and which one may have been meant.
pub(super) fn missing_file(path: &Path, error: &io::Error) -> Problem {
    let problem = Problem::new(format!("cannot read {}: {error}", path.display()));
    // That of a bare name is here.
    let folder = path
        .parent()
        .map(|folder| match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        });
    let names = folder
        .and_then(|folder| fs::read_dir(folder).ok())
        .map(|entries| {
            let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            names.collect::<Vec<String>>()
        });
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    match nearest(name, names.unwrap_or_default().iter().map(String::as_str)) {
        Some(meant) if error.kind() == io::ErrorKind::NotFound => {
            problem.help(format!("did you mean `{meant}`?"))
        }
        _ => problem,
    }
}
