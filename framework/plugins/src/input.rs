//! Inputs of plugins: in this process or in one of their own, and each on a thread of its own, since a
//! plugin's calls block.

use std::collections::{BTreeMap, HashSet};
use std::sync::mpsc::{self, TryRecvError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::Field;
use async_trait::async_trait;
use datashark_sdk::conf::{Problems, Section};
use datashark_sdk::ffi::cross_input::{acknowledging, event_from_wire, opening, status_from_wire};
use datashark_sdk::ffi::host::InputHandle;
use datashark_sdk::ffi::wire::{
    Acknowledged, InputChecked, InputDescribed, InputOpening, InputStatus, Next, columns_of,
    problems_from_json,
};
use datashark_sdk::input::{
    DynInput, Ends, InputEvent, InputFactory, Open, OpeningInput, PartitionId, Progress, Resume,
    Source,
};
use datashark_sdk::{Error, Result, Stores};
use tokio::sync::oneshot;

use crate::client::{Asking, Client, ask_once};
use crate::conf::{Isolation, Sandbox, Settings, warnings};
use crate::library::{Found, leaked, load};
use crate::output::problems;
use crate::process::{Failure, Request, rows_of, schema_of};

/// How long one call of `next` may wait for records: in between, the input is told what is acknowledged.
const WAIT: Duration = Duration::from_millis(100);

/// Opens a plugin's input.
pub(crate) struct InputOf {
    found: Found,
    described: OnceLock<(InputDescribed, Vec<Field>)>,
}

impl InputOf {
    pub(crate) fn new(found: Found) -> Self {
        InputOf {
            found,
            described: OnceLock::new(),
        }
    }

    /// What the input is. It is asked once, in a process of its own, whatever a conf says.
    pub(crate) fn described(&self) -> Result<&(InputDescribed, Vec<Field>)> {
        if let Some(described) = self.described.get() {
            return Ok(described);
        }
        let start = self.found.start(Sandbox::default(), &Section::new());
        let (described, parts) = ask_once(&start, &Request::DescribeInput)?;
        let beside = columns_of(parts.first().map(schema_of).transpose()?);
        Ok(self.described.get_or_init(|| (described, beside)))
    }

    fn checked(&self, section: &Section) -> Result<(InputChecked, Option<Source>)> {
        let (settings, section) = Settings::take(section)?;
        let (checked, columns) = match settings.isolation {
            Isolation::None => load(&self.found.file)?.check_input(&section)?,
            Isolation::Process => {
                let start = self.found.start(settings.sandbox, &section);
                let (checked, parts) = ask_once(&start, &Request::CheckInput { section })?;
                (checked, parts.first().map(schema_of).transpose()?)
            }
        };
        Ok((checked, columns.map(Source::Columns)))
    }
}

impl InputFactory for InputOf {
    fn check(&self, section: &Section, _: &Stores) -> Problems {
        match self.checked(section) {
            Ok((checked, _)) => {
                let mut problems = problems_from_json(checked.problems);
                problems.extend(warnings(section));
                problems
            }
            Err(error) => problems(error),
        }
    }

    fn source(&self, section: &Section, _: &Stores) -> Result<Source> {
        let (checked, columns) = self.checked(section)?;
        if let Some(error) = checked.source_error {
            return Err(Error::data(error));
        }
        let format = checked.format.map(|format| leaked(&format));
        Ok(columns.unwrap_or(Source::Raw { format }))
    }

    fn beside(&self) -> Vec<Field> {
        self.described()
            .map(|(_, beside)| beside.clone())
            .unwrap_or_default()
    }

    fn arrival_column(&self) -> Option<&'static str> {
        let (described, _) = self.described().ok()?;
        described.arrival_column.as_deref().map(leaked)
    }

    fn open(&self, section: &Section, open: Open) -> OpeningInput {
        let described = self.described().map(|(described, _)| described.clone());
        let (found, section) = (self.found.clone(), section.clone());
        Box::pin(async move {
            let open = move || opened(&found, &section, &open);
            let opened = OnThread::start(described?, open);
            Ok(Box::new(opened.await?) as Box<dyn DynInput>)
        })
    }
}

/// An input whose calls block.
trait Blocking {
    /// What comes next; `None` is that nothing came in the time.
    fn next(&mut self, wait: Duration) -> Result<Option<Option<InputEvent>>>;
    fn acknowledge(&mut self, done: &BTreeMap<PartitionId, Resume>) -> Result<()>;
    fn status(&mut self) -> Result<InputStatus>;
}

