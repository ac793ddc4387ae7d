//! Outputs of plugins: in this process or in one of their own, and each on a thread of its own, since a
//! plugin's calls block.

use std::path::PathBuf;
use std::sync::mpsc;

use async_trait::async_trait;
use datashark_sdk::conf::{Problem, Problems, Section};
use datashark_sdk::ffi::cross_findings::with_ids;
use datashark_sdk::ffi::host::OutputHandle;
use datashark_sdk::ffi::wire::{
    FateJson, OutputChecked, OutputOpening, Written, problems_from_json,
};
use datashark_sdk::output::{
    DynOutput, Fate, FindingsBatch, Gather, OpenOutput, OpeningOutput, Outcome, OutputFactory,
};
use datashark_sdk::{Error, Result};
use tokio::sync::oneshot;

use crate::client::{Asking, Client, ask_once};
use crate::conf::{Isolation, Settings, warnings};
use crate::library::{Found, load};
use crate::process::{Failure, Head, Part, Request, part_of, part_of_schema};

/// Opens a plugin's output.
pub(crate) struct OutputOf(pub(crate) Found);

impl OutputOf {
    /// What the plugin says of a section.
    pub(crate) fn checked(&self, section: &Section) -> Result<OutputChecked> {
        let (settings, section) = Settings::take(section)?;
        match settings.isolation {
            Isolation::None => load(&self.0.file)?.check_output(&section),
            Isolation::Process => {
                let start = self.0.start(settings.sandbox, &section);
                Ok(ask_once(&start, &Request::CheckOutput { section })?.0)
            }
        }
    }

    fn or_problems<T>(
        &self,
        section: &Section,
        of: impl Fn(OutputChecked) -> T,
    ) -> Result<T, Problems> {
        self.checked(section).map(of).map_err(problems)
    }
}

/// An error as problems of the section.
pub(crate) fn problems(error: Error) -> Problems {
    match error {
        Error::Conf(problems) => problems,
        other => Problem::new(other.to_string()).into(),
    }
}

impl OutputFactory for OutputOf {
    fn check(&self, section: &Section) -> Problems {
        match self.checked(section) {
            Ok(checked) => {
                let mut problems = problems_from_json(checked.problems);
                problems.extend(warnings(section));
                problems
            }
            Err(error) => problems(error),
        }
    }

    fn files(&self, section: &Section) -> Result<Vec<PathBuf>, Problems> {
        self.or_problems(section, |checked| checked.files)
    }

    fn servers(&self, section: &Section) -> Result<Vec<String>, Problems> {
        self.or_problems(section, |checked| checked.servers)
    }

    fn gather(&self, section: &Section) -> Result<Gather, Problems> {
        self.or_problems(section, |checked| checked.gather())
    }

    fn open(&self, section: &Section, open: OpenOutput) -> OpeningOutput {
        let (found, section) = (self.0.clone(), section.clone());
        Box::pin(async move {
            let opened = OnThread::start(move || opened(&found, &section, &open));
            Ok(Box::new(opened.await?) as Box<dyn DynOutput>)
        })
    }
}

/// An output whose calls block.
trait Blocking {
    fn write(&mut self, batches: &[FindingsBatch]) -> Outcome;
    fn sync(&mut self) -> Result<Option<String>>;
    fn delivered(&mut self, n_findings: usize) -> Result<String>;
}

fn opened(found: &Found, section: &Section, open: &OpenOutput) -> Result<Box<dyn Blocking>> {
    let (settings, section) = Settings::take(section)?;
    let opening = |receipt: Option<String>| OutputOpening {
        section: section.clone(),
        use_case: open.use_case.to_string(),
        receipt,
        now: open.now,
    };
    if settings.isolation == Isolation::None {
        let output =
            load(&found.file)?.open_output(&opening(open.receipt.clone()), &open.schema)?;
        return Ok(Box::new(Here(output)));
    }
    let mut remote = Remote {
        client: Client::new(found.start(settings.sandbox, &section)),
        opening: opening(open.receipt.clone()),
        schema: part_of_schema(&open.schema)?,
        unsynced: Vec::new(),
        n_deaths: 0,
        max_deaths: 0,
    };
    remote.max_deaths = remote.client.max_retries();
    remote.retried("open", Remote::is_open)?;
    Ok(Box::new(remote))
}

