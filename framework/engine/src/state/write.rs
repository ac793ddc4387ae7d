//! Writing files so that a crash, of dataShark or of the machine, leaves the old or the new, whole.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Writes a file whole or not at all, durably.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&new, path)?;
        sync_folder_of(path)
    };
    write().map_err(Error::io(format!("writing {}", path.display())))
}

/// Opens a file to write to it; a new one is there for good when this returns.
pub(crate) fn open_durably(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    match options.create(false).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let file = options.create(true).open(path)?;
            sync_folder_of(path)?;
            Ok(file)
        }
        opened => opened,
    }
}

/// Makes a folder and those that it is in, durably.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    let is_new = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let new: Vec<&Path> = folder.ancestors().take_while(is_new).collect();
    fs::create_dir_all(folder)?;
    new.into_iter().try_for_each(sync_folder_of)
}

/// Makes durable which names are in the folder of this file.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Gives a file another name as well, in place of what has that name; a file system that knows no
/// second names gets a copy. `false` where there is no such file.
pub(crate) fn name_also(path: &Path, other: &Path) -> io::Result<bool> {
    let new = other.with_extension("new");
    remove_if_there(&new)?;
    match fs::hard_link(path, &new) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(_) => {
            fs::copy(path, &new)?;
            File::open(&new)?.sync_data()?;
        }
    }
    fs::rename(&new, other)?;
    Ok(true)
}

/// Removes a file, if there is one.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Keeps a damaged file under a name of its own; gives that name. The file itself stays too.
pub(crate) fn keep_damaged(path: &Path) -> Result<PathBuf> {
    let name = free_name(path);
    let kept = name_also(path, &name).and_then(|_| sync_folder_of(&name));
    kept.map_err(Error::io(format!("putting {} aside", path.display())))?;
    Ok(name)
}

/// The first of `x.damaged`, `x.damaged-2`, … that nothing has yet.
fn free_name(path: &Path) -> PathBuf {
    let named = |suffix: String| {
        let mut name = OsString::from(path);
        name.push(suffix);
        PathBuf::from(name)
    };
    let first = named(".damaged".to_owned());
    let others = (2..u32::MAX).map(|n| named(format!(".damaged-{n}")));
    let mut names = std::iter::once(first.clone()).chain(others);
    names.find(|name| !name.exists()).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_kept_under_a_name_that_nothing_has() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.json");
        for (content, name) in [
            ("one", "damaged"),
            ("two", "damaged-2"),
            ("three", "damaged-3"),
        ] {
            write_atomically(&path, content.as_bytes()).unwrap();
            let kept = keep_damaged(&path).unwrap();
            assert_eq!(kept, folder.path().join(format!("checkpoint.json.{name}")));
            assert_eq!(fs::read_to_string(kept).unwrap(), content);
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_second_name_keeps_what_the_file_was() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a.json"), folder.path().join("b.json"));
        assert!(!name_also(&path, &other).unwrap());
        write_atomically(&path, b"old").unwrap();
        assert!(name_also(&path, &other).unwrap());
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"old");
    }

    #[test]
    fn folders_are_made_with_those_they_are_in() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        create_folder(&deep).unwrap();
        create_folder(&deep).unwrap();
        assert!(deep.is_dir());
    }
}