fn opened(found: &Found, section: &Section, open: &Open) -> Result<Box<dyn Blocking>> {
    let (settings, section) = Settings::take(section)?;
    let opening = opening(&section, open);
    let n_beside = open.beside.len();
    if settings.isolation == Isolation::None {
        let input = load(&found.file)?.open_input(&opening)?;
        return Ok(Box::new(Here { input, n_beside }));
    }
    let mut remote = Remote {
        client: Client::new(found.start(settings.sandbox, &section)),
        opening,
        n_beside,
        assigned: HashSet::new(),
        over: HashSet::new(),
        n_deaths: 0,
    };
    remote.retried("open", Remote::is_open)?;
    Ok(Box::new(remote))
}

/// In this process.
struct Here {
    input: InputHandle,
    n_beside: usize,
}

impl Blocking for Here {
    fn next(&mut self, wait: Duration) -> Result<Option<Option<InputEvent>>> {
        let (said, rows) = self.input.next(wait)?;
        event_from_wire(said, rows, self.n_beside)
    }

    fn acknowledge(&mut self, done: &BTreeMap<PartitionId, Resume>) -> Result<()> {
        self.input.acknowledge(acknowledging(done).0)
    }

    fn status(&mut self) -> Result<InputStatus> {
        self.input.status()
    }
}

/// In a process of its own. One that is started again goes on behind the last record that was given.
struct Remote {
    client: Client,
    /// What it is opened with: where partitions go on is kept up to date.
    opening: InputOpening,
    n_beside: usize,
    /// Partitions that the engine knows of.
    assigned: HashSet<String>,
    /// Partitions that the engine knows to be at their end.
    over: HashSet<String>,
    /// Processes that have ended since the engine was last told something: what a new one says again before
    /// it ends is no progress.
    n_deaths: u32,
}

