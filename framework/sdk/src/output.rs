//! Where findings go: an output takes batches of findings and answers for each of them.
//!
//! Retry, backoff, ordering, backpressure and acknowledgement are the engine's; an output knows
//! its protocol and nothing else.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use serde::de::DeserializeOwned;

use crate::conf::{Problems, Section};
use crate::input::Micros;
use crate::{Findings, Result, Stores, Window};

/// Findings of a window on their way to an output.
#[derive(Debug, Clone)]
pub struct FindingsBatch {
    /// The use case's name.
    pub use_case: Arc<str>,
    /// The window that they are of.
    pub window: Window,
    /// The time to show with them: the window's end, or in a batch run the time of the run.
    pub time: Micros,
    /// The findings.
    pub findings: Findings,
    /// The id of each; see [`Findings::ids`].
    pub ids: Arc<[String]>,
}

/// What became of one finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The target has it for good.
    Safe,
    /// The target will never take it; why.
    Refused(String),
    /// Not yet: try again.
    Again(String),
}

/// What became of the findings of one [`Output::write`].
#[derive(Debug)]
pub enum Outcome {
    /// The target has all of them; for good, once [`Output::sync`] has been called.
    Safe,
    /// Each has a fate of its own: those of the first batch, then those of the next.
    Each(Vec<Fate>),
    /// None was taken, trying again may help; why.
    Again(String),
    /// None was taken, and trying again does not help until somebody acts: the disk is full, the
    /// path cannot be written. The run stops and commits nothing of this window.
    Stop(crate::Error),
}

/// How much the engine may gather for one [`Output::write`]. What waits while a write is under way
/// is gathered anyhow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gather {
    /// The most findings of one write, in whole windows: a window with more goes alone.
    pub max_findings: usize,
    /// How long findings may wait for more to come. The end of a run does not wait.
    pub max_age: Duration,
}

impl Default for Gather {
    /// A window at a time, at once.
    fn default() -> Self {
        Gather {
            max_findings: 0,
            max_age: Duration::ZERO,
        }
    }
}

/// What comes of it when a backfill gives findings of the past to a target that a live run writes to:
/// with their ids, and without a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backfill {
    /// It overwrites by id: the target holds each finding once.
    Overwrites,
    /// What it was given before is there twice, with one id.
    Repeats,
    /// The live run's receipt would be wrong by it, and what it added would be taken back.
    Harms,
}

/// What the engine tells an output when it opens it.
#[derive(Debug, Clone)]
pub struct OpenOutput {
    /// The use case's name.
    pub use_case: Arc<str>,
    /// The schema of its findings: key, score, metadata.
    pub schema: SchemaRef,
    /// The receipt of the last acknowledged write of an earlier run.
    pub receipt: Option<String>,
    /// The time now, for a `{date}` in a name.
    pub now: Micros,
    /// How object stores are reached.
    pub stores: Stores,
}

/// An output: where a conf's `output = name` sends findings.
#[async_trait]
pub trait Output: Send + Sized + 'static {
    /// Its section `[out_<name>]`. Derive `Deserialize` with `deny_unknown_fields`.
    type Conf: DeserializeOwned + Send;

    /// The name that a conf's `output` uses.
    const NAME: &'static str;

    /// What it is, in a line, for `datashark list`.
    const ABOUT: &'static str;

    /// What comes of a backfill.
    const BACKFILL: Backfill = Backfill::Repeats;

    /// Checks what types cannot; pure, all mistakes at once.
    fn check(conf: &Self::Conf) -> Problems {
        let _ = conf;
        Problems::default()
    }

    /// The files that it will write, so that two use cases that write one file can be told apart
    /// before they start.
    fn files(conf: &Self::Conf) -> Vec<PathBuf> {
        let _ = conf;
        Vec::new()
    }

    /// The servers that it will connect to by TCP, `host:port`, so that it can be told beforehand
    /// whether they are there.
    fn servers(conf: &Self::Conf) -> Vec<String> {
        let _ = conf;
        Vec::new()
    }

    /// How much it wants to be given at a time.
    fn gather(conf: &Self::Conf) -> Gather {
        let _ = conf;
        Gather::default()
    }

    /// Opens the target. A server that is away is no error here but [`Outcome::Again`] in
    /// [`Output::write`], which the engine repeats.
    ///
    /// # Errors
    /// The target cannot be had, and trying again does not help.
    async fn open(conf: Self::Conf, open: OpenOutput) -> Result<Self>;

    /// Delivers findings and says what became of them: a batch for each window, none empty, as many
    /// as [`Output::gather`] allows. One call at a time, in the order of the windows. The future may
    /// be dropped when a run is stopped; what it was given then comes again in a later run.
    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome;

    /// Makes what was written durable (a file's fsync), before the engine commits the windows that
    /// it came from. Called once for several writes. The receipt, if any, is kept with the
    /// checkpoint and handed back to [`Output::open`] after a restart: `csv` keeps its file's
    /// length, and cuts off what a crash left behind it.
    ///
    /// # Errors
    /// It cannot be made durable; the run stops and commits nothing.
    async fn sync(&mut self) -> Result<Option<String>> {
        Ok(None)
    }

    /// What to tell the user of so many delivered findings: `Written 3 Documents to CSV File x`.
    fn delivered(&self, n_findings: usize) -> String;
}

