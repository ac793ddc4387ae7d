//! `code`: what runs, and what is said of the Python files that ran before.

use std::path::{Path, PathBuf};

use datashark_sdk::conf::Problem;

use super::sections::resolve;

/// What runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// A use case by its name.
    Named(String),
    /// A file with one SQL query.
    Sql(PathBuf),
    /// A shared library with a use case in it.
    Library(PathBuf),
}

impl Code {
    /// The code as written, its file resolved against the conf's folder.
    pub(super) fn new(code: &str, folder: &Path) -> Code {
        match extension(code).as_str() {
            "sql" => Code::Sql(resolve(code, folder)),
            "so" | "dylib" | "dll" => Code::Library(resolve(code, folder)),
            _ => Code::Named(code.to_owned()),
        }
    }
}

/// The mistake of a Python file, if it is one.
pub(super) fn check(code: &str) -> Option<Problem> {
    if extension(code) != "py" {
        return None;
    }
    let stem = Path::new(code)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let help = match stem {
        "wordcount" | "web-anomaly-detection" => {
            format!("write `code = {stem}`: this use case is built in and reads the same conf")
        }
        _ => format!(
            "write it as SQL in a file beside the conf (`code = {stem}.sql`), or as a crate on \
             datashark-sdk"
        ),
    };
    let message = format!("use cases in Python do not run here: `{code}`");
    Some(Problem::at(["code"], message).help(help))
}

fn extension(code: &str) -> String {
    let extension = Path::new(code)
        .extension()
        .and_then(|extension| extension.to_str());
    extension.unwrap_or_default().to_ascii_lowercase()
}
