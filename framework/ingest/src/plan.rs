//! What is to be read: each file with how it is read, and where it goes on.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use datashark_output_delta::{Kind, Table};
use datashark_sdk::input::InputEntry;
use futures::StreamExt;

use crate::error::Result;
use crate::identity::{end_of, identities};
use crate::recognise::{Reading, Said, recognise};

/// How many files are looked at at a time.
const LOOKS: usize = 8;

/// A capture daemon's file that is not finished yet.
const UNFINISHED: &str = ".current";

/// A file to be read.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) path: PathBuf,
    /// By what the table knows it.
    pub(crate) identity: String,
    /// Where it goes on.
    pub(crate) offset: u64,
    /// What is invalid before this was kept already.
    pub(crate) invalid_offset: u64,
    pub(crate) n_bytes: u64,
}

/// Files that are read together.
pub(crate) struct Group {
    pub(crate) reading: Reading,
    pub(crate) files: Vec<Planned>,
}

/// What came of looking at the files.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) groups: Vec<Group>,
    /// Files that cannot be read, and why.
    pub(crate) refused: Vec<(PathBuf, String)>,
    /// Files that are stored to their end, or are not finished, and why they are passed over.
    pub(crate) passed_over: Vec<(PathBuf, String)>,
}

/// What came of looking at a file.
enum Looked {
    Read(Box<(Reading, Planned)>),
    Refused(String),
    PassedOver(String),
}

/// Looks at the files.
pub(crate) async fn plan(
    files: Vec<PathBuf>,
    kind: Kind,
    said: &Said,
    entry: &InputEntry,
    tables: (&Table, Option<&Table>),
) -> Result<Plan> {
    let look = |path: PathBuf| async move {
        let looked = look(&path, kind, said, entry, tables).await;
        (path, looked)
    };
    let mut looks = futures::stream::iter(files).map(look).buffered(LOOKS);
    let mut plan = Plan::default();
    let mut groups: BTreeMap<String, usize> = BTreeMap::new();
    let mut known: HashMap<String, PathBuf> = HashMap::new();
    while let Some((path, looked)) = looks.next().await {
        match looked? {
            Looked::Refused(reason) => plan.refused.push((path, reason)),
            Looked::PassedOver(reason) => plan.passed_over.push((path, reason)),
            Looked::Read(read) => {
                let (reading, planned) = *read;
                if let Some(same) = known.insert(planned.identity.clone(), path.clone()) {
                    let reason = format!("it is the same file as `{}`", same.display());
                    plan.passed_over.push((path, reason));
                    continue;
                }
                let at = *groups.entry(reading.key.clone()).or_insert_with(|| {
                    plan.groups.push(Group {
                        reading,
                        files: Vec::new(),
                    });
                    plan.groups.len() - 1
                });
                plan.groups[at].files.push(planned);
            }
        }
    }
    Ok(plan)
}

async fn look(
    path: &Path,
    kind: Kind,
    said: &Said,
    entry: &InputEntry,
    (table, invalid): (&Table, Option<&Table>),
) -> Result<Looked> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.contains(UNFINISHED) {
        return Ok(Looked::PassedOver("it is not finished yet".to_owned()));
    }
    let found = match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) => Err(error),
    };
    let found = found.and_then(|n_bytes| Ok((n_bytes, identities(path)?)));
    let (n_bytes, known) = match found {
        Ok(found) => found,
        Err(error) => return Ok(Looked::Refused(format!("it cannot be read: {error}"))),
    };
    let mut identity = known[0].clone();
    let mut offset = 0;
    for candidate in known {
        if let Some(at) = table.position(&candidate).await? {
            (identity, offset) = (candidate, at);
            break;
        }
    }
    if offset > 0 && table.position(&end_of(&identity)).await? == Some(n_bytes) {
        return Ok(Looked::PassedOver("it is in the store already".to_owned()));
    }
    let reading = match recognise(path, kind, said, entry).await {
        Ok(reading) => reading,
        Err(reason) => return Ok(Looked::Refused(reason)),
    };
    let invalid_offset = match invalid {
        Some(invalid) => invalid.position(&identity).await?.unwrap_or(0),
        None => 0,
    };
    Ok(Looked::Read(Box::new((
        reading,
        Planned {
            path: path.to_owned(),
            identity,
            offset,
            invalid_offset,
            n_bytes,
        },
    ))))
}
