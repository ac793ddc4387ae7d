//! The bytes of an open file or an object, uncompressed, from any place on.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datashark_store::Object;

use crate::compress::{self, Compression, MAGIC_BYTES};
use crate::identity::{FileKey, Fingerprint, Print, read_head};
use crate::nfdump::{self, Nfdump};

/// How much of a compressed file is read at a time.
const PACKED_BYTES: usize = 128 << 10;

/// An open file and how it is packed.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// Where it was found.
    pub path: PathBuf,
    /// How it is packed.
    pub compression: Compression,
    raw: Raw,
}

/// What the bytes come from, as they lie there.
#[derive(Debug, Clone)]
enum Raw {
    /// A file proper, which can be read at any place; readers share it and keep places of their
    /// own.
    File(Arc<File>),
    /// A pipe, and what was taken from it to see how it is packed.
    Pipe(Arc<File>, Vec<u8>),
    /// An object of a store.
    Object(Box<Object>),
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
        Ok(Origin {
            path: path.to_owned(),
            compression,
            raw: Raw::Pipe(Arc::new(file), head),
        })
    }

    /// Of an object.
    pub(crate) fn of_object(object: Object) -> io::Result<Self> {
        let path = PathBuf::from(object.url());
        let compression = Compression::detect(&object.head(MAGIC_BYTES as u64)?, &path);
        Ok(Origin {
            path,
            compression,
            raw: Raw::Object(Box::new(object)),
        })
    }

    /// Of a regular file that is open.
    pub(crate) fn of_file(path: PathBuf, file: Arc<File>) -> io::Result<Self> {
        let compression = Compression::detect(&read_head(&file, MAGIC_BYTES)?, &path);
        Ok(Origin::of_known(path, file, compression))
    }

    /// Of a regular file that was looked at before.
    pub(crate) fn of_known(path: PathBuf, file: Arc<File>, compression: Compression) -> Self {
        Origin {
            path,
            compression,
            raw: Raw::File(file),
        }
    }

    /// Which file it is; `None` of an object.
    pub(crate) fn key(&self) -> Option<FileKey> {
        let (Raw::File(file) | Raw::Pipe(file, _)) = &self.raw else {
            return None;
        };
        file.metadata().ok().map(|metadata| FileKey::of(&metadata))
    }

    /// How many bytes it has now, as it lies there; none of a pipe.
    pub(crate) fn size(&self) -> io::Result<u64> {
        match &self.raw {
            Raw::File(file) | Raw::Pipe(file, _) => Ok(file.metadata()?.len()),
            Raw::Object(object) => Ok(object.size()),
        }
    }

    /// Whether it still begins as it did. An object does; reading it fails where it is another.
    pub(crate) fn compare(&self, fingerprint: &Fingerprint) -> io::Result<Print> {
        match &self.raw {
            Raw::File(file) | Raw::Pipe(file, _) => fingerprint.compare(file),
            Raw::Object(_) => Ok(Print::Same),
        }
    }

    /// Whether its bytes can be read but once.
    pub(crate) fn is_piped(&self) -> bool {
        matches!(self.raw, Raw::Pipe(..))
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
        let jump = if !self.is_piped() && self.compression == Compression::Plain {
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
        } else if self.compression == Compression::Nfcapd {
            let (path, size) = (self.local_path()?, self.size()?);
            raw.advance(usize::try_from(size).unwrap_or(usize::MAX));
            Box::new(Heeding {
                input: Nfdump::start(path)?,
                go_on: bytes.go_on,
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

    /// The path, for a tool to open it.
    fn local_path(&self) -> io::Result<&Path> {
        match self.raw {
            Raw::File(_) => Ok(&self.path),
            Raw::Pipe(..) | Raw::Object(_) => Err(io::Error::other(nfdump::NEEDS_A_FILE)),
        }
    }

    fn raw_bytes(&self, at: u64, end: u64) -> Box<dyn Read + Send> {
        match &self.raw {
            Raw::File(file) => {
                let file = Arc::clone(file);
                Box::new(FileAt { file, at, end })
            }
            Raw::Pipe(file, head) => {
                Box::new(Cursor::new(head.clone()).chain(Piped(Arc::clone(file))))
            }
            Raw::Object(object) => Box::new(object.read(at, end)),
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
