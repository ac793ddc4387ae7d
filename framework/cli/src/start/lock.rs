//! One daemon for a state folder, and how it is found.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// The file below the state folder that a daemon holds locked; it has the process's number.
const NAME: &str = "daemon.lock";

/// Held for as long as the daemon runs; the system gives it back however that ends.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a state folder.
    ///
    /// # Errors
    /// Another daemon has it, or it cannot be written.
    pub(crate) fn take(state_folder: &Path) -> Result<Self, String> {
        let path = state_folder.join(NAME);
        let failed = |error: std::io::Error| format!("writing {}: {error}", path.display());
        fs::create_dir_all(state_folder).map_err(failed)?;
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder =
                    number(&mut file).map_or_else(String::new, |pid| format!(" (process {pid})"));
                return Err(format!(
                    "another dataShark{holder} runs with the state folder {}; give this one \
                     another by `--state`",
                    state_folder.display()
                ));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).map_err(failed)?;
        file.rewind().map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Lock { _file: file })
    }
}

/// Sends SIGHUP to the daemon of a state folder.
///
/// # Errors
/// There is none, or it belongs to somebody else.
pub(crate) fn hang_up(state_folder: &Path) -> Result<(), String> {
    let none = || {
        format!(
            "no daemon runs with the state folder {}",
            state_folder.display()
        )
    };
    let mut file = File::open(state_folder.join(NAME)).map_err(|_| none())?;
    // A file that nobody holds is what an earlier daemon left; its number may be anybody's now.
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {}
        _ => return Err(none()),
    }
    let process = number(&mut file).and_then(Pid::from_raw).ok_or_else(none)?;
    kill_process(process, Signal::HUP)
        .map_err(|error| format!("process {} cannot be told: {error}", process.as_raw_pid()))
}

/// The number that a daemon has written.
fn number(file: &mut File) -> Option<i32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
