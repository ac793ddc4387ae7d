//! A library that is loaded, and what it says of itself.

use std::fmt;
use std::path::Path;

use crate::conf::Section;
use crate::{DynUseCase, Error, Files, Result};

use super::super::{MAJOR, MINOR, SYMBOL, abi};
use super::use_case;

/// The longest name, version or line about a plugin, in bytes.
const TEXT_MAX: usize = 4096;

/// What a plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A use case.
    UseCase,
    /// An output.
    Output,
    /// An input.
    Input,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::UseCase => "use case",
            Kind::Output => "output",
            Kind::Input => "input",
        })
    }
}

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct About {
    /// What it is.
    pub kind: Kind,
    /// Its name, as a conf names it.
    pub name: String,
    /// What it does, in a line.
    pub about: String,
    /// Its own version.
    pub version: String,
    /// Who wrote it.
    pub author: String,
    /// The version of the interface that it was compiled against.
    pub interface: (u16, u16),
    /// Of a use case, those of its keys that name a file.
    #[serde(default)]
    pub files: Vec<String>,
}

/// The functions of a plugin.
#[derive(Clone, Copy)]
enum Table {
    UseCase(&'static abi::UseCase),
    Output(&'static abi::Output),
    Input(&'static abi::Input),
}

/// A loaded library. It stays loaded for as long as the process does.
pub struct Library {
    about: About,
    table: Table,
}

impl Library {
    /// Loads a library; its initialisers run.
    ///
    /// # Errors
    /// It cannot be loaded, or it is no plugin that this version can use.
    pub fn load(path: &Path) -> Result<Library> {
        let refused = |error: libloading::Error| {
            Error::data(format!("{} cannot be loaded: {error}", path.display()))
        };
        // SAFETY: loading runs the library's initialisers, which is what loading a plugin is for; that
        // it belongs to whom the user trusts was checked by who calls this.
        let library = unsafe { libloading::Library::new(path) }.map_err(refused)?;
        // Threads, thread-local values and `static`s of the plugin may outlive every handle.
        let library: &'static libloading::Library = Box::leak(Box::new(library));
        type Symbol = unsafe extern "C" fn() -> *const abi::Plugin;
        // SAFETY: what has this name has this signature, by the interface.
        let symbol = unsafe { library.get::<Symbol>(SYMBOL) }.map_err(|_| {
            let message = format!("{} is no plugin: it has no `{SYMBOL}`", path.display());
            Error::data(message)
        })?;
        // SAFETY: as above; it is called once.
        let plugin = unsafe { symbol() };
        // SAFETY: it comes from the symbol of a library that stays loaded.
        unsafe { Library::of(plugin) }.map_err(|error| match error {
            Error::Data(text) => Error::data(format!("{}: {text}", path.display())),
            other => other,
        })
    }

    /// The plugin that a table is of.
    ///
    /// # Safety
    /// The pointer is null, or to what the interface says, for as long as the process lives.
    ///
    /// # Errors
    /// It is none that this version can use.
    pub unsafe fn of(plugin: *const abi::Plugin) -> Result<Library> {
        if plugin.is_null() || !plugin.is_aligned() {
            return Err(Error::data(format!("`{SYMBOL}` gave no table")));
        }
        // SAFETY: the caller's promise. The first fields are there in every version.
        let (size, major, minor) = unsafe { ((*plugin).size, (*plugin).major, (*plugin).minor) };
        if major != MAJOR {
            let (ours, what) = (
                format!("{MAJOR}.{MINOR}"),
                match major > MAJOR {
                    true => {
                        "run a later dataShark, or build the plugin with an earlier datashark-sdk"
                    }
                    false => "build the plugin again, with this version's datashark-sdk",
                },
            );
            return Err(Error::data(format!(
                "made for interface {major}.{minor}, and this dataShark has {ours}: {what}"
            )));
        }
        if (size as usize) < size_of::<abi::Plugin>() {
            return Err(Error::data(format!(
                "its table has {size} bytes, expected at least {}",
                size_of::<abi::Plugin>()
            )));
        }
        // SAFETY: it is as large as ours.
        let plugin = unsafe { &*plugin };
        // SAFETY: as the caller promises.
        let table = unsafe { Table::of(plugin) }?;
        let files = match table {
            Table::UseCase(table) => use_case::files(table)?,
            _ => Vec::new(),
        };
        let about = About {
            files,
            kind: table.kind(),
            // SAFETY: as the caller promises, of these texts.
            name: unsafe { shown("name", plugin.name) }?,
            // SAFETY: as above.
            about: unsafe { shown("about", plugin.about) }?,
            // SAFETY: as above.
            version: unsafe { shown("version", plugin.version) }?,
            // SAFETY: as above.
            author: unsafe { shown("author", plugin.author) }?,
            interface: (major, minor),
        };
        if about.name.is_empty() {
            return Err(Error::data("the plugin has no name"));
        }
        Ok(Library { about, table })
    }

    /// What it says of itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Makes the use case of its own keys of a conf and of what is in the files that they name.
    ///
    /// # Errors
    /// It is no use case; every mistake in the keys and files.
    pub fn use_case(&self, own: &Section, files: &Files) -> Result<Box<dyn DynUseCase>> {
        match self.table {
            Table::UseCase(table) => use_case::make(table, own, files),
            _ => Err(self.is_no(Kind::UseCase)),
        }
    }

    pub(super) fn output(&self) -> Result<&'static abi::Output> {
        match self.table {
            Table::Output(table) => Ok(table),
            _ => Err(self.is_no(Kind::Output)),
        }
    }

    pub(super) fn input(&self) -> Result<&'static abi::Input> {
        match self.table {
            Table::Input(table) => Ok(table),
            _ => Err(self.is_no(Kind::Input)),
        }
    }

    fn is_no(&self, kind: Kind) -> Error {
        let About { name, kind: is, .. } = &self.about;
        Error::data(
            format!("the plugin `{name}` is no {kind} but an {is}").replace("an use", "a use"),
        )
    }
}

impl Table {
    /// # Safety
    /// The plugin's table is null or what its kind says.
    unsafe fn of(plugin: &abi::Plugin) -> Result<Self> {
        let table = plugin.table;
        if table.is_null() || !table.cast::<usize>().is_aligned() {
            return Err(Error::data("the plugin has no table of functions"));
        }
        // SAFETY: every table begins with its size.
        let size = unsafe { *table.cast::<usize>() };
        let least = match plugin.kind {
            abi::USE_CASE => abi::UseCase::SIZE_1_0,
            abi::OUTPUT => size_of::<abi::Output>(),
            abi::INPUT => size_of::<abi::Input>(),
            other => {
                let message = format!("the plugin is of kind {other}, expected 1, 2 or 3");
                return Err(Error::data(message));
            }
        };
        if size < least {
            let message = format!("its functions take {size} bytes, expected at least {least}");
            return Err(Error::data(message));
        }
        // SAFETY: the table is of its kind, and as large as it says; others than that of a use case have
        // not grown since 1.0.
        let (table, missing) = unsafe {
            match plugin.kind {
                abi::USE_CASE => {
                    let table = grown(table.cast(), size);
                    (Table::UseCase(table), use_case::missing(table))
                }
                abi::OUTPUT => {
                    let table = &*table.cast::<abi::Output>();
                    (Table::Output(table), super::output::missing(table))
                }
                _ => {
                    let table = &*table.cast::<abi::Input>();
                    (Table::Input(table), super::input::missing(table))
                }
            }
        };
        match missing {
            Some(name) => Err(Error::data(format!("the plugin has no function `{name}`"))),
            None => Ok(table),
        }
    }

