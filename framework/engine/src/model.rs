//! Trained models on disk: kept, used again while what they were trained on is unchanged.
//!
//! `<state>/<use case>/model.json`:
//! ```json
//! {"format": "datashark-model", "version": 2, "code": "web-anomaly-detection",
//!  "parameters": "sha256…", "training": {"path": "…", "size_bytes": 1, "modified": 2, "sha256": "…"},
//!  "model": {}, "checksum": "crc32:…"}
//! ```
//! `parameters` is a digest of the use case's own keys and everything else of the conf that decides
//! which rows it is trained on; `model` is what the use case's model type writes. Numbers are
//! written with all their digits, so that a loaded model scores to the same bits.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use datashark_sdk::{DynUseCase, Model, Stores};
use datashark_store::Object;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::state::checksum::{self, Checked};
use crate::state::write::{keep_damaged, write_atomically};

/// The file's name.
pub(crate) const NAME: &str = "model.json";
const FORMAT: &str = "datashark-model";
/// The version of the format that this build writes. It reads version 1, too, which has no checksum.
const VERSION: u32 = 2;
/// The first version that has a checksum.
const FIRST_WITH_CHECKSUM: u32 = 2;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Saved {
    format: String,
    version: u32,
    code: String,
    parameters: String,
    training: Training,
    model: serde_json::Value,
}

/// The training file that a model is of; of objects in a store, what tells each from another of its name
/// stands for their content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Training {
    path: String,
    size_bytes: u64,
    /// Its modification time in nanoseconds since 1970: while this and the size are unchanged, the
    /// content is taken to be.
    modified: u64,
    sha256: String,
}

/// Why a model must be trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// There is none yet.
    None,
    /// The user asked.
    Asked,
    /// The training file changed.
    Training,
    /// The conf changed.
    Parameters,
    /// The saved one is of another format.
    Format,
    /// The saved one is not what was written; it was put aside.
    Damaged,
}

impl Reason {
    /// What the user reads: `training: …`.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Reason::None => "no model yet",
            Reason::Asked => "asked to retrain",
            Reason::Training => "the training file has changed",
            Reason::Parameters => "the conf has changed",
            Reason::Format => "the saved model is of another version",
            Reason::Damaged => "the saved model is damaged; it is kept beside the new one",
        }
    }
}

/// Where the model of a use case lies, and what it must be of.
#[derive(Debug, Clone)]
pub(crate) struct ModelFile {
    pub(crate) path: PathBuf,
    pub(crate) code: String,
    pub(crate) training: PathBuf,
    /// How stores are reached.
    pub(crate) stores: Stores,
    /// A digest of all that decides which rows the model is trained on, and how.
    pub(crate) parameters: String,
}

impl ModelFile {
    /// The saved model, if it is of the same training file and parameters; else why not.
    pub(crate) fn load(&self, use_case: &dyn DynUseCase) -> Result<Result<Model, Reason>> {
        let Ok(bytes) = fs::read(&self.path) else {
            return Ok(Err(Reason::None));
        };
        if check(&bytes).is_err() {
            keep_damaged(&self.path)?;
            return Ok(Err(Reason::Damaged));
        }
        let Ok(saved) = serde_json::from_slice::<Saved>(&bytes) else {
            return Ok(Err(Reason::Format));
        };
        let is_known = saved.format == FORMAT && (1..=VERSION).contains(&saved.version);
        if !is_known || saved.code != self.code {
            return Ok(Err(Reason::Format));
        }
        if saved.parameters != self.parameters {
            return Ok(Err(Reason::Parameters));
        }
        if !self.is_unchanged(&saved.training)? {
            return Ok(Err(Reason::Training));
        }
        Ok(use_case.load(&saved.model).map_err(|_| Reason::Format))
    }

    fn is_unchanged(&self, known: &Training) -> Result<bool> {
        if self.is_in_store() {
            return Ok(*known == self.objects()?);
        }
        let (size_bytes, modified) = self.size_and_time()?;
        if known.size_bytes != size_bytes || known.path != self.training.display().to_string() {
            return Ok(false);
        }
        Ok(known.modified == modified || known.sha256 == self.digest()?)
    }

    fn is_in_store(&self) -> bool {
        datashark_store::is_url(&self.training.to_string_lossy())
    }

    fn objects(&self) -> Result<Training> {
        let url = self.training.to_string_lossy();
        let what = format!("looking for {url}");
        let found = datashark_store::find(&url, &self.stores);
        let found = found.map_err(|error| Error::io(what)(error.into()))?;
        let tags: String = found
            .iter()
            .map(|o| format!("{} {}\n", o.url(), o.tag()))
            .collect();
        let modified = found.iter().filter_map(Object::modified).max();
        Ok(Training {
            path: url.into_owned(),
            size_bytes: found.iter().map(Object::size).sum(),
            modified: modified
                .and_then(|micros| u64::try_from(micros).ok())
                .unwrap_or(0)
                * 1000,
            sha256: digest_of(&tags),
        })
    }

    fn file(&self) -> Result<Training> {
        let (size_bytes, modified) = self.size_and_time()?;
        Ok(Training {
            path: self.training.display().to_string(),
            size_bytes,
            modified,
            sha256: self.digest()?,
        })
    }

