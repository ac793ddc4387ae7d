//! What lies in a folder.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::identity::FileKey;
use crate::names::is_hidden;

/// A file of the folder; a link's target, if it is one.
#[derive(Debug)]
pub(crate) struct Listed {
    /// Its path.
    pub path: PathBuf,
    /// Which file it is.
    pub key: FileKey,
    /// What the file system says of it.
    pub metadata: Metadata,
}

/// The files of a folder: whatever may safely be opened, each once.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Oldest first, by modification time and then by path.
    pub files: Vec<Listed>,
    /// Folders below that could not be read; what lies in them is not known.
    pub unread: Vec<(PathBuf, io::Error)>,
}

/// Lists a folder, and those below it if `recursive`. Pipes, sockets and devices are left out, and
/// so are links to folders, which may lead in circles, and hidden folders.
///
/// # Errors
/// The folder itself cannot be read.
pub(crate) fn list(folder: &Path, recursive: bool) -> io::Result<Listing> {
    let mut listing = Listing::default();
    visit(folder, recursive, &mut listing)?;
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut keys = HashSet::new();
    listing.files.retain(|file| keys.insert(file.key));
    listing
        .files
        .sort_by_key(|file| file.metadata.modified().ok());
    Ok(listing)
}

fn visit(folder: &Path, recursive: bool, listing: &mut Listing) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            if recursive
                && !is_hidden(&path)
                && let Err(error) = visit(&path, true, listing)
            {
                listing.unread.push((path, error));
            }
            continue;
        }
        // It may be gone again, or a link to nothing.
        let Ok(metadata) = fs::metadata(&path) else {
            continue;
        };
        if metadata.is_file() {
            listing.files.push(Listed {
                key: FileKey::of(&metadata),
                path,
                metadata,
            });
        }
    }
    Ok(())
}
