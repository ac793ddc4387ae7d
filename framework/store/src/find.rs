//! What a url names: an object, those of a folder, or those that match a pattern.

use datashark_sdk::Stores;
use datashark_sdk::conf::nearest;
use futures::TryStreamExt;
use globset::GlobBuilder;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::error::Reason;
use crate::location::{Location, is_glob, shown};
use crate::scheme::Kind;
use crate::store::Store;
use crate::{Object, StoreError, runtime};

/// Checks a url and the settings that it needs; asks nothing of the store.
///
/// # Errors
/// The url is malformed, its scheme unknown, or a setting is wrong.
pub fn check_url(url: &str, stores: &Stores) -> Result<(), StoreError> {
    Store::connect(url, stores).map(drop)
}

/// Finds what a url names, sorted by key: an object; a folder, which is the objects in it but not
/// those below; or with `*`, `?`, `[…]` or `{a,b}` a pattern, in which `**` goes over folders.
/// Names that begin with `.` or `_` are passed over, as Hadoop does, unless the pattern names
/// them. May be called from anywhere, and waits for the store.
///
/// # Errors
/// There is nothing of the name, or the store refuses; the url or a setting is wrong.
pub fn find(url: &str, stores: &Stores) -> Result<Vec<Object>, StoreError> {
    let store = Store::connect(url, stores)?;
    let (asked, shown) = (store.clone(), shown(url));
    let found = runtime::wait(async move { metas(&asked, &shown).await });
    let mut metas = found.map_err(|error| StoreError::io(url, &error))??;
    metas.sort_by(|a, b| a.location.cmp(&b.location));
    let objects = metas.into_iter();
    Ok(objects
        .map(|meta| Object::new(store.clone(), meta))
        .collect())
}

async fn metas(store: &Store, url: &str) -> Result<Vec<ObjectMeta>, StoreError> {
    if store.location.is_glob() {
        return by_glob(store, url).await;
    }
    let path = store.location.path()?;
    let is_folder = store.location.rest.is_empty() || store.location.rest.ends_with('/');
    if !is_folder || store.location.kind == Kind::Http {
        match store.quick.head(&path).await {
            Ok(meta) => return Ok(vec![meta]),
            Err(error) => {
                let error = store.error(&error, url);
                if error.reason() != Reason::Missing || store.location.kind == Kind::Http {
                    return Err(error);
                }
            }
        }
    }
    let listed = store.quick.list_with_delimiter(Some(&path)).await;
    let listed = listed.map_err(|error| store.error(&error, url))?;
    let is_empty = listed.objects.is_empty() && listed.common_prefixes.is_empty();
    let objects = listed.objects.into_iter();
    let files: Vec<_> = objects.filter(|meta| !is_hidden(&meta.location)).collect();
    match files.is_empty() {
        false => Ok(files),
        true if is_empty => Err(missing(store, url, &path).await),
        true => {
            let message = format!("folder `{url}` has no file to read");
            let help = "names with `.` or `_` in front and folders below are not read; a pattern \
                        such as `**/*.log` may";
            Err(StoreError::new(Reason::Missing, message).help(help))
        }
    }
}

async fn by_glob(store: &Store, url: &str) -> Result<Vec<ObjectMeta>, StoreError> {
    let pattern = &store.location.rest;
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    let glob =
        glob.map_err(|error| StoreError::conf(format!("`{url}` is no glob: {}", error.kind())))?;
    let matcher = glob.compile_matcher();
    let n_literal = pattern.split('/').take_while(|part| !is_glob(part)).count();
    let parts: Vec<&str> = pattern.split('/').collect();
    let (base, below) = parts.split_at(n_literal);
    let base = Location {
        rest: base.join("/"),
        ..store.location.clone()
    };
    let base = base.path()?;
    let refused = |error| store.error(&error, url);
    // One level needs no more than one list, however much lies below it.
    let listed: Vec<ObjectMeta> = match below {
        [last] if *last != "**" => {
            let listed = store.quick.list_with_delimiter(Some(&base)).await;
            listed.map_err(refused)?.objects
        }
        _ => store
            .quick
            .list(Some(&base))
            .try_collect()
            .await
            .map_err(refused)?,
    };
    let n_listed = listed.len();
    let named = below.iter().any(|part| part.starts_with(['.', '_']));
    let matches = |meta: &ObjectMeta| {
        let behind = meta.location.prefix_match(&base);
        let hidden = behind.is_some_and(|mut parts| parts.any(|part| begins_hidden(part.as_ref())));
        (named || !hidden) && meta.size > 0 && matcher.is_match(meta.location.as_ref())
    };
    let found: Vec<_> = listed.into_iter().filter(matches).collect();
    if found.is_empty() {
        let message = format!("no object matches `{url}`");
        let base = store.location.url_of(&base);
        let help = format!("`{base}` has {n_listed} objects that were looked at");
        return Err(StoreError::new(Reason::Missing, message).help(help));
    }
    Ok(found)
}

fn is_hidden(path: &Path) -> bool {
    path.filename().is_some_and(begins_hidden)
}

fn begins_hidden(name: &str) -> bool {
    name.starts_with(['.', '_'])
}

/// Says that there is no such object, and what is near it.
async fn missing(store: &Store, url: &str, path: &Path) -> StoreError {
    let error = StoreError::new(Reason::Missing, format!("`{url}` does not exist"));
    let parts: Vec<_> = path.parts().collect();
    let Some((last, folders)) = parts.split_last() else {
        return error;
    };
    let folder = Path::from_iter(folders.iter().cloned());
    // Whether it can be listed is not the question.
    let Ok(listed) = store.quick.list_with_delimiter(Some(&folder)).await else {
        return error;
    };
    let objects = listed.objects.iter().map(|meta| &meta.location);
    let all = objects.chain(&listed.common_prefixes);
    let names: Vec<&str> = all.filter_map(Path::filename).collect();
    match nearest(last.as_ref(), names.iter().copied()) {
        Some(near) => {
            let near = store.location.url_of(&folder.clone().join(near));
            error.help(format!("did you mean `{near}`?"))
        }
        None => error,
    }
}
