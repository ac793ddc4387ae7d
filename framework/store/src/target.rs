//! A place that objects are written to: each whole, or not at all.

use bytes::Bytes;
use datashark_sdk::Stores;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};

use crate::StoreError;
use crate::location::{Location, shown};
use crate::scheme::Kind;
use crate::store::Store;

/// An object beyond this is sent in parts of this size; S3 takes no smaller ones than 5 MiB.
const PART_BYTES: usize = 8 << 20;

/// How many parts are on their way.
const N_PARTS: usize = 4;

/// A store that is written to. A failed request is tried again for 15 seconds; who waits longer
/// tries again.
#[derive(Debug, Clone)]
pub struct Target {
    store: Store,
}

impl Target {
    /// The store of a url; asks nothing of it.
    ///
    /// # Errors
    /// The url or a setting is wrong, or nothing can be written there.
    pub fn connect(url: &str, stores: &Stores) -> Result<Self, StoreError> {
        Target::check(url)?;
        let store = Store::connect(url, stores)?;
        Ok(Target { store })
    }

    /// Checks a url alone, without the settings that it needs.
    ///
    /// # Errors
    /// The url is malformed, or nothing can be written there.
    pub fn check(url: &str) -> Result<(), StoreError> {
        let location = Location::parse(url)?;
        if location.kind == Kind::Http {
            let message = format!("`{}` is a web server, which takes no files", shown(url));
            let help = "expected a path, or a url of `s3://`, `gs://`, `az://` or `hdfs://`";
            return Err(StoreError::conf(message).help(help));
        }
        Ok(())
    }

    /// The url of a key, to show.
    pub fn url_of(&self, key: &str) -> String {
        format!("{}/{key}", shown(&self.store.location.root))
    }

    /// Writes an object, over one that is there. Nobody sees it before it is whole.
    ///
    /// # Errors
    /// The store refuses or does not answer.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        let path = self.path(key)?;
        let refused = |error| self.store.error(&error, &self.url_of(key));
        if bytes.len() <= PART_BYTES {
            let put = self.store.quick.put(&path, bytes.into()).await;
            return put.map(drop).map_err(refused);
        }
        let parts = self.store.quick.put_multipart(&path).await;
        let mut write = WriteMultipart::new_with_chunk_size(parts.map_err(refused)?, PART_BYTES);
        let mut rest = bytes;
        while !rest.is_empty() {
            if let Err(error) = write.wait_for_capacity(N_PARTS).await {
                // Parts that are left behind cost money; whether they go is not the question.
                let _ = write.abort().await;
                return Err(refused(error));
            }
            write.put(rest.split_to(PART_BYTES.min(rest.len())));
        }
        write.finish().await.map(drop).map_err(refused)
    }

    /// The keys below a folder, sorted; only those behind another in the order of their bytes,
    /// where one is given.
    ///
    /// # Errors
    /// The store refuses or does not answer.
    pub async fn list(
        &self,
        folder: &str,
        behind: Option<&str>,
    ) -> Result<Vec<String>, StoreError> {
        let refused = |error| self.store.error(&error, &self.url_of(folder));
        let folder = self.path(folder)?;
        let listed = match behind {
            Some(behind) => {
                let behind = self.path(behind)?;
                self.store.quick.list_with_offset(Some(&folder), &behind)
            }
            None => self.store.quick.list(Some(&folder)),
        };
        let keys = listed.map_ok(|meta| meta.location.to_string());
        let mut keys: Vec<String> = keys.try_collect().await.map_err(refused)?;
        keys.sort();
        Ok(keys)
    }

    /// Gives an object another key, over one that is there.
    ///
    /// # Errors
    /// The store refuses or does not answer.
    pub async fn rename(&self, from: &str, to: &str) -> Result<(), StoreError> {
        let refused = |error| self.store.error(&error, &self.url_of(from));
        let (from, to) = (self.path(from)?, self.path(to)?);
        self.store.quick.rename(&from, &to).await.map_err(refused)
    }

    fn path(&self, key: &str) -> Result<Path, StoreError> {
        Path::parse(key).map_err(|error| {
            let url = self.url_of(key);
            StoreError::conf(format!(
                "`{url}` is malformed: {}",
                crate::error::flat(&error)
            ))
        })
    }
}
