//! Writes to an object store: an object for each window, since objects cannot be appended to.
//!
//! Objects are numbered, and the number is what a file's length is elsewhere: the receipt of a sync
//! has the next one, and what lies from there on at the next start was not acknowledged. A window
//! that comes again in the same run takes the same number, and so overwrites itself.

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use datashark_sdk::output::{FindingsBatch, Outcome};
use datashark_sdk::{Error, Result, Stores};
use datashark_store::{Reason, StoreError, Target};
use serde::{Deserialize, Serialize};

use crate::CsvConf;
use crate::file::{local, shown};
use crate::path::{DATE, day_behind};
use crate::rows::Dialect;

/// What is put behind a folder's name for its unacknowledged objects.
const UNACKNOWLEDGED: &str = ".unacknowledged";

/// Digits of a number, so that the order of the names is that of the numbers.
const N_DIGITS: usize = 10;

const EXTENSION: &str = ".csv";

/// The objects that findings go to.
pub(crate) struct CsvObjects {
    target: Target,
    keys: Keys,
    dialect: Dialect,
    header: bool,
    place: Place,
    /// The url written last, or to be written to.
    current: String,
}

/// Which object comes next.
enum Place {
    /// It is known once the store has been asked what it has behind this.
    Behind(Receipt),
    /// It is this.
    At(Receipt),
}

/// How far the objects are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Receipt {
    /// Of which path, as the conf has it.
    path: String,
    /// The number of the next object.
    next_object: u64,
    /// The day of the last one, `2016-10-14`; empty before it.
    since: String,
}

impl Receipt {
    /// `None` where it is another's: of a file, or of another path.
    pub(crate) fn parse(receipt: &str) -> Option<Self> {
        serde_json::from_str(receipt).ok()
    }
}

impl CsvObjects {
    /// Makes ready to write. Where there is no receipt of these objects, the store is asked how
    /// many there are; otherwise it is not, and may be away.
    pub(crate) async fn open(
        conf: &CsvConf,
        receipt: Option<&str>,
        stores: &Stores,
    ) -> Result<Self> {
        let keys = Keys::new(&conf.path);
        let target = Target::connect(&keys.url, stores).map_err(cannot_write)?;
        let receipt = receipt.and_then(Receipt::parse);
        let place = match receipt.filter(|receipt| receipt.path == conf.path) {
            Some(receipt) => Place::Behind(receipt),
            None => Place::At(Receipt {
                path: conf.path.clone(),
                next_object: keys.count(&target).await.map_err(cannot_write)?,
                since: String::new(),
            }),
        };
        Ok(CsvObjects {
            current: conf.path.clone(),
            dialect: Dialect::of(conf),
            header: conf.header,
            target,
            keys,
            place,
        })
    }

    /// The url written last.
    pub(crate) fn current(&self) -> &str {
        &self.current
    }

    /// Writes each window to an object of its own.
    pub(crate) async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        match self.try_write(batches).await {
            Ok(()) => Outcome::Safe,
            Err(Failure::Store(error)) => match error.reason() {
                Reason::Denied | Reason::Failed | Reason::Changed => {
                    Outcome::Again(error.to_string())
                }
                Reason::Conf | Reason::Missing | Reason::Unsupported => {
                    Outcome::Stop(cannot_write(error))
                }
            },
            Err(Failure::Rows(error)) => Outcome::Stop(error),
        }
    }

    async fn try_write(&mut self, batches: &[FindingsBatch]) -> Result<(), Failure> {
        let mut receipt = self.place().await?;
        for batch in batches {
            let (dialect, header, rows_of) = (self.dialect, self.header, batch.clone());
            let rows = crate::blocking(move || object(dialect, header, &rows_of)).await;
            let rows = rows.and_then(|rows| rows).map_err(Failure::Rows)?;
            let key = self.keys.key(receipt.next_object, batch.time);
            self.target.put(&key, rows).await?;
            self.current = self.target.url_of(&key);
            receipt.next_object += 1;
            receipt.since = day_of(batch.time).to_string();
        }
        // Not before all are there: none counts as taken where one is not.
        self.place = Place::At(receipt);
        Ok(())
    }

    /// The receipt of what was written; an object is durable once it was taken.
    pub(crate) fn receipt(&self) -> Option<String> {
        let (Place::Behind(receipt) | Place::At(receipt)) = &self.place;
        serde_json::to_string(receipt).ok()
    }

    /// Where to go on; before the first write, what was not acknowledged is moved away.
    async fn place(&mut self) -> Result<Receipt, StoreError> {
        let receipt = match &self.place {
            Place::At(receipt) => return Ok(receipt.clone()),
            Place::Behind(receipt) => receipt.clone(),
        };
        for (key, aside) in self.keys.unacknowledged(&self.target, &receipt).await? {
            self.target.rename(&key, &aside).await?;
            let (object, moved_to) = (self.target.url_of(&key), self.target.url_of(&aside));
            tracing::warn!(
                object,
                moved_to,
                "moved rows that were not acknowledged; they come again"
            );
        }
        self.place = Place::At(receipt.clone());
        Ok(receipt)
    }
}

enum Failure {
    Store(StoreError),
    Rows(Error),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}

