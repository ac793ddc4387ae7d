//! What the user writes.

use std::path::PathBuf;

use serde::Deserialize;

/// The keys of the `batch` input; see [`Batch`](crate::Batch).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchConf {
    /// What to read, with commas between: each a file, a glob, a folder, a named pipe, a url, or `-` for
    /// the standard input.
    #[serde(rename = "file")]
    pub files: Vec<String>,
}

/// The section `[in_file]`; see [`Folder`](crate::Folder).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderConf {
    /// The folder whose files are read, now and as they appear and grow.
    pub folder_path: PathBuf,
    /// Which file names are read: a glob. Default `*`. Names that begin with a dot never are.
    #[serde(default = "all")]
    pub pattern: String,
    /// Where to begin with files that are there when the use case starts for the first time.
    /// Default `beginning`.
    #[serde(default)]
    pub from: From,
    /// Whether files in folders below are read, too. Default `false`.
    #[serde(default)]
    pub recursive: bool,
    /// How many files are read side by side. Default: what the engine says, else one per core.
    #[serde(default)]
    pub partitions: Option<usize>,
}

/// Where to begin with a file that is there at the first start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// At its first line.
    #[default]
    Beginning,
    /// Behind the last line it has now.
    End,
}

fn all() -> String {
    "*".to_owned()
}
