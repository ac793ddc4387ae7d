//! What a use case is: the records it reads, how a window of them becomes few rows, how a model
//! comes from training rows, and how rows become findings.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::datatypes::Field;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::conf::Section;
use crate::reduce::{DynReduce, Reduce};
use crate::{Batches, Error, Findings, Result, Window};

/// What a use case reads: how records become columns, and which columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Records {
    /// The format, where the use case fixes it; else the conf's `[codec] format` says.
    pub format: Option<RecordsFormat>,
    /// The columns that code reads; a use case that aggregates with SQL leaves it empty, since the
    /// query names its columns. A format that can give any column gives these with their types, unless
    /// the conf says others.
    pub columns: Vec<Field>,
    /// A query that makes of each record one row with these columns, where the records have others.
    pub view: Option<String>,
}

/// A record format that a use case fixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordsFormat {
    /// The column `line`, text.
    Lines,
    /// A column for each named group of the pattern, text, matched from a line's start.
    Regex(String),
    /// A format by its name in the conf: `json`, `combined`.
    Named(String),
}

impl Records {
    /// Lines of text: one column, `line`.
    pub fn lines() -> Self {
        Records {
            format: Some(RecordsFormat::Lines),
            ..Records::default()
        }
    }

    /// Lines that a pattern with named groups is matched on, from their start.
    pub fn regex(pattern: impl Into<String>) -> Self {
        Records {
            format: Some(RecordsFormat::Regex(pattern.into())),
            ..Records::default()
        }
    }

    /// Records of a named format.
    pub fn format(name: impl Into<String>) -> Self {
        Records {
            format: Some(RecordsFormat::Named(name.into())),
            ..Records::default()
        }
    }

    /// Records of whatever format the conf says.
    pub fn as_configured() -> Self {
        Records::default()
    }

    /// Reads these columns.
    #[must_use]
    pub fn columns(mut self, columns: impl IntoIterator<Item = Field>) -> Self {
        self.columns = columns.into_iter().collect();
        self
    }

    /// Reads them through a query over the table `records`, which gives a row for each record, in
    /// their order: it selects and computes, and neither filters nor groups. For a use case that
    /// aggregates by code; one that aggregates by a query has no need of it.
    #[must_use]
    pub fn view(mut self, query: impl Into<String>) -> Self {
        self.view = Some(query.into());
        self
    }
}

/// How the records of a window become rows.
#[derive(Clone, Default)]
pub enum Aggregate {
    /// Not at all: every record is a row.
    #[default]
    None,
    /// By a query over the table `records`; its first column is the key.
    Sql(String),
    /// By code.
    Reduce(Arc<dyn DynReduce>),
}

impl Aggregate {
    /// A query over the table `records`; its first column is the key.
    pub fn sql(query: impl Into<String>) -> Self {
        Aggregate::Sql(query.into())
    }

    /// A mergeable accumulator.
    pub fn reduce(reduce: impl Reduce) -> Self {
        Aggregate::Reduce(Arc::new(reduce))
    }
}

/// Which findings of a use case are the most suspicious ones, and how it is made to tell of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranking {
    /// Whether a **low** score is suspicious; else a high one is.
    pub lowest_first: bool,
    /// Keys of its own, and values with which nothing is left out of the findings for its score.
    pub everything: &'static [(&'static str, &'static str)],
}

impl Ranking {
    /// A high score is suspicious, and no key leaves a finding out.
    pub const HIGHEST_FIRST: Ranking = Ranking {
        lowest_first: false,
        everything: &[],
    };
}

