//! What the process takes of the machine, as `/proc` says; nothing of it where there is no `/proc`.

use std::fs;

/// What the process takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    /// Memory that is in use and not swapped out.
    pub(super) resident_bytes: Option<u64>,
    pub(super) n_open_files: Option<u64>,
    pub(super) n_threads: Option<u64>,
}

impl Process {
    /// This one, now.
    pub(super) fn now() -> Self {
        let n_entries = |folder| Some(fs::read_dir(folder).ok()?.count() as u64);
        Process {
            resident_bytes: resident_bytes(),
            n_open_files: n_entries("/proc/self/fd"),
            n_threads: n_entries("/proc/self/task"),
        }
    }
}

/// The second number of `statm`, which counts pages.
fn resident_bytes() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let n_pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(n_pages * rustix::param::page_size() as u64)
}
