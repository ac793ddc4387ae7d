//! The child's side: limits itself, loads the library, and does what it is asked until nobody asks.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use datashark_sdk::ffi::cross_findings::without_ids;
use datashark_sdk::ffi::host::{InputHandle, Library, OutputHandle};
use datashark_sdk::ffi::wire::{Aggregated, Described, Fault, Written, refused_to_json, to_text};
use datashark_sdk::output::FindingsBatch;
use datashark_sdk::{
    Aggregate, Batches, DynReduce, DynUseCase, Error, Files, Model, ReduceState, Result, Window,
};
use serde::Serialize;

use super::frame::{Frame, Part, part_of, part_of_schema, rows_of, schema_of};
use super::message::{AGGREGATE, Answer, Head, Request, Started};
use super::sandbox;

/// Runs a plugin's process: what the hidden subcommand does, and nothing else.
///
/// Its standard input and output are the pipes to the parent. The plugin gets others: it may write to
/// its output what it likes, and close it.
pub fn run() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The parent shows it.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let (mut from, mut to) = pipes()?;
    let mut hosted: Option<Hosted> = None;
    loop {
        let frame = match Frame::read(&mut from) {
            // The parent has ended, or wants no more.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            frame => frame?,
        };
        let answered = serde_json::from_slice(&frame.text)
            .map_err(|error| Error::internal(format!("a request that makes no sense: {error}")))
            .and_then(|request| answer(&mut hosted, request, &frame.parts));
        let (text, parts) = answered.unwrap_or_else(|error| {
            let (status, fault) = Fault::of(error);
            let failed: Answer<()> = Answer::Failed { status, fault };
            (to_text(&failed), Vec::new())
        });
        Frame::write(&text, &parts, &mut to)?;
    }
}

/// The pipes to the parent, which nothing finds by their usual numbers any more.
fn pipes() -> io::Result<(File, File)> {
    let from: OwnedFd = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 100)?;
    let to: OwnedFd = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 100)?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok((File::from(from), File::from(to)))
}

/// A loaded plugin, and what was made of it.
struct Hosted {
    library: Library,
    use_case: Option<Box<dyn DynUseCase>>,
    reduces: HashMap<u64, Arc<dyn DynReduce>>,
    models: HashMap<u64, Model>,
    states: HashMap<u64, State>,
    output: Option<OutputHandle>,
    input: Option<InputHandle>,
}

/// A state, and whose it is.
struct State {
    reduce: Arc<dyn DynReduce>,
    state: ReduceState,
}

type Answered = (Vec<u8>, Vec<Part>);

fn done(answer: impl Serialize, parts: Vec<Part>) -> Result<Answered> {
    Ok((to_text(&Answer::Done(answer)), parts))
}

fn answer(hosted: &mut Option<Hosted>, request: Request, parts: &[Part]) -> Result<Answered> {
    if let Request::Start {
        library,
        kind,
        sandbox,
    } = request
    {
        let unguarded = sandbox::enter(&library, &sandbox);
        let library = Library::load(&library)?;
        let about = library.about().clone();
        if about.kind != kind {
            let message = format!(
                "the plugin `{}` is an {}, not an {kind}",
                about.name, about.kind
            );
            return Err(Error::data(message.replace("an use", "a use")));
        }
        *hosted = Some(Hosted {
            library,
            use_case: None,
            reduces: HashMap::new(),
            models: HashMap::new(),
            states: HashMap::new(),
            output: None,
            input: None,
        });
        return done(Started { about, unguarded }, Vec::new());
    }
    let hosted = hosted.as_mut().ok_or_else(|| missing("library"))?;
    match request {
        Request::CheckOutput { .. }
        | Request::OpenOutput { .. }
        | Request::Write { .. }
        | Request::Sync
        | Request::Delivered { .. } => hosted.of_output(request, parts),
        Request::DescribeInput
        | Request::CheckInput { .. }
        | Request::OpenInput { .. }
        | Request::Next { .. }
        | Request::Acknowledge { .. }
        | Request::Status => hosted.of_input(request),
        Request::Make { .. }
        | Request::Train
        | Request::Load { .. }
        | Request::Screen { .. }
        | Request::Score { .. } => hosted.of_use_case(request, parts),
        other => hosted.of_states(other, parts),
    }
}