/// In this process.
struct Here(OutputHandle);

impl Blocking for Here {
    fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        self.0.write(batches)
    }

    fn sync(&mut self) -> Result<Option<String>> {
        self.0.sync()
    }

    fn delivered(&mut self, n_findings: usize) -> Result<String> {
        self.0.delivered(n_findings)
    }
}

/// In a process of its own. One that is started again takes back what was not synced, by its receipt, and
/// is given it again.
struct Remote {
    client: Client,
    opening: OutputOpening,
    schema: Part,
    /// What the engine was told that the target has, since the last sync.
    unsynced: Vec<Unsynced>,
    /// Processes that have ended over the write that is being tried.
    n_deaths: u32,
    max_deaths: u32,
}

/// A write, and which of its findings the engine will not give again.
struct Unsynced {
    request: Request,
    parts: Vec<Part>,
    is_done: Vec<bool>,
}

impl Unsynced {
    /// Whether an output that is given it again has what it had.
    fn is_kept(&self, written: &Written) -> bool {
        match written {
            Written::Safe => true,
            Written::Each(fates) => {
                let mut fates = fates.iter().zip(&self.is_done);
                !fates.any(|(fate, is_done)| *is_done && matches!(fate, FateJson::Again(_)))
            }
            Written::Again(_) | Written::Stop { .. } => false,
        }
    }
}

/// Which findings of a write the engine will not give again.
fn done(written: &Written, n_findings: usize) -> Vec<bool> {
    match written {
        Written::Safe => vec![true; n_findings],
        Written::Each(fates) if fates.len() == n_findings => {
            let is_done = |fate: &FateJson| !matches!(fate, FateJson::Again(_));
            fates.iter().map(is_done).collect()
        }
        _ => Vec::new(),
    }
}

