//! What `file =` names: files, globs, folders, pipes, urls.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

use datashark_sdk::Stores;
use datashark_sdk::conf::{Problem, Problems, nearest};
use globset::{GlobBuilder, GlobMatcher};

use crate::names::{is_hidden, is_parquet};
use crate::place::{Found, Place};

/// The key that problems are reported at.
const KEY: &str = "file";

/// What is to be read.
#[derive(Debug)]
pub(crate) enum Files {
    /// Text, item by item, sorted by path within each.
    Text(Vec<Found>),
    /// Parquet, likewise.
    Parquet(Vec<Found>),
}

/// Finds what the items of `file =` name; what two of them name is there once.
///
/// # Errors
/// Every item of whose name there is nothing, or that cannot be looked at; or Parquet and text are mixed.
pub(crate) fn find(items: &[String], stores: &Stores) -> Result<Files, Problems> {
    let (mut found, mut problems) = (Vec::new(), Problems::new());
    let mut seen = HashSet::new();
    for item in items {
        match find_item(item, stores) {
            Ok(files) => found.extend(
                files
                    .into_iter()
                    .filter(|file| seen.insert(file.place.path().to_owned())),
            ),
            Err(problem) => problems.push(divided(problem, item, items)),
        }
    }
    if items.is_empty() {
        problems.push(Problem::at([KEY], "no file is named").help("a path, a glob or a folder"));
    }
    match problems.is_empty() {
        true => of_one_kind(found).map_err(Problems::from),
        false => Err(problems),
    }
}

fn find_item(item: &str, stores: &Stores) -> Result<Vec<Found>, Problem> {
    match datashark_store::is_url(item) {
        true => in_store(item, stores),
        false => expand(item),
    }
}

/// Says of an item that ends within braces that it was a comma that divided it.
fn divided(problem: Problem, item: &str, items: &[String]) -> Problem {
    let is_open = |item: &str| item.matches('{').count() > item.matches('}').count();
    match items.len() > 1 && is_open(item) {
        true => problem.help("a comma divides the list: write what has one in quotes"),
        false => problem,
    }
}

fn of_one_kind(found: Vec<Found>) -> Result<Files, Problem> {
    let is_parquet = |found: &Found| is_parquet(found.place.path());
    let (parquet, text): (Vec<_>, Vec<_>) = found.into_iter().partition(is_parquet);
    match (parquet.first(), text.first()) {
        (Some(one), Some(other)) => Err(Problem::at(
            [KEY],
            format!(
                "`{KEY}` mixes Parquet and text: `{}` and `{}`",
                one.place.path().display(),
                other.place.path().display(),
            ),
        )
        .help("name the one or the other, with a glob such as `*.parquet`")),
        (Some(_), None) => Ok(Files::Parquet(parquet)),
        (None, _) => Ok(Files::Text(text)),
    }
}

/// Says of each file that cannot be opened why.
pub(crate) fn unreadable(files: &Files) -> impl Iterator<Item = Problem> {
    let (Files::Text(found) | Files::Parquet(found)) = files;
    let regular = found.iter().filter(|found| found.regular().is_some());
    regular.filter_map(|found| {
        let path = found.place.path();
        let error = File::open(path).err()?;
        let message = format!("`{}` cannot be read: {error}", path.display());
        Some(Problem::at([KEY], message))
    })
}

fn in_store(url: &str, stores: &Stores) -> Result<Vec<Found>, Problem> {
    let objects = datashark_store::find(url, stores).map_err(|error| error.at(KEY))?;
    let found = objects.into_iter().map(|object| Found {
        place: Place::Remote(Box::new(object)),
        metadata: None,
    });
    Ok(found.collect())
}

fn expand(file: &str) -> Result<Vec<Found>, Problem> {
    if file.is_empty() {
        return Err(Problem::at([KEY], "no file is named").help("a path, a glob or a folder"));
    }
    let path = Path::new(file);
    if file == "-" {
        return Ok(vec![Found::local(path.to_owned(), None)]);
    }
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => in_folder(path),
        Ok(metadata) => Ok(vec![Found::local(path.to_owned(), Some(metadata))]),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if is_glob(file) {
                by_glob(file)
            } else {
                Err(missing(KEY, path))
            }
        }
        Err(error) => Err(Problem::at(
            [KEY],
            format!("`{file}` cannot be read: {error}"),
        )),
    }
}