fn missing(what: &str) -> Error {
    Error::internal(format!(
        "a plugin's process was asked before it had its {what}"
    ))
}

fn only(parts: &[Part]) -> Result<&Part> {
    parts.first().ok_or_else(|| missing("rows"))
}

fn one(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch> {
    Ok(concat_batches(schema, batches)?)
}

fn part_of_one(batch: &RecordBatch) -> Result<Part> {
    part_of(batch.schema_ref(), std::slice::from_ref(batch))
}

impl Hosted {
    fn of_use_case(&mut self, request: Request, parts: &[Part]) -> Result<Answered> {
        if let Request::Make { own, files } = request {
            let contents = parts.iter().map(|part| part.to_vec());
            return self.make(&own, &files.into_iter().zip(contents).collect());
        }
        let use_case = self
            .use_case
            .as_deref()
            .ok_or_else(|| missing("use case"))?;
        match request {
            Request::Train => {
                let (schema, rows) = rows_of(only(parts)?)?;
                let model = use_case.train(Batches::new(&schema, &rows))?;
                done(model.to_json(), Vec::new())
            }
            Request::Load { model, json } => {
                self.models.insert(model, use_case.load(&json)?);
                done((), Vec::new())
            }
            Request::Screen { model, reduce } => {
                let model = self.models.get(&model).ok_or_else(|| missing("model"))?;
                let screening = use_case.screen(model)?;
                let does = screening.is_some();
                self.reduces
                    .extend(screening.map(|screening| (reduce, screening)));
                done(does, Vec::new())
            }
            Request::Score { model, start, end } => {
                let model = self.models.get(&model).ok_or_else(|| missing("model"))?;
                let (schema, rows) = rows_of(only(parts)?)?;
                let window = Window { start, end };
                let found = use_case.score(model, &window, Batches::new(&schema, &rows))?;
                done((), vec![part_of_one(found.batch())?])
            }
            _ => Err(missing("request")),
        }
    }

    fn make(&mut self, own: &datashark_sdk::conf::Section, files: &Files) -> Result<Answered> {
        let use_case = self.library.use_case(own, files)?;
        let records = use_case.input();
        let aggregate = match use_case.aggregate() {
            Aggregate::None => None,
            Aggregate::Sql(query) => Some(Aggregated::Sql(query)),
            Aggregate::Reduce(reduce) => {
                self.reduces.insert(AGGREGATE, reduce);
                Some(Aggregated::Reduce)
            }
        };
        let described = Described {
            format: records.format.map(Into::into),
            aggregate,
            trains: use_case.trains(),
            view: records.view,
        };
        self.use_case = Some(use_case);
        let columns = Arc::new(Schema::new(records.columns));
        done(described, vec![part_of_schema(&columns)?])
    }

    fn of_states(&mut self, request: Request, parts: &[Part]) -> Result<Answered> {
        let states = &mut self.states;
        let gone = || missing("state");
        match request {
            Request::Forget(forgotten) => {
                // States before what they are of, and that before its model.
                states.retain(|state, _| !forgotten.states.contains(state));
                self.reduces
                    .retain(|reduce, _| !forgotten.reduces.contains(reduce));
                self.models
                    .retain(|model, _| !forgotten.models.contains(model));
                done((), Vec::new())
            }
            Request::Refused { reduce } => {
                let reduce = self.reduces.get(&reduce).ok_or_else(|| missing("reduce"))?;
                let (schema, records) = rows_of(only(parts)?)?;
                let refused = reduce.refused(&one(&schema, &records)?)?;
                done(refused_to_json(refused), Vec::new())
            }
            Request::LoadState { reduce, state } => {
                let reduce = self.reduces.get(&reduce).ok_or_else(|| missing("reduce"))?;
                let reduce = Arc::clone(reduce);
                let loaded = match parts.first() {
                    Some(bytes) => reduce.load(bytes)?,
                    None => reduce.empty()?,
                };
                let loaded = State {
                    reduce,
                    state: loaded,
                };
                states.insert(state, loaded);
                done((), Vec::new())
            }
            Request::Add { state } => {
                let (_, records) = rows_of(only(parts)?)?;
                let State { reduce, state } = states.get_mut(&state).ok_or_else(gone)?;
                for batch in &records {
                    reduce.add(state, batch)?;
                }
                done(reduce.size_bytes(state), Vec::new())
            }
            Request::Merge { state, other } => {
                let other = states.remove(&other).ok_or_else(gone)?;
                let State { reduce, state } = states.get_mut(&state).ok_or_else(gone)?;
                reduce.merge(state, other.state)?;
                done(reduce.size_bytes(state), Vec::new())
            }
            Request::Rows { state } => {
                let State { reduce, state } = states.get(&state).ok_or_else(gone)?;
                let rows = reduce.rows(reduce.copy(state)?)?;
                done((), vec![part_of_one(&rows)?])
            }
            Request::SaveState { state } => {
                let State { reduce, state } = states.get(&state).ok_or_else(gone)?;
                done((), vec![Part::from_vec(reduce.save(state)?)])
            }
            _ => Err(missing("request")),
        }
    }

    fn of_output(&mut self, request: Request, parts: &[Part]) -> Result<Answered> {
        match request {
            Request::CheckOutput { section } => {
                return done(self.library.check_output(&section)?, Vec::new());
            }
            Request::OpenOutput { opening } => {
                let schema = schema_of(only(parts)?)?;
                self.output = None;
                self.output = Some(self.library.open_output(&opening, &schema)?);
                return done((), Vec::new());
            }
            _ => {}
        }
        let output = self.output.as_mut().ok_or_else(|| missing("output"))?;
        match request {
            Request::Write { heads } => {
                let batches = heads.into_iter().zip(parts).map(findings);
                let batches = batches.collect::<Result<Vec<_>>>()?;
                done(Written::from(output.write(&batches)), Vec::new())
            }
            Request::Sync => done(output.sync()?, Vec::new()),
            Request::Delivered { n_findings } => done(output.delivered(n_findings)?, Vec::new()),
            _ => Err(missing("request")),
        }
    }

    fn of_input(&mut self, request: Request) -> Result<Answered> {
        match request {
            Request::DescribeInput => {
                let (described, beside) = self.library.describe_input()?;
                let beside = Arc::new(Schema::new(beside));
                return done(described, vec![part_of_schema(&beside)?]);
            }
            Request::CheckInput { section } => {
                let (checked, columns) = self.library.check_input(&section)?;
                let columns = columns
                    .map(|columns| part_of_schema(&columns))
                    .transpose()?;
                return done(checked, columns.into_iter().collect());
            }
            Request::OpenInput { opening } => {
                self.input = None;
                self.input = Some(self.library.open_input(&opening)?);
                return done((), Vec::new());
            }
            _ => {}
        }
        let input = self.input.as_mut().ok_or_else(|| missing("input"))?;
        match request {
            Request::Next { wait_ms } => {
                let (said, rows) = input.next(Duration::from_millis(wait_ms))?;
                let rows = rows.map(|rows| part_of_one(&rows)).transpose()?;
                done(said, rows.into_iter().collect())
            }
            Request::Acknowledge { done: offsets } => {
                input.acknowledge(offsets.0)?;
                done((), Vec::new())
            }
            Request::Status => done(input.status()?, Vec::new()),
            _ => Err(missing("request")),
        }
    }
}

fn findings((head, part): (Head, &Part)) -> Result<FindingsBatch> {
    let (schema, rows) = rows_of(part)?;
    let (ids, findings) = without_ids(&one(&schema, &rows)?)?;
    Ok(FindingsBatch {
        use_case: head.use_case.into(),
        window: Window {
            start: head.start,
            end: head.end,
        },
        time: head.time,
        findings,
        ids,
    })
}