impl Asking for Remote {
    fn client(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl Remote {
    /// Sees to it that there is a process with the output open and all written that was.
    fn is_open(&mut self) -> Result<(), Failure> {
        let Remote {
            client,
            opening,
            schema,
            unsynced,
            ..
        } = self;
        client.start(|connection| {
            let opening = opening.clone();
            let request = Request::OpenOutput { opening };
            connection.ask::<()>(&request, std::slice::from_ref(schema))?;
            for write in unsynced {
                let (written, _) = connection.ask::<Written>(&write.request, &write.parts)?;
                if !write.is_kept(&written) {
                    let why = "it does not take again what it had before it ended";
                    return Err(Failure::Died(why.to_owned()));
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    fn try_write(&mut self, request: &Request, parts: &[Part]) -> Result<Written, Failure> {
        self.is_open()?;
        Ok(self.client.ask(request, parts)?.0)
    }
}

impl Blocking for Remote {
    fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        let n_findings: usize = batches.iter().map(|batch| batch.findings.len()).sum();
        let (request, parts) = match crossing(batches) {
            Ok(crossing) => crossing,
            Err(error) => return Outcome::Stop(error),
        };
        let why = match self.try_write(&request, &parts) {
            Ok(written) => {
                self.n_deaths = 0;
                let is_done = done(&written, n_findings);
                if is_done.contains(&true) {
                    self.unsynced.push(Unsynced {
                        request,
                        parts,
                        is_done,
                    });
                }
                return written.into_outcome(n_findings);
            }
            Err(Failure::Plugin(error)) => return Outcome::Stop(error),
            Err(Failure::Died(why)) => why,
        };
        self.client.end();
        self.n_deaths += 1;
        let why = format!("the plugin's process has ended over it: {why}");
        if self.n_deaths <= self.max_deaths {
            return Outcome::Again(why);
        }
        // Not the next ones' fault.
        self.n_deaths = 0;
        Outcome::Each(vec![Fate::Refused(why); n_findings])
    }

    fn sync(&mut self) -> Result<Option<String>> {
        let receipt = self.retried("sync", |remote| {
            remote.is_open()?;
            Ok(remote.client.ask::<Option<String>>(&Request::Sync, &[])?.0)
        })?;
        self.opening.receipt.clone_from(&receipt);
        self.unsynced.clear();
        Ok(receipt)
    }

    fn delivered(&mut self, n_findings: usize) -> Result<String> {
        self.retried("delivered", |remote| {
            remote.is_open()?;
            Ok(remote
                .client
                .ask(&Request::Delivered { n_findings }, &[])?
                .0)
        })
    }
}

fn crossing(batches: &[FindingsBatch]) -> Result<(Request, Vec<Part>)> {
    let mut heads = Vec::with_capacity(batches.len());
    let mut parts = Vec::with_capacity(batches.len());
    for batch in batches {
        heads.push(Head {
            use_case: batch.use_case.to_string(),
            start: batch.window.start,
            end: batch.window.end,
            time: batch.time,
        });
        let rows = with_ids(batch)?;
        parts.push(part_of(rows.schema_ref(), std::slice::from_ref(&rows))?);
    }
    Ok((Request::Write { heads }, parts))
}

/// What the thread of an output is told.
enum Order {
    Write(Vec<FindingsBatch>, oneshot::Sender<Outcome>),
    Sync(oneshot::Sender<Result<Option<String>>>),
    Delivered(usize, mpsc::Sender<Result<String>>),
}

/// An output on a thread of its own, which ends with it.
struct OnThread {
    orders: mpsc::Sender<Order>,
}

impl OnThread {
    async fn start(
        open: impl FnOnce() -> Result<Box<dyn Blocking>> + Send + 'static,
    ) -> Result<Self> {
        let (orders, theirs) = mpsc::channel();
        let (opened, is_open) = oneshot::channel();
        let run = move || match open() {
            Err(error) => drop(opened.send(Err(error))),
            Ok(output) => {
                if opened.send(Ok(())).is_ok() {
                    serve(output, &theirs);
                }
            }
        };
        let thread = std::thread::Builder::new().name("output plugin".to_owned());
        thread
            .spawn(run)
            .map_err(|error| Error::io("starting a thread", error))?;
        is_open.await.map_err(|_| ended())??;
        Ok(OnThread { orders })
    }
}

fn serve(mut output: Box<dyn Blocking>, orders: &mpsc::Receiver<Order>) {
    // Who does not wait any more is not told.
    while let Ok(order) = orders.recv() {
        match order {
            Order::Write(batches, reply) => drop(reply.send(output.write(&batches))),
            Order::Sync(reply) => drop(reply.send(output.sync())),
            Order::Delivered(n_findings, reply) => drop(reply.send(output.delivered(n_findings))),
        }
    }
}

fn ended() -> Error {
    Error::internal("the thread of an output plugin has ended")
}

#[async_trait]
impl DynOutput for OnThread {
    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        if self
            .orders
            .send(Order::Write(batches.to_vec(), reply))
            .is_err()
        {
            return Outcome::Stop(ended());
        }
        outcome.await.unwrap_or_else(|_| Outcome::Stop(ended()))
    }

    async fn sync(&mut self) -> Result<Option<String>> {
        let (reply, receipt) = oneshot::channel();
        self.orders.send(Order::Sync(reply)).map_err(|_| ended())?;
        receipt.await.map_err(|_| ended())?
    }

    fn delivered(&self, n_findings: usize) -> String {
        let (reply, text) = mpsc::channel();
        let asked = self.orders.send(Order::Delivered(n_findings, reply));
        let text = asked.ok().and_then(|()| text.recv().ok());
        match text {
            Some(Ok(text)) => text,
            _ => format!("Delivered {n_findings} Documents"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_before_a_process_ended_has_to_be_taken_again() {
        let again = || FateJson::Again("too fast".to_owned());
        let refused = || FateJson::Refused("no".to_owned());
        let written = Written::Each(vec![FateJson::Safe, again(), refused()]);
        let write = Unsynced {
            request: Request::Sync,
            parts: Vec::new(),
            is_done: done(&written, 3),
        };
        assert_eq!(write.is_done, [true, false, true]);
        assert!(write.is_kept(&written) && write.is_kept(&Written::Safe));
        let lost = Written::Each(vec![again(), FateJson::Safe, FateJson::Safe]);
        assert!(!write.is_kept(&lost) && !write.is_kept(&Written::Again("away".to_owned())));
        // Fates that are not of these findings say nothing.
        assert_eq!(done(&written, 2), [false; 0]);
    }
}