fn cannot_write(error: StoreError) -> Error {
    match error.reason() {
        Reason::Conf => Error::Conf(error.at("path").into()),
        _ => Error::io("findings cannot be written", error.into()),
    }
}

/// What is in an object.
fn object(dialect: Dialect, header: bool, batch: &FindingsBatch) -> Result<Bytes> {
    let mut object = match header {
        true => dialect.header(&batch.findings)?,
        false => Vec::new(),
    };
    object.extend(dialect.rows(batch, &shown(batch.time))?);
    Ok(object.into())
}

fn day_of(time: i64) -> NaiveDate {
    local(time).map_or(NaiveDate::MIN, |time| time.date_naive())
}

/// The names of objects.
struct Keys {
    /// The conf's path with a day in place of `{date}`: a url that can be checked.
    url: String,
    /// The folder of the objects, which may hold `{date}`.
    folder: String,
}

impl Keys {
    fn new(path: &str) -> Self {
        let key = path.splitn(4, '/').nth(3).unwrap_or_default();
        let folder = key.trim_end_matches('/');
        let folder = folder.strip_suffix(EXTENSION).unwrap_or(folder);
        Keys {
            url: path.replace(DATE, &NaiveDate::MIN.to_string()),
            folder: folder.to_owned(),
        }
    }

    fn folder_on(&self, day: &str) -> String {
        self.folder.replace(DATE, day)
    }

    /// Of the findings of a time.
    fn key(&self, number: u64, time: i64) -> String {
        let folder = self.folder_on(&day_of(time).to_string());
        let time = DateTime::<Utc>::from_timestamp_micros(time).unwrap_or_default();
        let time = time.format("%Y%m%dT%H%M%SZ");
        format!("{folder}/{number:0N_DIGITS$}-{time}{EXTENSION}")
    }

    /// The folder and the number of an object of these.
    fn parse<'a>(&self, key: &'a str) -> Option<(&'a str, u64)> {
        let day = match self.folder.split_once(DATE) {
            Some((before, _)) => day_behind(before, key)?.to_string(),
            None => String::new(),
        };
        let folder = self.folder_on(&day);
        let name = key.strip_prefix(&folder)?.strip_prefix('/')?;
        let (number, time) = name.strip_suffix(EXTENSION)?.split_once('-')?;
        let is_number =
            number.len() == N_DIGITS && number.bytes().all(|byte| byte.is_ascii_digit());
        let is_name = is_number && time.len() == "20161014T130139Z".len() && !time.contains('/');
        let number = is_name.then(|| number.parse().ok())??;
        Some((&key[..folder.len()], number))
    }

    /// The folder that all of them are in.
    fn common(&self) -> &str {
        let before = self.folder.split_once(DATE).map(|(before, _)| before);
        let Some(before) = before else {
            return &self.folder;
        };
        before.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The number behind all that there are.
    async fn count(&self, target: &Target) -> Result<u64, StoreError> {
        let keys = target.list(self.common(), None).await?;
        let numbers = keys.iter().filter_map(|key| self.parse(key));
        Ok(numbers.map(|(_, number)| number + 1).max().unwrap_or(0))
    }

    /// The objects behind a receipt, and where each is moved.
    async fn unacknowledged(
        &self,
        target: &Target,
        receipt: &Receipt,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let Receipt {
            next_object, since, ..
        } = receipt;
        // Before the first write of a pattern with days, any day may have some.
        let is_dated = self.folder.contains(DATE);
        let behind = format!("{}/{next_object:0N_DIGITS$}", self.folder_on(since));
        let behind = (!is_dated || !since.is_empty()).then_some(behind.as_str());
        let keys = target.list(self.common(), behind).await?;
        let moved = keys.iter().filter_map(|key| {
            let (folder, number) = self.parse(key)?;
            let name = &key[folder.len()..];
            let aside = format!("{folder}{UNACKNOWLEDGED}{name}");
            (number >= *next_object).then(|| (key.clone(), aside))
        });
        Ok(moved.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2016-10-14 12:00:00 UTC, which is that day wherever tests run.
    const NOON: i64 = 1_476_446_400_000_000;

    #[test]
    fn an_object_is_named_by_its_number_and_time() {
        let keys = Keys::new("s3://b/findings/web.csv");
        assert_eq!(
            keys.key(7, NOON),
            "findings/web/0000000007-20161014T120000Z.csv"
        );
        let keys = Keys::new("s3://b/{date}/web/");
        assert_eq!(
            keys.key(7, NOON),
            "2016-10-14/web/0000000007-20161014T120000Z.csv"
        );
    }

    #[test]
    fn only_names_of_the_pattern_are_of_it() {
        let keys = Keys::new("hdfs:///f/{date}.csv");
        let name = keys.key(12, NOON);
        assert_eq!(keys.parse(&name), Some(("f/2016-10-14", 12)));
        assert_eq!(keys.common(), "f");
        for other in [
            "f/2016-10-14/x.csv",
            "f/2016-10-14/0000000012-20161014T120000Z.csv.tmp",
            "f/2016-10-14.unacknowledged/0000000012-20161014T120000Z.csv",
            "f/today/0000000012-20161014T120000Z.csv",
        ] {
            assert_eq!(keys.parse(other), None, "{other}");
        }
    }
}
