//! Which files of a folder are read, under which partition, and from where on.
//!
//! The register knows the conf's pattern and the checkpoint of earlier runs. A file that the
//! checkpoint knows is read on whatever its name is now: a pattern such as `*.log` must not cost
//! the rest of a log that was renamed to `app.log.1` while nobody looked.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use datashark_sdk::input::{Open, PartitionId};
use globset::GlobMatcher;

use crate::compress::Compression;
use crate::identity::{FINGERPRINT_BYTES, FileKey, Fingerprint, Identity, Print, read_head};
use crate::list::Listed;
use crate::names::{before_rotation, is_hidden};
use crate::stream::Origin;

/// What is known of a folder's files before they are looked at.
#[derive(Debug)]
pub(crate) struct Register {
    pattern: GlobMatcher,
    /// Whether the past is read: then a rotated file is wanted under the name that it had.
    past: bool,
    known: HashMap<FileKey, Vec<Known>>,
    /// Whether no earlier run left a checkpoint.
    pub first_start: bool,
}

#[derive(Debug)]
struct Known {
    identity: Identity,
    partition: PartitionId,
    /// Where to go on; `None` where the content is no longer there.
    offset: Option<u64>,
}

/// A file that is to be read.
#[derive(Debug)]
pub(crate) struct Entry {
    /// What it is known by.
    pub identity: Identity,
    /// The open file, and how it is packed.
    pub origin: Origin,
    /// The open file itself.
    pub file: Arc<File>,
    /// Where to begin.
    pub offset: u64,
    /// Whether nothing of it was read before.
    pub is_new: bool,
    /// Its first bytes.
    pub head: Vec<u8>,
}

impl Register {
    /// Takes over what earlier runs left.
    pub(crate) fn new(pattern: GlobMatcher, open: &Open) -> Self {
        let first_start = open.resume.is_empty();
        let mut register = Register {
            pattern,
            past: open.past.is_some(),
            known: HashMap::new(),
            first_start,
        };
        for (partition, resume) in &open.resume {
            if let Some(identity) = Identity::parse(partition) {
                register.note(identity, Some(resume.offset));
            }
        }
        register
    }

    /// Whether one of the files of earlier runs is not listed.
    pub(crate) fn misses(&self, listed: &HashSet<FileKey>) -> bool {
        self.known.keys().any(|key| !listed.contains(key))
    }

    /// Whether a file is to be read.
    pub(crate) fn wants(&self, listed: &Listed) -> bool {
        let named = || {
            let name = Path::new(listed.path.file_name().unwrap_or_default());
            let is_match = |name: &Path| self.pattern.is_match(name);
            let had_name = || self.past && is_match(&before_rotation(name));
            !is_hidden(&listed.path) && (is_match(name) || had_name())
        };
        self.known.contains_key(&listed.key) || named()
    }

    /// Notes where a partition goes on, should its file be seen again; `None` if its content is
    /// gone while its file is still there.
    pub(crate) fn note(&mut self, identity: Identity, offset: Option<u64>) {
        let partition = identity.partition();
        let known = self.known.entry(identity.key).or_default();
        known.retain(|other| other.partition != partition);
        known.push(Known {
            identity,
            partition,
            offset,
        });
    }

    /// Forgets a file.
    pub(crate) fn forget(&mut self, key: FileKey) {
        self.known.remove(&key);
    }

    /// Which partition an open file is. `None` if it is empty.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn enter(&self, path: &Path, file: Arc<File>) -> io::Result<Option<Entry>> {
        let metadata = file.metadata()?;
        let key = FileKey::of(&metadata);
        let head = read_head(&file, FINGERPRINT_BYTES)?;
        if head.is_empty() {
            return Ok(None);
        }
        let origin = Origin::of_file(path.to_owned(), Arc::clone(&file))?;
        let known = self.known.get(&key).map_or(&[][..], Vec::as_slice);
        let same = known
            .iter()
            .filter(|known| known.is_same(&origin, metadata.len()));
        let entry = match same.max_by_key(|known| known.identity.generation) {
            Some(known) => {
                let (identity, offset) = (known.identity, known.offset.unwrap_or(0));
                Entry {
                    identity,
                    origin,
                    file,
                    offset,
                    is_new: false,
                    head,
                }
            }
            None => {
                let last = known.iter().map(|known| known.identity.generation).max();
                let (generation, fingerprint) = (last.unwrap_or(0) + 1, Fingerprint::of(&head));
                let identity = Identity {
                    key,
                    generation,
                    fingerprint,
                };
                Entry {
                    identity,
                    origin,
                    file,
                    offset: 0,
                    is_new: true,
                    head,
                }
            }
        };
        Ok(Some(entry))
    }

    /// The partitions of earlier runs whose content is gone, so that the checkpoint may forget
    /// them: those of files that are not `listed`, and of one that is followed, those that are not
    /// the `current` one. None at all if not one of the known files is listed: then it is perhaps
    /// another folder, one over which the right one is yet to be mounted.
    pub(crate) fn take_stale(
        &mut self,
        listed: &HashSet<FileKey>,
        current: impl Fn(FileKey) -> Option<PartitionId>,
    ) -> Vec<PartitionId> {
        if !self.known.keys().any(|key| listed.contains(key)) {
            return Vec::new();
        }
        let mut stale = Vec::new();
        self.known.retain(|key, known| {
            let (current, listed) = (current(*key), listed.contains(key));
            // A listed file that was not entered is empty, or unreadable for now.
            let keep = listed && current.is_none();
            let gone = known
                .iter()
                .filter(|known| Some(&known.partition) != current.as_ref());
            stale.extend(gone.filter(|_| !keep).map(|known| known.partition.clone()));
            listed || current.is_some()
        });
        stale.sort();
        stale
    }
}

impl Known {
    /// Whether a file still has the content that was begun, and all that was read of it.
    fn is_same(&self, origin: &Origin, size: u64) -> bool {
        let Some(offset) = self.offset else {
            return false;
        };
        let long_enough = origin.compression != Compression::Plain || offset <= size;
        let print = || origin.compare(&self.identity.fingerprint);
        long_enough && matches!(print(), Ok(Print::Same))
    }
}
