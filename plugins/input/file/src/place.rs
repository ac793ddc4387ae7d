//! Where a file is: on this machine, or in an object store.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use datashark_sdk::input::Micros;
use datashark_store::Object;

use crate::stream::Origin;

/// Where a file is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A path of this machine, or `-` for the standard input.
    Local(PathBuf),
    /// An object, as it was when it was found.
    Remote(Box<Object>),
}

impl Place {
    /// Its path or url, as the user named it: for messages, and for what its name says.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Place::Local(path) => path,
            Place::Remote(object) => Path::new(object.url()),
        }
    }

    /// What a partition is known by. An object's name alone does not say which it is.
    pub(crate) fn id(&self) -> String {
        match self {
            Place::Local(path) => path.to_string_lossy().into_owned(),
            Place::Remote(object) => format!("{}{}", id_prefix(object.url()), object.tag()),
        }
    }

    /// How the ids of all objects begin that there ever were of this name.
    pub(crate) fn id_prefix(&self) -> Option<String> {
        match self {
            Place::Local(_) => None,
            Place::Remote(object) => Some(id_prefix(object.url())),
        }
    }

    /// Opens it.
    pub(crate) fn open(&self) -> io::Result<Origin> {
        match self {
            Place::Local(path) => Origin::open(path),
            Place::Remote(object) => Origin::of_object(Object::clone(object)),
        }
    }
}

fn id_prefix(url: &str) -> String {
    format!("{url}#")
}

/// A file to read.
#[derive(Debug)]
pub(crate) struct Found {
    /// Where it is.
    pub place: Place,
    /// What the file system says of it; `None` of the standard input and of objects.
    pub metadata: Option<Metadata>,
}

impl Found {
    /// A file of this machine.
    pub(crate) fn local(path: PathBuf, metadata: Option<Metadata>) -> Self {
        Found {
            place: Place::Local(path),
            metadata,
        }
    }

    /// How many bytes it has, where it is known.
    pub(crate) fn size(&self) -> Option<u64> {
        match &self.place {
            Place::Local(_) => self.regular().map(Metadata::len),
            Place::Remote(object) => Some(object.size()),
        }
    }

    /// When it was last written to.
    pub(crate) fn modified(&self) -> Option<Micros> {
        match &self.place {
            Place::Local(_) => self.regular().and_then(modified),
            Place::Remote(object) => object.modified(),
        }
    }

    /// What the file system says of a file proper.
    pub(crate) fn regular(&self) -> Option<&Metadata> {
        self.metadata.as_ref().filter(|metadata| metadata.is_file())
    }
}

/// When a file was last written to.
pub(crate) fn modified(metadata: &Metadata) -> Option<Micros> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Micros::try_from(since.as_micros()).ok()
}