fn in_folder(folder: &Path) -> Result<Vec<Found>, Problem> {
    let mut found = Vec::new();
    walk(folder, 1, &mut |path, metadata| {
        if metadata.is_file() && !is_hidden(&path) {
            found.push(Found::local(path, Some(metadata)));
        }
    })
    .map_err(|error| {
        Problem::at(
            [KEY],
            format!("folder `{}` cannot be read: {error}", folder.display()),
        )
    })?;
    if found.is_empty() {
        let message = format!("folder `{}` has no file to read", folder.display());
        return Err(Problem::at([KEY], message)
            .help("hidden files and folders below are not read; a glob such as `**/*.log` may"));
    }
    found.sort_by(|a, b| a.place.path().cmp(b.place.path()));
    Ok(found)
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

fn by_glob(pattern: &str) -> Result<Vec<Found>, Problem> {
    let (base, below) = split_glob(Path::new(pattern));
    let matcher =
        matcher(&base.join(&below).to_string_lossy()).map_err(|error| Problem::at([KEY], error))?;
    let depth = if pattern.contains("**") {
        usize::MAX
    } else {
        below.components().count()
    };
    let hidden = below
        .components()
        .any(|part| is_hidden(Path::new(part.as_os_str())));
    let mut found = Vec::new();
    let walked = walk(&base, depth, &mut |path, metadata| {
        let seen = hidden || !path.strip_prefix(&base).is_ok_and(is_below_hidden);
        if metadata.is_file() && seen && matcher.is_match(&path) {
            found.push(Found::local(path, Some(metadata)));
        }
    });
    if found.is_empty() {
        return Err(match walked {
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing(KEY, &base),
            Err(error) => Problem::at(
                [KEY],
                format!("`{}` cannot be read: {error}", base.display()),
            ),
            Ok(()) => no_match(pattern, &base),
        });
    }
    found.sort_by(|a, b| a.place.path().cmp(b.place.path()));
    Ok(found)
}

fn is_below_hidden(path: &Path) -> bool {
    path.components()
        .any(|part| is_hidden(Path::new(part.as_os_str())))
}

/// Compiles a glob in which `*` and `?` stay within a name.
pub(crate) fn matcher(pattern: &str) -> Result<GlobMatcher, String> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher())
        .map_err(|error| format!("`{pattern}` is no glob: {}", error.kind()))
}

/// A glob's leading folders without a wildcard, and the rest.
fn split_glob(pattern: &Path) -> (PathBuf, PathBuf) {
    let is_literal = |part: &Component| !is_glob(&part.as_os_str().to_string_lossy());
    let base = pattern.components().take_while(is_literal).collect();
    let below = pattern.components().skip_while(is_literal).collect();
    (base, below)
}

/// Visits what lies in a folder, down to a depth; links to files are followed, links to folders
/// only where the depth ends the walk.
fn walk(folder: &Path, depth: usize, visit: &mut impl FnMut(PathBuf, Metadata)) -> io::Result<()> {
    let here = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    for entry in fs::read_dir(here)? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        // A file that vanished meanwhile, or a link to nothing.
        let Ok(metadata) = fs::metadata(&path) else {
            continue;
        };
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if metadata.is_dir() && depth > 1 && (depth < usize::MAX || !is_link) {
            let below = if depth == usize::MAX {
                depth
            } else {
                depth - 1
            };
            // A folder that may not be read has nothing for us.
            let _ = walk(&path, below, visit);
        } else {
            visit(path, metadata);
        }
    }
    Ok(())
}

fn no_match(pattern: &str, base: &Path) -> Problem {
    let base = if base.as_os_str().is_empty() {
        Path::new(".")
    } else {
        base
    };
    let problem = Problem::at([KEY], format!("no file matches `{pattern}`"));
    let n_entries = fs::read_dir(base).map_or(0, Iterator::count);
    problem.help(format!(
        "folder `{}` has {n_entries} entries",
        base.display()
    ))
}

/// Says that a path is not there, and what is near it.
pub(crate) fn missing(key: &str, path: &Path) -> Problem {
    let known = path
        .ancestors()
        .skip(1)
        .find(|folder| folder.is_dir() || folder.as_os_str().is_empty());
    let known = known.unwrap_or(Path::new(""));
    let gone = path
        .strip_prefix(known)
        .ok()
        .and_then(|rest| rest.components().next());
    let gone = gone.map_or(path.to_owned(), |name| known.join(name));
    let what = if gone == path {
        String::new()
    } else {
        format!(": there is no `{}`", gone.display())
    };
    let problem = Problem::at([key], format!("`{}` does not exist{what}", path.display()));
    match nearest_entry(known, &gone) {
        Some(near) => problem.help(format!("did you mean `{}`?", near.display())),
        None => problem,
    }
}

fn nearest_entry(folder: &Path, path: &Path) -> Option<PathBuf> {
    let here = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = fs::read_dir(here).ok()?.flatten();
    let names: Vec<_> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let near = nearest(
        path.file_name()?.to_str()?,
        names.iter().map(String::as_str),
    )?;
    Some(folder.join(near))
}
