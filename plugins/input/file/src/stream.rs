//! The bytes of an open file, uncompressed, from any place on.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::compress::{self, Compression, MAGIC_BYTES};
use crate::identity::{FileKey, read_head};

/// How much of a compressed file is read at a time.
const PACKED_BYTES: usize = 128 << 10;

/// An open file and how it is packed.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// Where it was found.
    pub path: PathBuf,
    /// The open file; readers share it and keep places of their own.
    pub file: Arc<File>,
    /// How it is packed.
    pub compression: Compression,
    /// What was taken from a pipe to see how it is packed; `None` for a file proper, which can
    /// be read at any place.
    piped: Option<Vec<u8>>,
}

/// Uncompressed bytes that stream by.
pub(crate) struct Stream {
    /// The bytes.
    pub bytes: Box<dyn Read + Send>,
    /// How much of the file itself is used up.
    pub raw: RawPlace,
    /// How many of the bytes that were to be passed over were not there.
    pub missing: u64,
}

/// A place in the file as it lies there, compressed or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawPlace(Arc<AtomicU64>);

impl RawPlace {
    /// The first byte that was not used yet.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn advance(&self, n_bytes: usize) {
        self.0.fetch_add(n_bytes as u64, Ordering::Relaxed);
    }
}

impl Origin {
    /// Of a path that is a file, a pipe or `-` for the standard input.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let stdin = path == Path::new("-");
        let file = File::open(if stdin { Path::new("/dev/stdin") } else { path })?;
        let kind = file.metadata()?;
        if kind.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        if kind.is_file() && !stdin {
            return Origin::of_file(path.to_owned(), Arc::new(file));
        }
        let mut head = Vec::new();
        (&file).take(MAGIC_BYTES as u64).read_to_end(&mut head)?;
        let compression = Compression::detect(&head, path);
        let (path, file) = (path.to_owned(), Arc::new(file));
        Ok(Origin {
            path,
            file,
            compression,
            piped: Some(head),
        })
    }

    /// Of a regular file that is open.
    pub(crate) fn of_file(path: PathBuf, file: Arc<File>) -> io::Result<Self> {
        let compression = Compression::detect(&read_head(&file, MAGIC_BYTES)?, &path);
        Ok(Origin {
            path,
            file,
            compression,
            piped: None,
        })
    }

    /// Of a regular file that was looked at before.
    pub(crate) fn of_known(path: PathBuf, file: Arc<File>, compression: Compression) -> Self {
        Origin {
            path,
            file,
            compression,
            piped: None,
        }
    }

    /// Which file it is.
    pub(crate) fn key(&self) -> Option<FileKey> {
        self.file
            .metadata()
            .ok()
            .map(|metadata| FileKey::of(&metadata))
    }

    /// Whether its bytes can be read but once.
    pub(crate) fn is_piped(&self) -> bool {
        self.piped.is_some()
    }

    /// The bytes from `offset` on, up to the raw byte `raw_end`.
    ///
    /// Reading fails once `go_on` says no more: a record, or what is to be passed over, may be long.
    pub(crate) fn stream(
        &self,
        offset: u64,
        raw_end: u64,
        go_on: impl Fn() -> bool + Send + 'static,
    ) -> io::Result<Stream> {
        let seekable = self.piped.is_none();
        let jump = if seekable && self.compression == Compression::Plain {
            offset
        } else {
            0
        };
        let raw = RawPlace(Arc::new(AtomicU64::new(jump)));
        let bytes = Heeding {
            input: self.raw_bytes(jump, raw_end),
            go_on,
        };
        let mut bytes = if self.compression == Compression::Plain {
            Box::new(Counted {
                input: bytes,
                place: raw.clone(),
            })
        } else {
            let input = BufReader::with_capacity(PACKED_BYTES, bytes);
            self.compression.decode(Counted {
                input,
                place: raw.clone(),
            })?
        };
        let n_skipped = compress::skip(&mut bytes, offset - jump)?;
        Ok(Stream {
            bytes,
            raw,
            missing: offset - jump - n_skipped,
        })
    }

    fn raw_bytes(&self, at: u64, end: u64) -> Box<dyn Read + Send> {
        let file = Arc::clone(&self.file);
        match &self.piped {
            None => Box::new(FileAt { file, at, end }),
            Some(head) => Box::new(Cursor::new(head.clone()).chain(Piped(file))),
        }
    }
}

/// A file from a place on; leaves the file's own place alone.
struct FileAt {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for FileAt {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let n_max = buffer.len().min(left);
        let n_read = self.file.read_at(&mut buffer[..n_max], self.at)?;
        self.at += n_read as u64;
        Ok(n_read)
    }
}

struct Piped(Arc<File>);

impl Read for Piped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

/// Ends in an error once nobody wants to have the bytes.
struct Heeding<R, F> {
    input: R,
    go_on: F,
}

impl<R: Read, F: Fn() -> bool> Read for Heeding<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if (self.go_on)() {
            return self.input.read(buffer);
        }
        Err(io::Error::other("the input was closed"))
    }
}

/// Counts what is used up.
struct Counted<R> {
    input: R,
    place: RawPlace,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.input.read(buffer)?;
        self.place.advance(n_read);
        Ok(n_read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, n_bytes: usize) {
        self.place.advance(n_bytes);
        self.input.consume(n_bytes);
    }
}
