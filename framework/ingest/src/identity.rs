//! Which file this is: by its name and how it begins, wherever it lies.
//!
//! A table keeps how far each file is that was stored into it, by this identity. A file that was moved,
//! or that grew, is the same; one that was written anew under an old name is another. The fingerprint is
//! of the first 4096 bytes, of a smaller file of its first 512 or 64, so that one that grows is found
//! again by what it began with.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

/// How many bytes a fingerprint may be of, the longest first.
const LENGTHS: [usize; 3] = [4096, 512, 64];

/// How many bytes of the hash are kept: enough that no two files have the same by accident.
const HASH_BYTES: usize = 16;

/// What a file may be known by: the longest fingerprint first, by which it is known if it is new.
pub(crate) fn identities(path: &Path) -> io::Result<Vec<String>> {
    let mut head = Vec::new();
    File::open(path)?
        .take(LENGTHS[0] as u64)
        .read_to_end(&mut head)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let lengths = LENGTHS.into_iter().filter(|length| *length <= head.len());
    let mut identities: Vec<String> = lengths
        .map(|length| identity(&name, &head[..length]))
        .collect();
    if identities.is_empty() {
        identities.push(identity(&name, &head));
    }
    Ok(identities)
}

/// The key under which it is kept that a file was read to its end: how many bytes it had then.
pub(crate) fn end_of(identity: &str) -> String {
    format!("{identity}/end")
}

fn identity(name: &str, head: &[u8]) -> String {
    let hash = Sha256::digest(head);
    let hash: String = hash[..HASH_BYTES]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("file:{name}#{}-{hash}", head.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_stored_in_tables_and_must_not_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(&path, "x".repeat(100)).unwrap();
        let known = identities(&path).unwrap();
        assert_eq!(known, ["file:a.log#64-7ce100971f64e7001e8fe5a51973ecdf"]);
    }

    #[test]
    fn a_file_that_grows_or_moves_is_found_again_and_one_written_anew_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(&path, "x".repeat(100)).unwrap();
        let small = identities(&path).unwrap();
        std::fs::write(&path, "x".repeat(5000)).unwrap();
        let grown = identities(&path).unwrap();
        assert!(grown.contains(&small[0]) && grown.len() == 3, "{grown:?}");
        std::fs::create_dir(folder.path().join("done")).unwrap();
        let moved = folder.path().join("done/a.log");
        std::fs::rename(&path, &moved).unwrap();
        assert_eq!(identities(&moved).unwrap(), grown);
        std::fs::write(&moved, "y".repeat(5000)).unwrap();
        let anew = identities(&moved).unwrap();
        assert!(anew.iter().all(|it| !grown.contains(it)), "{anew:?}");
    }
}
