//! Compressed files: which compression a file has, and its bytes uncompressed.
//!
//! The first bytes decide, not the name: a log called `.gz` that some tool already unpacked is
//! read as the text it is. Files of several members, frames or streams, one behind the other, are
//! read through to the last.
//!
//! What hostile input can cost: a decoder's own window, at most 128 MiB for zst (its default
//! limit) and [`XZ_MEMORY`] for xz; beyond it the file is refused. How much it unpacks to is not
//! limited, since it streams.

use std::io::{self, BufRead, Read};
use std::path::Path;

use liblzma::stream::{CONCATENATED, Stream};

use crate::nfdump;

/// The most memory that an xz file may make us take; `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 512 << 20;

/// How much is unpacked at a time to be passed over.
const SCRAP_BYTES: usize = 256 << 10;

/// What nfcapd's files begin with, written on machines of either byte order.
const NFCAPD: &[u8] = b"\x0c\xa5";
const NFCAPD_BIG_ENDIAN: &[u8] = b"\xa5\x0c";

/// How many bytes [`Compression::detect`] needs.
pub(crate) const MAGIC_BYTES: usize = 10;

/// How a file's bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    /// Not at all.
    Plain,
    /// gzip, RFC 1952.
    Gz,
    /// Zstandard, RFC 8878.
    Zst,
    /// bzip2.
    Bz2,
    /// xz.
    Xz,
    /// Flows as `nfcapd` writes them: the tool `nfdump` prints them, a line each.
    Nfcapd,
}

const PACKED: [Compression; 5] = [
    Compression::Nfcapd,
    Compression::Gz,
    Compression::Zst,
    Compression::Bz2,
    Compression::Xz,
];

impl Compression {
    /// By the extension.
    pub(crate) fn of_path(path: &Path) -> Self {
        let extension = path.extension().unwrap_or_default();
        let found = PACKED
            .into_iter()
            .find(|known| extension.eq_ignore_ascii_case(known.name()));
        found.unwrap_or(Compression::Plain)
    }

    /// By a file's first bytes; the extension speaks only where they are too few to tell.
    pub(crate) fn detect(head: &[u8], path: &Path) -> Self {
        if let Some(found) = PACKED.into_iter().find(|known| known.begins(head)) {
            return found;
        }
        let named = Compression::of_path(path);
        if !head.is_empty() && named.may_begin(head) {
            named
        } else {
            Compression::Plain
        }
    }

    /// The extension, and what messages call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Compression::Plain => "plain",
            Compression::Gz => "gz",
            Compression::Zst => "zst",
            Compression::Bz2 => "bz2",
            Compression::Xz => "xz",
            Compression::Nfcapd => "nfcapd",
        }
    }

    fn begins(self, head: &[u8]) -> bool {
        match self {
            Compression::Plain => false,
            Compression::Gz => head.starts_with(b"\x1f\x8b\x08"),
            Compression::Zst => head.starts_with(b"\x28\xb5\x2f\xfd"),
            // Then a block's magic or, of an empty stream, the end's; text might begin with `BZh9`.
            Compression::Bz2 => {
                head.starts_with(b"BZh")
                    && matches!(
                        head.get(4..10),
                        Some(b"1AY&SY" | b"\x17\x72\x45\x38\x50\x90")
                    )
            }
            Compression::Xz => head.starts_with(b"\xfd7zXZ\0"),
            Compression::Nfcapd => head.starts_with(NFCAPD) || head.starts_with(NFCAPD_BIG_ENDIAN),
        }
    }

    /// Whether so short a head could be the beginning of it.
    fn may_begin(self, head: &[u8]) -> bool {
        let magic: &[u8] = match self {
            Compression::Plain => b"",
            Compression::Gz => b"\x1f\x8b\x08",
            Compression::Zst => b"\x28\xb5\x2f\xfd",
            Compression::Bz2 => b"BZh",
            Compression::Xz => b"\xfd7zXZ\0",
            Compression::Nfcapd => NFCAPD,
        };
        let n = magic.len().min(head.len());
        head.len() < MAGIC_BYTES && head[..n] == magic[..n]
    }

    /// The uncompressed bytes.
    pub(crate) fn decode<R>(self, input: R) -> io::Result<Box<dyn Read + Send>>
    where
        R: BufRead + Send + 'static,
    {
        Ok(match self {
            Compression::Plain => Box::new(input),
            Compression::Gz => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
            Compression::Zst => Box::new(zstd::Decoder::with_buffer(input)?),
            Compression::Bz2 => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
            Compression::Xz => {
                let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
            }
            Compression::Nfcapd => return Err(io::Error::other(nfdump::NEEDS_A_FILE)),
        })
    }

    /// Says what is wrong with a compressed file, for a person.
    pub(crate) fn explain(self, error: &io::Error, n_bytes: u64) -> String {
        let name = self.name();
        match self {
            Compression::Plain => format!("cannot be read: {error} (at byte {n_bytes})"),
            Compression::Nfcapd => error.to_string(),
            _ if error.kind() == io::ErrorKind::UnexpectedEof => {
                format!(
                    "unexpected end of {name} stream: the file is truncated after {n_bytes} bytes"
                )
            }
            _ => format!("corrupt {name} stream near byte {n_bytes}: {error}"),
        }
    }
}

/// Passes over the first `n_bytes`; gives how many there were, if fewer.
pub(crate) fn skip<R: Read>(input: &mut R, n_bytes: u64) -> io::Result<u64> {
    let mut scrap = vec![0; SCRAP_BYTES.min(usize::try_from(n_bytes).unwrap_or(usize::MAX))];
    let mut n_skipped = 0;
    while n_skipped < n_bytes {
        let want = scrap
            .len()
            .min(usize::try_from(n_bytes - n_skipped).unwrap_or(usize::MAX));
        match input.read(&mut scrap[..want]) {
            Ok(0) => break,
            Ok(n) => n_skipped += n as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(n_skipped)
}