/// A use case. It holds its conf and nothing else: what it learns is the model, a value that the
/// engine keeps, so that it can be saved, reloaded and shared, and the same window scored twice
/// gives the same bits.
pub trait UseCase: Send + Sync + Sized + 'static {
    /// Its own keys of the conf. Derive `Deserialize` with `deny_unknown_fields`, so that a
    /// mistyped key is an error with the right name beside it.
    type Conf: DeserializeOwned;

    /// What it learns; `()` where nothing is learnt.
    type Model: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The name that a conf's `code` uses.
    const NAME: &'static str;

    /// What it finds, in a line, for `datashark list`.
    const ABOUT: &'static str;

    /// Those of its keys that name a file, from the conf's folder. The engine reads them for
    /// [`UseCase::with_files`]; a file that is not there is warned of, and missing. Where one changes
    /// the model is trained anew.
    const FILES: &'static [&'static str] = &[];

    /// How its findings rank, for whoever evaluates it.
    const RANKING: Ranking = Ranking::HIGHEST_FIRST;

    /// Makes the use case of its conf and checks what types cannot.
    ///
    /// # Errors
    /// A value that makes no sense; [`Error::Conf`] names the key.
    fn new(conf: Self::Conf) -> Result<Self>;

    /// As [`UseCase::new`], with what the files of [`UseCase::FILES`] hold.
    ///
    /// # Errors
    /// As [`UseCase::new`], and a file that makes no sense.
    fn with_files(conf: Self::Conf, files: &Files) -> Result<Self> {
        let _ = files;
        Self::new(conf)
    }

    /// What it reads.
    fn input(&self) -> Records {
        Records::as_configured()
    }

    /// How a window's records become rows.
    fn aggregate(&self) -> Aggregate {
        Aggregate::None
    }

    /// How a window's records become the rows that are scored, where that takes a look at each record
    /// and at the model: a [`Reduce`] in place of that of [`UseCase::aggregate`], over the same
    /// columns, which then only training uses.
    fn screen(&self, model: &Arc<Self::Model>) -> Option<Arc<dyn DynReduce>> {
        let _ = model;
        None
    }

    /// Learns from the aggregated rows of the training file. Only called where [`Self::Model`] is
    /// not `()`.
    ///
    /// # Errors
    /// The rows cannot be learnt from: too few, a column missing.
    fn train(&self, rows: Batches<'_>) -> Result<Self::Model> {
        let _ = rows;
        serde_json::from_value(serde_json::Value::Null)
            .map_err(|_| Error::internal(format!("`{}` has a model but no `train`", Self::NAME)))
    }

    /// Gives each row of a window its number. The default takes the first column as the key, the
    /// second as the score and the rest as metadata.
    ///
    /// # Errors
    /// The rows cannot be scored.
    fn score(&self, model: &Self::Model, window: &Window, rows: Batches<'_>) -> Result<Findings> {
        let _ = (model, window);
        Findings::try_from_rows(&rows.concat())
    }
}

/// A trained model whose type is forgotten: what the engine keeps.
#[derive(Clone)]
pub struct Model {
    value: Arc<dyn Any + Send + Sync>,
    json: serde_json::Value,
}

impl Model {
    fn new<M: Serialize + Send + Sync + 'static>(model: M) -> Result<Self> {
        let json = serde_json::to_value(&model)
            .map_err(|e| Error::internal(format!("the model cannot be saved: {e}")))?;
        Ok(Model {
            value: Arc::new(model),
            json,
        })
    }

    /// A model that lives elsewhere: what stands for it here, and the model as it is saved.
    pub fn from_parts(value: Arc<dyn Any + Send + Sync>, json: serde_json::Value) -> Self {
        Model { value, json }
    }

    /// What [`Model::from_parts`] was given, or a typed use case's own model.
    ///
    /// # Errors
    /// It is of another type, or not a use case's own: another one's model.
    pub fn value<M: Send + Sync + 'static>(
        &self,
        is_own: impl FnOnce(&M) -> bool,
    ) -> Result<Arc<M>> {
        let value = Arc::clone(&self.value).downcast::<M>().ok();
        let own = value.filter(|value| is_own(value));
        own.ok_or_else(|| Error::internal("a use case was given another's model"))
    }

    /// The model as it is saved.
    pub fn to_json(&self) -> &serde_json::Value {
        &self.json
    }
}