impl Asking for Remote {
    fn client(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl Remote {
    fn is_open(&mut self) -> Result<(), Failure> {
        let opening = &self.opening;
        self.client.start(|connection| {
            let opening = opening.clone();
            connection.ask::<()>(&Request::OpenInput { opening }, &[])?;
            Ok(())
        })?;
        Ok(())
    }

    fn try_next(&mut self, wait_ms: u64) -> Result<(Next, Option<RecordBatch>), Failure> {
        self.is_open()?;
        let (said, parts) = self.client.ask(&Request::Next { wait_ms }, &[])?;
        let rows = parts.first().map(rows_of).transpose()?;
        let rows = rows.and_then(|(_, rows)| rows.into_iter().next());
        Ok((said, rows))
    }

    /// Notes where a process that is started again has to go on; whether the engine is to be told.
    fn note(&mut self, said: &Next) -> bool {
        match said {
            Next::Assigned { partition, .. } => {
                self.over.remove(partition);
                self.assigned.insert(partition.clone())
            }
            Next::Batch(batch) => {
                let place = self
                    .opening
                    .resume
                    .entry(batch.partition.clone())
                    .or_default();
                place.offset = batch.end_offset;
                true
            }
            Next::Revoked(partition) => {
                self.opening.resume.remove(partition);
                self.assigned.remove(partition)
            }
            Next::Ended { partition, .. } => self.over.insert(partition.clone()),
            Next::Nothing | Next::End | Next::CaughtUp(_) | Next::Failed { .. } => true,
        }
    }
}

impl Blocking for Remote {
    fn next(&mut self, wait: Duration) -> Result<Option<Option<InputEvent>>> {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let (said, rows) = match self.try_next(wait_ms) {
            Ok(next) => next,
            Err(Failure::Plugin(error)) => return Err(error),
            Err(Failure::Died(why)) => {
                self.client.died("next", &mut self.n_deaths, &why)?;
                return Ok(None);
            }
        };
        if !self.note(&said) {
            return Ok(None);
        }
        if !matches!(said, Next::Nothing) {
            self.n_deaths = 0;
        }
        event_from_wire(said, rows, self.n_beside)
    }

    fn acknowledge(&mut self, done: &BTreeMap<PartitionId, Resume>) -> Result<()> {
        let done = acknowledging(done);
        self.retried("acknowledge", |remote| {
            remote.is_open()?;
            let done = Acknowledged(done.0.clone());
            remote
                .client
                .ask::<()>(&Request::Acknowledge { done }, &[])?;
            Ok(())
        })
    }

    fn status(&mut self) -> Result<InputStatus> {
        self.retried("status", |remote| {
            remote.is_open()?;
            Ok(remote.client.ask(&Request::Status, &[])?.0)
        })
    }
}

type Event = Result<Option<InputEvent>>;

/// What the thread of an input is told.
enum Order {
    Next(oneshot::Sender<Event>),
    Acknowledge(BTreeMap<PartitionId, Resume>, oneshot::Sender<Result<()>>),
}

/// An input on a thread of its own, which ends with it.
struct OnThread {
    described: InputDescribed,
    orders: mpsc::Sender<Order>,
    /// The event that was asked for and has not come.
    coming: Option<oneshot::Receiver<Event>>,
    status: Arc<Mutex<(Progress, Ends)>>,
}

impl OnThread {
    async fn start(
        described: InputDescribed,
        open: impl FnOnce() -> Result<Box<dyn Blocking>> + Send + 'static,
    ) -> Result<Self> {
        let (orders, theirs) = mpsc::channel();
        let (opened, is_open) = oneshot::channel();
        let status = Arc::new(Mutex::new(Default::default()));
        let shared = Arc::clone(&status);
        let run = move || match open() {
            Err(error) => drop(opened.send(Err(error))),
            Ok(input) => {
                if opened.send(Ok(())).is_ok() {
                    serve(input, &theirs, &shared);
                }
            }
        };
        let thread = std::thread::Builder::new().name("input plugin".to_owned());
        thread
            .spawn(run)
            .map_err(|error| Error::io("starting a thread", error))?;
        is_open.await.map_err(|_| ended())??;
        Ok(OnThread {
            described,
            orders,
            coming: None,
            status,
        })
    }
}

fn serve(
    mut input: Box<dyn Blocking>,
    orders: &mpsc::Receiver<Order>,
    status: &Mutex<(Progress, Ends)>,
) {
    let mut waiting: Option<oneshot::Sender<Event>> = None;
    loop {
        let order = match &waiting {
            None => orders.recv().map_err(|_| TryRecvError::Disconnected),
            Some(_) => orders.try_recv(),
        };
        match order {
            Err(TryRecvError::Disconnected) => return,
            Err(TryRecvError::Empty) => {}
            Ok(Order::Next(reply)) => waiting = Some(reply),
            // Who does not wait any more is not told.
            Ok(Order::Acknowledge(done, reply)) => drop(reply.send(input.acknowledge(&done))),
        }
        let Some(reply) = waiting.take() else {
            continue;
        };
        let event = input.next(WAIT);
        // How far it is, is for show.
        if let Ok(now) = input.status() {
            *status.lock().unwrap_or_else(PoisonError::into_inner) = status_from_wire(&now);
        }
        match event {
            Ok(None) => waiting = Some(reply),
            Ok(Some(event)) => drop(reply.send(Ok(event))),
            Err(error) => drop(reply.send(Err(error))),
        }
    }
}

fn ended() -> Error {
    Error::internal("the thread of an input plugin has ended")
}

#[async_trait]
impl DynInput for OnThread {
    async fn next(&mut self) -> Result<Option<InputEvent>> {
        if self.coming.is_none() {
            let (reply, coming) = oneshot::channel();
            self.orders.send(Order::Next(reply)).map_err(|_| ended())?;
            self.coming = Some(coming);
        }
        let Some(coming) = &mut self.coming else {
            return Err(ended());
        };
        // Where this future is dropped, the event comes with the next one.
        let event = coming.await;
        self.coming = None;
        event.map_err(|_| ended())?
    }

    async fn acknowledge(&mut self, done: &BTreeMap<PartitionId, Resume>) -> Result<()> {
        let (reply, acknowledged) = oneshot::channel();
        let order = Order::Acknowledge(done.clone(), reply);
        self.orders.send(order).map_err(|_| ended())?;
        acknowledged.await.map_err(|_| ended())?
    }

    fn is_shared(&self) -> bool {
        self.described.is_shared
    }

    fn reads_again(&self) -> bool {
        !self.described.reads_once
    }

    fn progress(&self) -> Progress {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn ends(&self) -> Ends {
        self.status
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .clone()
    }
}
