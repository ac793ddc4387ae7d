//! A file that the engine itself reads whole: as it lies here, or copied out of a store for that long.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use datashark_sdk::Stores;
use datashark_sdk::conf::Problem;
use tempfile::TempDir;

/// A file of this machine.
#[derive(Debug)]
pub(crate) struct Fetched {
    path: PathBuf,
    /// Where the copy lies; gone with this.
    _folder: Option<TempDir>,
}

impl Fetched {
    /// The file of a path or url. Waits for the store.
    ///
    /// # Errors
    /// There is no such object, or it is more than one; the store refuses it; it cannot be kept.
    pub(crate) fn of(path: &Path, stores: &Stores) -> Result<Self, Problem> {
        let url = path.to_string_lossy();
        if !datashark_store::is_url(&url) {
            return Ok(Fetched {
                path: path.to_owned(),
                _folder: None,
            });
        }
        let found = datashark_store::find(&url, stores).map_err(|error| error.at(""))?;
        let [object] = found.as_slice() else {
            let message = format!("`{url}` is {} objects, expected one", found.len());
            return Err(Problem::new(message));
        };
        let kept = || {
            let folder = tempfile::tempdir()?;
            // Its extension says what it is.
            let name = Path::new(object.url()).file_name().unwrap_or_default();
            let path = folder.path().join(name);
            io::copy(&mut object.read(0, u64::MAX), &mut File::create(&path)?)?;
            Ok(Fetched {
                path,
                _folder: Some(folder),
            })
        };
        kept().map_err(|error: io::Error| Problem::new(format!("`{url}` cannot be read: {error}")))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