/// A [`UseCase`] whose types are forgotten: what the engine runs.
pub trait DynUseCase: Send + Sync {
    /// See [`UseCase::input`].
    fn input(&self) -> Records;
    /// See [`UseCase::aggregate`].
    fn aggregate(&self) -> Aggregate;
    /// See [`UseCase::screen`].
    ///
    /// # Errors
    /// The model is another use case's.
    fn screen(&self, model: &Model) -> Result<Option<Arc<dyn DynReduce>>> {
        let _ = model;
        Ok(None)
    }
    /// Whether it learns: its model is not `()`.
    fn trains(&self) -> bool;
    /// See [`UseCase::train`].
    ///
    /// # Errors
    /// The rows cannot be learnt from.
    fn train(&self, rows: Batches<'_>) -> Result<Model>;
    /// Reads a model that [`Model::to_json`] gave.
    ///
    /// # Errors
    /// It is not a model of this use case.
    fn load(&self, json: &serde_json::Value) -> Result<Model>;
    /// See [`UseCase::score`].
    ///
    /// # Errors
    /// The rows cannot be scored.
    fn score(&self, model: &Model, window: &Window, rows: Batches<'_>) -> Result<Findings>;
}

impl<U: UseCase> DynUseCase for U {
    fn input(&self) -> Records {
        UseCase::input(self)
    }

    fn aggregate(&self) -> Aggregate {
        UseCase::aggregate(self)
    }

    fn screen(&self, model: &Model) -> Result<Option<Arc<dyn DynReduce>>> {
        Ok(UseCase::screen(self, &model.value(|_: &U::Model| true)?))
    }

    fn trains(&self) -> bool {
        TypeId::of::<U::Model>() != TypeId::of::<()>()
    }

    fn train(&self, rows: Batches<'_>) -> Result<Model> {
        Model::new(UseCase::train(self, rows)?)
    }

    fn load(&self, json: &serde_json::Value) -> Result<Model> {
        let model: U::Model = serde_json::from_value(json.clone())
            .map_err(|e| Error::data(format!("not a model of `{}`: {e}", U::NAME)))?;
        Model::new(model)
    }

    fn score(&self, model: &Model, window: &Window, rows: Batches<'_>) -> Result<Findings> {
        UseCase::score(self, &*model.value(|_: &U::Model| true)?, window, rows)
    }
}

/// What the files hold that keys of a use case's conf name; see [`UseCase::FILES`].
#[derive(Debug, Clone, Default)]
pub struct Files {
    contents: BTreeMap<String, Vec<u8>>,
}

impl Files {
    /// What the file of a key holds; `None` where the key or the file is not there.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.contents.get(key).map(Vec::as_slice)
    }

    /// The same as text; what is not UTF-8 is replaced.
    pub fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        self.get(key).map(String::from_utf8_lossy)
    }

    /// All of them, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let contents = self.contents.iter();
        contents.map(|(key, content)| (key.as_str(), content.as_slice()))
    }
}

impl<K: Into<String>, V: Into<Vec<u8>>> FromIterator<(K, V)> for Files {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(files: I) -> Self {
        let contents = files
            .into_iter()
            .map(|(key, content)| (key.into(), content.into()));
        Files {
            contents: contents.collect(),
        }
    }
}

/// Makes use cases of confs: what an entry knows how to do.
pub trait UseCaseFactory: Send + Sync {
    /// Makes the use case of its own keys of a conf and of the files that they name.
    ///
    /// # Errors
    /// Every mistake in those keys and files.
    fn build(&self, own: &Section, files: &Files) -> Result<Box<dyn DynUseCase>>;
}

/// The factory of a use case that is linked in.
struct Linked<U>(PhantomData<fn() -> U>);

impl<U: UseCase> UseCaseFactory for Linked<U> {
    fn build(&self, own: &Section, files: &Files) -> Result<Box<dyn DynUseCase>> {
        Ok(Box::new(U::with_files(own.parse()?, files)?))
    }
}

