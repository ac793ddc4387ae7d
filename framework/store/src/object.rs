//! An object that was found: which it is, and its bytes.

use std::io::{self, Read};
use std::ops::Range;

use bytes::Bytes;
use object_store::{
    GetOptions, GetResult, OBJECT_STORE_COALESCE_DEFAULT, ObjectMeta, ObjectStore as _,
    coalesce_ranges,
};

use crate::error::changed;
use crate::store::Store;
use crate::{ObjectReader, StoreError};

/// An object of a store, as it was when it was found.
#[derive(Debug, Clone)]
pub struct Object {
    pub(crate) store: Store,
    pub(crate) meta: ObjectMeta,
    url: String,
}

impl Object {
    pub(crate) fn new(store: Store, meta: ObjectMeta) -> Self {
        let url = store.location.url_of(&meta.location);
        Object { store, meta, url }
    }

    /// Where it is, without a password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.meta.size
    }

    /// When it was written, in microseconds since 1970; `None` where the store does not say.
    pub fn modified(&self) -> Option<i64> {
        Some(self.meta.last_modified.timestamp_micros()).filter(|time| *time > 0)
    }

    /// What tells its content from another that may come under its name: its version or ETag as
    /// the store says, else its time and its size.
    pub fn tag(&self) -> String {
        let ObjectMeta { version, e_tag, .. } = &self.meta;
        let tag = version.as_ref().or(e_tag.as_ref());
        match tag {
            Some(tag) => plain(tag).to_owned(),
            None => format!("{}-{}", self.meta.last_modified.timestamp(), self.meta.size),
        }
    }

    /// Reads it as a stream, from a place on.
    pub fn read(&self, at: u64, end: u64) -> ObjectReader {
        ObjectReader::new(self.clone(), at, end.min(self.size()))
    }

    /// Its first bytes, fewer where it is shorter; may be called from anywhere.
    ///
    /// # Errors
    /// The store refuses, or the object is another than it was.
    pub fn head(&self, n_bytes: u64) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        self.read(0, n_bytes).read_to_end(&mut head)?;
        Ok(head)
    }

    /// Some of its bytes.
    ///
    /// # Errors
    /// The store refuses, or the object is another than it was.
    pub async fn range(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let options = GetOptions::new().with_range(Some(range));
        let got = self.get(options).await?;
        got.bytes().await.map_err(|error| self.error(&error))
    }

    /// Several ranges of its bytes; those that lie near each other are asked for at once.
    ///
    /// # Errors
    /// As [`Object::range`].
    pub async fn ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, StoreError> {
        coalesce_ranges(
            ranges,
            |range| self.range(range),
            OBJECT_STORE_COALESCE_DEFAULT,
        )
        .await
    }

    pub(crate) async fn get(&self, options: GetOptions) -> Result<GetResult, StoreError> {
        let got = self.store.patient.get_opts(&self.meta.location, options);
        let got = got.await.map_err(|error| self.error(&error))?;
        match self.is(&got.meta) {
            true => Ok(got),
            false => Err(changed(&self.url)),
        }
    }

    /// Whether what is there now is what was found.
    fn is(&self, now: &ObjectMeta) -> bool {
        let then = &self.meta;
        // A list may be more exact than the header of an answer, which has seconds.
        let same_time = || then.last_modified.timestamp() == now.last_modified.timestamp();
        match (&then.e_tag, &now.e_tag) {
            (Some(then_tag), Some(now_tag)) => plain(then_tag) == plain(now_tag),
            _ => then.size == now.size && same_time(),
        }
    }

    pub(crate) fn error(&self, error: &object_store::Error) -> StoreError {
        self.store.error(error, &self.url)
    }
}

/// An ETag without its quotes, which Azure's lists leave out.
fn plain(e_tag: &str) -> &str {
    e_tag.trim_matches('"')
}