    /// The size of all training files, and when the last of them was modified.
    fn size_and_time(&self) -> Result<(u64, u64)> {
        let (mut size_bytes, mut last) = (0, 0);
        for path in self.training_files()? {
            let what = format!("reading {}", path.display());
            let file = fs::metadata(&path).map_err(Error::io(what))?;
            let modified = file
                .modified()
                .ok()
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            size_bytes += file.len();
            last = last.max(modified.unwrap_or_default().as_nanos() as u64);
        }
        Ok((size_bytes, last))
    }

    fn digest(&self) -> Result<String> {
        let mut digest = Sha256::new();
        let mut block = vec![0; 1 << 20];
        for path in self.training_files()? {
            let what = format!("reading {}", path.display());
            let mut file = File::open(&path).map_err(Error::io(what.as_str()))?;
            loop {
                match file.read(&mut block).map_err(Error::io(what.as_str()))? {
                    0 => break,
                    n => digest.update(&block[..n]),
                }
            }
        }
        Ok(hex(&digest.finalize()))
    }

    /// The files that the model is trained on: of a folder those in it, of a pattern all below the
    /// folder that it begins with, which are no fewer than it means.
    fn training_files(&self) -> Result<Vec<PathBuf>> {
        let is_plain = |part: &Component<'_>| !is_pattern(Path::new(part));
        let base: PathBuf = match self.training.exists() {
            true => self.training.clone(),
            false => self.training.components().take_while(is_plain).collect(),
        };
        let mut files = Vec::new();
        let what = format!("reading {}", base.display());
        collect(&base, &mut files).map_err(Error::io(what))?;
        files.sort();
        Ok(files)
    }

    /// Saves a model.
    pub(crate) fn save(&self, model: &Model) -> Result<()> {
        let training = match self.is_in_store() {
            true => self.objects()?,
            false => self.file()?,
        };
        let saved = Saved {
            format: FORMAT.to_owned(),
            version: VERSION,
            code: self.code.clone(),
            parameters: self.parameters.clone(),
            training,
            model: model.to_json().clone(),
        };
        let mut json = serde_json::to_vec_pretty(&saved)
            .map_err(|error| Error::Internal(format!("a model cannot be written: {error}")))?;
        checksum::seal_json(&mut json);
        write_atomically(&self.path, &json)
    }
}

/// Whether a path may mean several.
pub(crate) fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '[', '{'])
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}

/// The version that the bytes of a model are of.
///
/// # Errors
/// They are not what was written; what is wrong with them.
pub(crate) fn check(bytes: &[u8]) -> std::result::Result<u32, String> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let sealed = checksum::check_json(bytes);
    if sealed == Checked::Wrong {
        return Err("its checksum does not match".to_owned());
    }
    let read = serde_json::from_slice(bytes);
    let Version { version } = read.map_err(|error| format!("not a model: {error}"))?;
    match sealed {
        Checked::Without if version >= FIRST_WITH_CHECKSUM => {
            Err("its checksum is missing".to_owned())
        }
        _ => Ok(version),
    }
}

/// A digest, in hexadecimal digits.
pub(crate) fn digest_of(content: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(content))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A model file as it is written.
    fn saved(version: u32) -> Vec<u8> {
        let saved = Saved {
            format: FORMAT.to_owned(),
            version,
            code: "x".to_owned(),
            parameters: digest_of("x"),
            training: Training {
                path: "x.log".to_owned(),
                size_bytes: 1,
                modified: 2,
                sha256: digest_of("y"),
            },
            model: serde_json::json!({"centroids": [[0.1, 2.5]]}),
        };
        let mut json = serde_json::to_vec_pretty(&saved).unwrap();
        if version >= FIRST_WITH_CHECKSUM {
            checksum::seal_json(&mut json);
        }
        json
    }

    #[test]
    fn the_files_of_a_pattern_are_those_below_its_folder() {
        let root = tempfile::tempdir().unwrap();
        let day = root.path().join("d=08/h=0");
        fs::create_dir_all(&day).unwrap();
        fs::write(day.join("b.csv"), "22").unwrap();
        fs::write(day.join("a.csv"), "1").unwrap();
        let of = |training: PathBuf| ModelFile {
            path: root.path().join("model.json"),
            code: String::new(),
            training,
            stores: Stores::default(),
            parameters: String::new(),
        };
        let plain = of(day.join("a.csv"));
        assert_eq!(plain.digest().unwrap(), digest_of("1"));
        for training in [day.clone(), root.path().join("d=08/**/*.csv")] {
            let file = of(training);
            assert_eq!(file.size_and_time().unwrap().0, 3);
            assert_eq!(file.digest().unwrap(), digest_of("122"));
        }
        assert!(of(root.path().join("none")).digest().is_err());
    }

    #[test]
    fn a_model_of_either_version_is_read() {
        assert_eq!(check(&saved(1)), Ok(1));
        assert_eq!(check(&saved(2)), Ok(2));
        assert!(check(b"").is_err());
    }

    proptest! {
        #[test]
        fn a_damaged_model_is_not_used(at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut bytes = saved(VERSION);
            *at.get_mut(&mut bytes) ^= 1 << bit;
            prop_assert!(check(&bytes).is_err());
        }
    }
}