/// A use case by its name: what the registry lists.
#[derive(Clone, Copy)]
pub struct UseCaseEntry {
    /// The name that a conf's `code` uses.
    pub name: &'static str,
    /// What it finds, in a line.
    pub about: &'static str,
    /// Those of its keys that name a file.
    pub files: &'static [&'static str],
    /// How its findings rank.
    pub ranking: Ranking,
    factory: &'static dyn UseCaseFactory,
}

impl std::fmt::Debug for UseCaseEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UseCaseEntry")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl UseCaseEntry {
    /// The entry of a use case; [`export_usecase!`](crate::export_usecase) writes it.
    pub const fn of<U: UseCase>() -> Self {
        UseCaseEntry {
            name: U::NAME,
            about: U::ABOUT,
            files: U::FILES,
            ranking: U::RANKING,
            factory: &Linked::<U>(PhantomData),
        }
    }

    /// The entry of a use case that was found at run time. It stays for as long as the process does.
    pub const fn new(
        name: &'static str,
        about: &'static str,
        factory: &'static dyn UseCaseFactory,
    ) -> Self {
        UseCaseEntry {
            name,
            about,
            files: &[],
            ranking: Ranking::HIGHEST_FIRST,
            factory,
        }
    }

    /// The same for a use case with keys that name files.
    #[must_use]
    pub const fn with_files(self, files: &'static [&'static str]) -> Self {
        UseCaseEntry { files, ..self }
    }

    /// Makes the use case of its own keys of a conf, without the files that they may name.
    ///
    /// # Errors
    /// Every mistake in those keys.
    pub fn build(&self, own: &Section) -> Result<Box<dyn DynUseCase>> {
        self.build_with(own, &Files::default())
    }

    /// Makes the use case of its own keys of a conf and of the files that they name.
    ///
    /// # Errors
    /// Every mistake in those keys and files.
    pub fn build_with(&self, own: &Section, files: &Files) -> Result<Box<dyn DynUseCase>> {
        self.factory.build(own, files)
    }
}

/// Makes a use case known under its name: `export_usecase!(WordCount);` at a crate's top level
/// gives the crate's entry `USE_CASE`, which the registry lists. With the feature `plugin` it also makes
/// the crate's `cdylib` a plugin that every dataShark of the same interface version runs.
#[macro_export]
macro_rules! export_usecase {
    ($use_case:ty) => {
        /// This crate's use case, for the registry.
        pub const USE_CASE: $crate::UseCaseEntry = $crate::UseCaseEntry::of::<$use_case>();

        $crate::plugin_symbol_if_asked!(use_case, $use_case);
    };
}

/// Makes an output known: as [`export_usecase!`](crate::export_usecase), with the entry `OUTPUT`.
#[macro_export]
macro_rules! export_output {
    ($output:ty) => {
        /// This crate's output, for the registry.
        pub const OUTPUT: $crate::output::OutputEntry =
            $crate::output::OutputEntry::of::<$output>();

        $crate::plugin_symbol_if_asked!(output, $output);
    };
}

/// Makes an input known: as [`export_usecase!`](crate::export_usecase), with the entry `INPUT`.
#[macro_export]
macro_rules! export_input {
    ($input:ty) => {
        /// This crate's input, for the registry.
        pub const INPUT: $crate::input::InputEntry = $crate::input::InputEntry::of::<$input>();

        $crate::plugin_symbol_if_asked!(input, $input);
    };
}

#[doc(hidden)]
#[macro_export]
#[cfg(feature = "plugin")]
macro_rules! plugin_symbol_if_asked {
    ($kind:ident, $plugin:ty) => {
        $crate::plugin_symbol!($kind, $plugin);
    };
}

#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "plugin"))]
macro_rules! plugin_symbol_if_asked {
    ($kind:ident, $plugin:ty) => {};
}
