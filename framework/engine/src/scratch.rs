//! A folder for a run that is to leave nothing behind.
//!
//! `<state>/.replay-<random>`, for as long as the run goes on. Its lock says that its run is alive: what
//! a run that was killed has left is removed by the next one.

use std::fs::{self, File};
use std::path::Path;

use tempfile::TempDir;

use crate::error::{Error, Result};

/// How the folders' names begin.
const PREFIX: &str = ".replay-";

/// The folder; it is removed when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// Makes a folder below the state folder, and removes those that killed runs have left there.
    ///
    /// # Errors
    /// The state folder cannot be written.
    pub fn make_in(state_folder: &Path) -> Result<Self> {
        let what = || format!("making a temporary folder in {}", state_folder.display());
        fs::create_dir_all(state_folder).map_err(Error::io(what()))?;
        // So that nobody takes one for left that is about to be locked.
        let one_at_a_time = File::open(state_folder).map_err(Error::io(what()))?;
        one_at_a_time.lock().map_err(Error::io(what()))?;
        remove_left(state_folder);
        let folder = TempDir::with_prefix_in(PREFIX, state_folder).map_err(Error::io(what()))?;
        let lock = File::open(folder.path()).map_err(Error::io(what()))?;
        lock.lock().map_err(Error::io(what()))?;
        Ok(Scratch {
            folder,
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders whose runs are gone. One that cannot be removed, as another user's, harms nobody.
fn remove_left(state_folder: &Path) {
    let Ok(entries) = fs::read_dir(state_folder) else {
        return;
    };
    for entry in entries.flatten() {
        if !entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes())
        {
            continue;
        }
        let is_left = File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok());
        if is_left && let Err(error) = fs::remove_dir_all(entry.path()) {
            tracing::warn!(%error, "{} cannot be removed", entry.path().display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_has_left_is_removed_and_what_a_live_one_has_is_not() {
        let state = tempfile::tempdir().unwrap();
        let left = state.path().join(".replay-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("findings"), "x").unwrap();
        fs::create_dir(state.path().join("hits")).unwrap();
        let first = Scratch::make_in(state.path()).unwrap();
        assert!(!left.exists());
        let second = Scratch::make_in(state.path()).unwrap();
        assert!(first.path().is_dir() && first.path() != second.path());
        drop((first, second));
        let rest: Vec<_> = fs::read_dir(state.path()).unwrap().flatten().collect();
        assert_eq!(rest.len(), 1);
        assert_eq!(rest[0].file_name(), "hits");
    }
}