    fn kind(self) -> Kind {
        match self {
            Table::UseCase(_) => Kind::UseCase,
            Table::Output(_) => Kind::Output,
            Table::Input(_) => Kind::Input,
        }
    }
}

/// The table of a use case, whichever minor version it is of: functions that it ends before are not there.
///
/// # Safety
/// So many bytes can be read.
unsafe fn grown(table: *const abi::UseCase, size: usize) -> &'static abi::UseCase {
    let mut grown = std::mem::MaybeUninit::<abi::UseCase>::zeroed();
    let n_bytes = size.min(size_of::<abi::UseCase>());
    // SAFETY: the caller's promise; ours is as large.
    unsafe {
        std::ptr::copy_nonoverlapping(table.cast::<u8>(), grown.as_mut_ptr().cast(), n_bytes)
    };
    // SAFETY: a size and functions, of which all bits 0 are none. It stays as the library does.
    Box::leak(Box::new(unsafe { grown.assume_init() }))
}

/// A text that is to be shown: one line.
///
/// # Safety
/// Where it is not null, so many bytes can be read.
unsafe fn shown(what: &str, text: abi::Text) -> Result<String> {
    if text.data.is_null() {
        return Ok(String::new());
    }
    if text.len > TEXT_MAX {
        let message = format!(
            "the plugin's `{what}` has {} bytes, at most {TEXT_MAX} go",
            text.len
        );
        return Err(Error::data(message));
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(text.data, text.len) };
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Error::data(format!("the plugin's `{what}` is no UTF-8")))?;
    Ok(text.replace(char::is_control, " "))
}

/// The first of some functions that is not there.
macro_rules! first_missing {
    ($table:expr, $($function:ident),+) => {
        match $table {
            $(table if table.$function.is_none() => Some(stringify!($function)),)+
            _ => None,
        }
    };
}
pub(super) use first_missing;
