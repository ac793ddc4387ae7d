//! Files to confs: reads the bytes, refuses what is no text, and runs the layers one after another.

use std::path::Path;

use datashark_sdk::conf::{Problem, Problems, Section, nearest};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::global::Global;
use crate::scan::{BYTES_MAX, scan};
use crate::source::Source;
use crate::usecase::Conf;

/// A conf without mistakes, with the file it came from.
#[derive(Debug, Clone)]
pub struct Loaded<T = Conf> {
    /// What the file says.
    pub conf: T,
    /// The file, for showing problems that are found later.
    pub source: Source,
    /// What does not stop the run.
    pub warnings: Diagnostics,
}

/// A conf as far as it could be read, for going on checking it.
#[derive(Debug, Clone)]
pub struct Checked<T = Conf> {
    /// What the file says; made-up in places where there are errors. `None` where nothing could be
    /// made of it.
    pub conf: Option<T>,
    /// The file; `None` where it could not be read as text.
    pub source: Option<Source>,
    /// All that is wrong.
    pub diagnostics: Diagnostics,
}

impl<T> Checked<T> {
    /// The conf, if nothing is wrong with it.
    ///
    /// # Errors
    /// All that is wrong, warnings included.
    pub fn into_result(self) -> Result<Loaded<T>, Diagnostics> {
        match (self.conf, self.source) {
            (Some(conf), Some(source)) if !self.diagnostics.has_errors() => Ok(Loaded {
                conf,
                source,
                warnings: self.diagnostics,
            }),
            _ => Err(self.diagnostics),
        }
    }
}

/// Loads a use case's conf.
///
/// # Errors
/// All mistakes at once: lines that cannot be read, values that are not what they should be.
pub fn load(path: impl AsRef<Path>) -> Result<Loaded<Conf>, Diagnostics> {
    check(path).into_result()
}

/// Loads the global conf, `datashark.conf`.
///
/// # Errors
/// All mistakes at once.
pub fn load_global(path: impl AsRef<Path>) -> Result<Loaded<Global>, Diagnostics> {
    let path = path.as_ref();
    match read(path) {
        Ok(bytes) => check_global_bytes(&bytes, path).into_result(),
        Err(diagnostic) => Err(diagnostic.into()),
    }
}

/// As [`load`], but keeps what could be read, so that the plugins' and the use case's own keys can
/// be checked in the same go.
pub fn check(path: impl AsRef<Path>) -> Checked<Conf> {
    let path = path.as_ref();
    match read(path) {
        Ok(bytes) => check_bytes(&bytes, path),
        Err(diagnostic) => Checked {
            conf: None,
            source: None,
            diagnostics: diagnostic.into(),
        },
    }
}

/// As [`check`], of a conf's bytes; touches no file.
pub fn check_bytes(bytes: &[u8], path: &Path) -> Checked<Conf> {
    typed(bytes, path, |section| match section.is_empty() {
        true => (None, empty().into()),
        false => Conf::from_section(section, path),
    })
}

/// As [`load_global`], of a conf's bytes; touches no file.
pub fn check_global_bytes(bytes: &[u8], path: &Path) -> Checked<Global> {
    typed(bytes, path, |section| Global::from_section(section, path))
}

/// Reads ConfigObj text: its keys and sections, its places, and every line that cannot be read.
///
/// # Errors
/// Where the bytes are no text, or too many.
pub fn parse(bytes: &[u8], path: &Path) -> Result<(Section, Source, Diagnostics), Diagnostics> {
    let text = text(bytes, path)?;
    let mut scan = scan(text);
    let section = crate::ini::read(&scan.entries)
        .map_err(|why| Diagnostic::of_file(path.display(), format!("internal error: {why}")))?;
    let (source, diagnostics) = Source::new(path, text, &mut scan);
    Ok((section, source, diagnostics))
}

fn typed<T>(
    bytes: &[u8],
    path: &Path,
    read: impl FnOnce(&Section) -> (Option<T>, Problems),
) -> Checked<T> {
    match parse(bytes, path) {
        Err(diagnostics) => Checked {
            conf: None,
            source: None,
            diagnostics,
        },
        // Nothing was read, and why is said already.
        Ok((section, source, diagnostics)) if section.is_empty() && diagnostics.has_errors() => {
            Checked {
                conf: None,
                source: Some(source),
                diagnostics,
            }
        }
        Ok((section, source, mut diagnostics)) => {
            let (conf, problems) = read(&section);
            diagnostics.extend(source.diagnose(problems));
            Checked {
                conf,
                source: Some(source),
                diagnostics,
            }
        }
    }
}

fn empty() -> Problem {
    Problem::new("the conf is empty")
        .help("a use case needs at least `name`, `type`, `enabled`, `code` and `output`")
}

fn text<'a>(bytes: &'a [u8], path: &Path) -> Result<&'a str, Diagnostic> {
    let refuse = |message: String| Diagnostic::of_file(path.display(), message);
    if bytes.len() > BYTES_MAX {
        let found = bytes.len();
        return Err(refuse(format!(
            "a conf has at most {BYTES_MAX} bytes, this file has {found}"
        )));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let line = |at: usize| bytes[..at].iter().filter(|b| **b == b'\n').count() + 1;
    let not_text = |at: usize, what: &str| {
        refuse("not a text file".to_owned()).with_help(format!(
            "line {} holds {what}; a conf is saved as UTF-8",
            line(at)
        ))
    };
    if let Some(at) = bytes.iter().position(|b| *b == 0) {
        return Err(not_text(at, "a NUL byte"));
    }
    std::str::from_utf8(bytes)
        .map_err(|error| not_text(error.valid_up_to(), "bytes that are not UTF-8"))
}

fn read(path: &Path) -> Result<Vec<u8>, Diagnostic> {
    std::fs::read(path).map_err(|error| {
        let refuse = |message: String| Diagnostic::of_file(path.display(), message);
        if path.is_dir() {
            let diagnostic = refuse("this is a folder; a conf is a file".to_owned());
            return offer(diagnostic, path, path);
        }
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                let folder = path.parent().unwrap_or(Path::new(""));
                offer(refuse("there is no such file".to_owned()), folder, path)
            }
            _ => refuse(format!("cannot be read: {error}")),
        }
    })
}

/// Offers a conf of the folder: the one with the nearest name, or the only one.
fn offer(diagnostic: Diagnostic, folder: &Path, wanted: &Path) -> Diagnostic {
    let stems = conf_stems(folder);
    let wanted = wanted
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let near = nearest(wanted, &stems).or(match stems.as_slice() {
        [only] => Some(only),
        _ => None,
    });
    match near {
        Some(stem) => {
            let path = folder.join(format!("{stem}.conf"));
            diagnostic.with_help(format!("did you mean `{}`?", path.display()))
        }
        None => diagnostic,
    }
}

/// The names of a folder's confs without `.conf`, sorted.
fn conf_stems(folder: &Path) -> Vec<String> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut stems: Vec<String> = entries
        .filter_map(|entry| {
            Some(
                entry
                    .file_name()
                    .to_str()?
                    .strip_suffix(".conf")?
                    .to_owned(),
            )
        })
        .collect();
    stems.sort();
    stems
}
