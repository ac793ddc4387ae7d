//! Looking into a quarantine: which files there are, what is in them, and taking things out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::{Entry, Kept};
use crate::error::{Error, Result};

/// Behind the number in a file's name.
const EXTENSION: &str = ".ndjson.zst";

/// The quarantine of a use case.
#[derive(Debug, Clone)]
pub struct QuarantineFolder {
    folder: PathBuf,
}

/// What a quarantine holds of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    /// `records`, or the name of the output that refused the findings.
    pub kind: String,
    /// How many there are.
    pub n_entries: u64,
    /// What they take on disk.
    pub n_bytes: u64,
    /// When the first and the last were kept.
    pub first: String,
    /// See `first`.
    pub last: String,
    /// The reasons and how often each is given, the most frequent first.
    pub reasons: Vec<(String, u64)>,
}

impl QuarantineFolder {
    /// That of a use case's state folder.
    pub fn of(state: &Path) -> Self {
        QuarantineFolder {
            folder: state.join(super::FOLDER),
        }
    }

    /// What it holds, by kind.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn contents(&self) -> Result<Vec<Contents>> {
        let mut contents = Vec::new();
        for kind in self.kinds()? {
            let mut of_kind = Contents {
                kind: kind.clone(),
                ..Contents::default()
            };
            let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
            for (_, path) in files(&self.folder, &kind)? {
                of_kind.n_bytes += fs::metadata(&path).map_or(0, |file| file.len());
            }
            for kept in self.entries(&kind)? {
                let kept = kept?;
                of_kind.n_entries += 1;
                if of_kind.first.is_empty() {
                    of_kind.first.clone_from(&kept.time);
                }
                of_kind.last = kept.time;
                *reasons.entry(kept.reason).or_default() += 1;
            }
            of_kind.reasons = reasons.into_iter().collect();
            of_kind.reasons.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
            if of_kind.n_entries > 0 {
                contents.push(of_kind);
            }
        }
        Ok(contents)
    }

    /// The kinds that there are files of.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn kinds(&self) -> Result<Vec<String>> {
        let kinds = names(&self.folder)?.into_iter().filter_map(|name| {
            let (kind, _) = parse(&name)?;
            Some(kind.to_owned())
        });
        let mut kinds: Vec<String> = kinds.collect();
        kinds.sort();
        kinds.dedup();
        Ok(kinds)
    }

    /// What is kept of a kind, in the order in which it was, a JSON object a line. An unfinished
    /// end, as a run that still writes or a crash leaves it, is passed over.
    ///
    /// # Errors
    /// The folder cannot be read; each item may fail where its file is damaged.
    pub fn lines(&self, kind: &str) -> Result<impl Iterator<Item = Result<String>> + use<>> {
        let files = files(&self.folder, kind)?;
        Ok(files.into_iter().flat_map(|(_, path)| lines(path)))
    }

    /// What is kept of a kind, as [`QuarantineFolder::lines`], read.
    ///
    /// # Errors
    /// The folder cannot be read; each item may fail where its file is damaged.
    pub fn entries(&self, kind: &str) -> Result<impl Iterator<Item = Result<Kept>> + use<>> {
        let folder = self.folder.display().to_string();
        let entry = move |line: Result<String>| {
            let entry: Entry = serde_json::from_str(&line?).map_err(|error| Error::State {
                path: folder.clone(),
                reason: format!("not a line of a quarantine: {error}"),
            })?;
            Kept::try_from(entry)
        };
        Ok(self.lines(kind)?.map(entry))
    }
}

fn lines(path: PathBuf) -> Box<dyn Iterator<Item = Result<String>>> {
    let what = format!("reading {}", path.display());
    let reader = File::open(&path).and_then(zstd::Decoder::new);
    let reader = match reader {
        Ok(reader) => BufReader::new(reader),
        Err(error) => return Box::new(std::iter::once(Err(Error::io(what)(error)))),
    };
    let whole = reader.lines().take_while(|line| {
        let unfinished = |error: &std::io::Error| error.kind() == ErrorKind::UnexpectedEof;
        !line.as_ref().is_err_and(unfinished)
    });
    Box::new(whole.map(move |line| line.map_err(Error::io(what.clone()))))
}

/// The files of a kind with their numbers, in order.
pub(super) fn files(folder: &Path, kind: &str) -> Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for name in names(folder)? {
        if let Some((of, number)) = parse(&name)
            && of == kind
        {
            files.push((number, folder.join(&name)));
        }
    }
    files.sort();
    Ok(files)
}

/// What is wrong with the first bytes of a file, as many as a checkpoint knows of; `None` where
/// nothing is, or where a user has emptied or removed it.
///
/// # Errors
/// It cannot be read at all.
pub(crate) fn damage(path: &Path, n_bytes: u64) -> Result<Option<String>> {
    let failed = |error| Error::io(format!("reading {}", path.display()))(error);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let there = file.metadata().map_err(failed)?.len();
    if there == 0 || n_bytes == 0 {
        return Ok(None);
    }
    if there < n_bytes {
        return Ok(Some(format!("{there} bytes are left of {n_bytes}")));
    }
    let frames = zstd::Decoder::new(file.take(n_bytes));
    let read = frames.and_then(|mut frames| io::copy(&mut frames, &mut io::sink()));
    Ok(read.err().map(|error| error.to_string()))
}

/// Where the file of a number lies.
pub(super) fn path(folder: &Path, kind: &str, number: u64) -> PathBuf {
    folder.join(format!("{kind}-{number:06}{EXTENSION}"))
}

/// The kind and the number of a quarantine's file.
pub(crate) fn kind_and_number(path: &Path) -> Option<(&str, u64)> {
    parse(path.file_name()?.to_str()?)
}

fn parse(name: &str) -> Option<(&str, u64)> {
    let (kind, number) = name.strip_suffix(EXTENSION)?.rsplit_once('-')?;
    Some((kind, number.parse().ok()?))
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let what = || format!("reading {}", folder.display());
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(what())(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io(what()))?;
        names.extend(entry.file_name().into_string().ok());
    }
    Ok(names)
}
