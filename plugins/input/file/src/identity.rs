//! Which file this is, whatever its name: how a file is known again after a rename or a restart.
//!
//! A file is known by its inode and its birth time (by inode and device where the file system
//! keeps no birth time), and what stands in it by a **fingerprint**: a hash of its first bytes.
//! Both are in the partition's id, together with a **generation** that counts how often the file
//! was emptied and written anew:
//!
//! ```text
//! 8f3a2@17c9a06ee2b1d5c0#2-512-9f86d081884c7d65
//! inode  birth time, ns  |  |  hash of the first 512 bytes
//!                        generation
//! ```
//!
//! The device is left out where there is a birth time, since device numbers change over reboots.
//! The text is stored in checkpoints: it must not change.

use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::UNIX_EPOCH;

use datashark_sdk::input::PartitionId;

/// How many bytes a fingerprint covers, if the file has as many when it is first seen.
pub(crate) const FINGERPRINT_BYTES: usize = 1024;

/// Which file, whatever its name and its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FileKey {
    inode: u64,
    /// The birth time in nanoseconds, or the device.
    born_or_device: Result<u64, u64>,
}

impl FileKey {
    /// Of an open or listed file.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let born = metadata
            .created()
            .ok()
            .and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        let born = born.and_then(|born| u64::try_from(born.as_nanos()).ok());
        FileKey {
            inode: metadata.ino(),
            born_or_device: born.ok_or(metadata.dev()),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let number = |text| u64::from_str_radix(text, 16).ok();
        if let Some((inode, born)) = text.split_once('@') {
            return Some(FileKey {
                inode: number(inode)?,
                born_or_device: Ok(number(born)?),
            });
        }
        let (inode, device) = text.split_once(':')?;
        Some(FileKey {
            inode: number(inode)?,
            born_or_device: Err(number(device)?),
        })
    }
}

impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.born_or_device {
            Ok(born) => write!(f, "{:x}@{born:x}", self.inode),
            Err(device) => write!(f, "{:x}:{device:x}", self.inode),
        }
    }
}

/// A hash of a file's first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    n_bytes: usize,
    hash: u64,
}

/// What a file's first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Print {
    /// They are the same.
    Same,
    /// There are fewer now.
    Shorter,
    /// They are others: the file was written anew.
    Other,
}

impl Fingerprint {
    /// Of a file's head; no more than [`FINGERPRINT_BYTES`] of it count.
    pub(crate) fn of(head: &[u8]) -> Self {
        let head = &head[..head.len().min(FINGERPRINT_BYTES)];
        Fingerprint {
            n_bytes: head.len(),
            hash: fnv1a(head),
        }
    }

    /// Compares the file as it is now.
    pub(crate) fn compare(&self, file: &File) -> io::Result<Print> {
        let head = read_head(file, self.n_bytes)?;
        if head.len() < self.n_bytes {
            return Ok(Print::Shorter);
        }
        Ok(if fnv1a(&head) == self.hash {
            Print::Same
        } else {
            Print::Other
        })
    }
}

/// FNV-1a, 64 bits: <http://www.isthe.com/chongo/tech/comp/fnv/>. It tells contents apart; it does
/// not withstand somebody who forges them, and need not: who writes the log may write anything.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The first bytes of a file, fewer where it is shorter.
pub(crate) fn read_head(file: &File, n_bytes: usize) -> io::Result<Vec<u8>> {
    let mut head = vec![0; n_bytes];
    let mut n_read = 0;
    while n_read < n_bytes {
        match file.read_at(&mut head[n_read..], n_read as u64) {
            Ok(0) => break,
            Ok(n) => n_read += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    head.truncate(n_read);
    Ok(head)
}

/// A file of a watched folder as the checkpoint names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Which file.
    pub key: FileKey,
    /// How often it was written anew, from 1.
    pub generation: u32,
    /// What stands in it.
    pub fingerprint: Fingerprint,
}

impl Identity {
    /// The partition's id.
    pub(crate) fn partition(&self) -> PartitionId {
        let Identity {
            key,
            generation,
            fingerprint: Fingerprint { n_bytes, hash },
        } = self;
        PartitionId::new(format!("{key}#{generation}-{n_bytes}-{hash:016x}"))
    }

    /// Out of a partition's id; `None` if another input gave it.
    pub(crate) fn parse(partition: &PartitionId) -> Option<Self> {
        let (key, content) = partition.as_str().split_once('#')?;
        let mut content = content.splitn(3, '-');
        let generation = content.next()?.parse().ok()?;
        let n_bytes = content
            .next()?
            .parse()
            .ok()
            .filter(|n| *n <= FINGERPRINT_BYTES)?;
        let hash = u64::from_str_radix(content.next()?, 16).ok()?;
        let fingerprint = Fingerprint { n_bytes, hash };
        Some(Identity {
            key: FileKey::parse(key)?,
            generation,
            fingerprint,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_id_is_stored_in_checkpoints_and_must_not_change() {
        let fingerprint = Fingerprint::of(b"2016-10-14 first line\n");
        let born = FileKey {
            inode: 0x8f3a2,
            born_or_device: Ok(0x17c9_a06e),
        };
        let identity = Identity {
            key: born,
            generation: 2,
            fingerprint,
        };
        assert_eq!(
            identity.partition().as_str(),
            "8f3a2@17c9a06e#2-22-d3c9ef67730ecf4e"
        );
        assert_eq!(Identity::parse(&identity.partition()), Some(identity));

        let unborn = FileKey {
            inode: 7,
            born_or_device: Err(0xfd01),
        };
        let identity = Identity {
            key: unborn,
            generation: 1,
            fingerprint,
        };
        assert_eq!(
            identity.partition().as_str(),
            "7:fd01#1-22-d3c9ef67730ecf4e"
        );
        assert_eq!(Identity::parse(&identity.partition()), Some(identity));
    }

    #[test]
    fn a_foreign_partition_id_is_no_identity() {
        for id in [
            "",
            "topic[3]",
            "/var/log/a#1",
            "1@2#x-1-0",
            "1@2#1-9999-0",
            "1@2#1-1",
        ] {
            assert_eq!(Identity::parse(&PartitionId::new(id)), None, "{id}");
        }
    }

    #[test]
    fn a_fingerprint_tells_grown_shortened_and_rewritten_apart() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&path, "one\ntwo\n").unwrap();
        let fingerprint = Fingerprint::of(b"one\ntwo\n");
        let compare = || fingerprint.compare(&File::open(&path).unwrap()).unwrap();
        assert_eq!(compare(), Print::Same);
        std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
        assert_eq!(compare(), Print::Same);
        std::fs::write(&path, "one\n").unwrap();
        assert_eq!(compare(), Print::Shorter);
        std::fs::write(&path, "six\nten\nthree\n").unwrap();
        assert_eq!(compare(), Print::Other);
    }
}