/// An open [`Output`] whose type is forgotten: what the engine delivers to.
#[async_trait]
pub trait DynOutput: Send {
    /// See [`Output::write`].
    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome;
    /// See [`Output::sync`].
    ///
    /// # Errors
    /// It cannot be made durable.
    async fn sync(&mut self) -> Result<Option<String>>;
    /// See [`Output::delivered`].
    fn delivered(&self, n_findings: usize) -> String;
}

#[async_trait]
impl<O: Output> DynOutput for O {
    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        Output::write(self, batches).await
    }

    async fn sync(&mut self) -> Result<Option<String>> {
        Output::sync(self).await
    }

    fn delivered(&self, n_findings: usize) -> String {
        Output::delivered(self, n_findings)
    }
}

/// An output that is being opened.
pub type OpeningOutput = futures_core::future::BoxFuture<'static, Result<Box<dyn DynOutput>>>;

/// Checks sections and opens outputs of them: what an entry knows how to do.
pub trait OutputFactory: Send + Sync {
    /// See [`OutputEntry::check`].
    fn check(&self, section: &Section) -> Problems;
    /// See [`OutputEntry::files`].
    ///
    /// # Errors
    /// A mistake in the section.
    fn files(&self, section: &Section) -> Result<Vec<PathBuf>, Problems>;
    /// See [`OutputEntry::servers`].
    ///
    /// # Errors
    /// A mistake in the section.
    fn servers(&self, section: &Section) -> Result<Vec<String>, Problems>;
    /// See [`OutputEntry::gather`].
    ///
    /// # Errors
    /// A mistake in the section.
    fn gather(&self, section: &Section) -> Result<Gather, Problems>;
    /// See [`OutputEntry::open`].
    fn open(&self, section: &Section, open: OpenOutput) -> OpeningOutput;
}

/// The factory of an output that is linked in.
struct Linked<O>(PhantomData<fn() -> O>);

impl<O: Output> OutputFactory for Linked<O> {
    fn check(&self, section: &Section) -> Problems {
        match section.parse() {
            Ok(conf) => O::check(&conf),
            Err(problems) => problems,
        }
    }

    fn files(&self, section: &Section) -> Result<Vec<PathBuf>, Problems> {
        Ok(O::files(&section.parse()?))
    }

    fn servers(&self, section: &Section) -> Result<Vec<String>, Problems> {
        Ok(O::servers(&section.parse()?))
    }

    fn gather(&self, section: &Section) -> Result<Gather, Problems> {
        Ok(O::gather(&section.parse::<O::Conf>()?))
    }

    fn open(&self, section: &Section, open: OpenOutput) -> OpeningOutput {
        let conf = section.parse::<O::Conf>();
        Box::pin(async move {
            let output = O::open(conf?, open).await?;
            Ok(Box::new(output) as Box<dyn DynOutput>)
        })
    }
}

/// An output by its name: what the registry lists.
#[derive(Clone, Copy)]
pub struct OutputEntry {
    /// The name that a conf's `output` uses.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// What comes of a backfill.
    pub backfill: Backfill,
    factory: &'static dyn OutputFactory,
}

impl std::fmt::Debug for OutputEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutputEntry")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl OutputEntry {
    /// The entry of an output.
    pub const fn of<O: Output>() -> Self {
        OutputEntry {
            name: O::NAME,
            about: O::ABOUT,
            backfill: O::BACKFILL,
            factory: &Linked::<O>(PhantomData),
        }
    }

    /// The entry of an output that was found at run time. It stays for as long as the process does.
    pub const fn new(
        name: &'static str,
        about: &'static str,
        backfill: Backfill,
        factory: &'static dyn OutputFactory,
    ) -> Self {
        OutputEntry {
            name,
            about,
            backfill,
            factory,
        }
    }

    /// Checks a section `[out_<name>]`: every mistake in it, and what is worth a warning.
    pub fn check(&self, section: &Section) -> Problems {
        self.factory.check(section)
    }

    /// The files that the output will write.
    ///
    /// # Errors
    /// A mistake in the section.
    pub fn files(&self, section: &Section) -> Result<Vec<PathBuf>, Problems> {
        self.factory.files(section)
    }

    /// The servers that the output will connect to; see [`Output::servers`].
    ///
    /// # Errors
    /// A mistake in the section.
    pub fn servers(&self, section: &Section) -> Result<Vec<String>, Problems> {
        self.factory.servers(section)
    }

    /// How much the output wants to be given at a time; see [`Output::gather`].
    ///
    /// # Errors
    /// A mistake in the section.
    pub fn gather(&self, section: &Section) -> Result<Gather, Problems> {
        self.factory.gather(section)
    }

    /// Opens the output.
    ///
    /// # Errors
    /// A mistake in the section, or the target cannot be had.
    pub async fn open(&self, section: &Section, open: OpenOutput) -> Result<Box<dyn DynOutput>> {
        self.factory.open(section, open).await
    }
}
