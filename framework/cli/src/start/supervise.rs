//! A use case's task: it runs, where it fails it runs again, and with a schedule at every turn.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use datashark_conf::Global;
use datashark_engine::{Job, Observer, RunOptions, Stop, Streams, Summary, SystemClock, check};
use tokio::sync::watch;
use tokio::time::Instant;

use super::load::UseCase;
use super::timetable::Timetable;
use crate::board::{Entry, Watched};
use crate::progress::Watcher;
use crate::registry::registry;
use crate::text::{counted, render, say};

/// How long is waited before a use case that failed runs again, first and at most; each time twice
/// as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Whoever has run for so long before it failed begins with the first pause again.
const RAN_WELL: Duration = Duration::from_secs(600);

/// Whose turn it is at a start: batches one after another, then what streams.
#[derive(Debug)]
pub(crate) struct Turns {
    n_done: Arc<watch::Sender<usize>>,
}

impl Default for Turns {
    fn default() -> Self {
        Turns {
            n_done: Arc::new(watch::Sender::new(0)),
        }
    }
}

impl Turns {
    /// The turn behind so many batches.
    pub(crate) fn after(&self, n_batches: usize) -> Turn {
        Turn {
            n_done: Arc::clone(&self.n_done),
            after: n_batches,
        }
    }
}

/// The turn of one use case.
#[derive(Debug)]
pub(crate) struct Turn {
    n_done: Arc<watch::Sender<usize>>,
    after: usize,
}

impl Turn {
    /// One that has come.
    pub(crate) fn now() -> Self {
        Turns::default().after(0)
    }

    async fn come(&self) {
        let mut n_done = self.n_done.subscribe();
        // The sender is ours: it cannot be gone.
        let _ = n_done.wait_for(|n_done| *n_done >= self.after).await;
    }

    /// Lets the next one have its turn.
    fn pass_on(&self) {
        let next = self.after + 1;
        self.n_done
            .send_modify(|n_done| *n_done = next.max(*n_done));
    }
}

/// Runs a use case until it has come to its end or is stopped, one with a schedule until it is
/// stopped; gives its name.
pub(crate) async fn supervise(
    use_case: UseCase,
    turn: Turn,
    mut stopped: watch::Receiver<Stop>,
    entry: Arc<Entry>,
    streams: Streams,
) -> String {
    let name = use_case.name();
    let UseCase {
        path, global, job, ..
    } = use_case;
    tokio::select! {
        () = turn.come() => {}
        _ = stopped.wait_for(|stop| *stop != Stop::Not) => return name,
    }
    let schedule = job.conf().schedule.clone();
    let watcher = Arc::new(Watcher::new(job.name(), false));
    let mut supervised = Supervised {
        path: &path,
        global: &global,
        streams: &streams,
        turn,
        watched: Arc::new(Watched {
            watcher: Arc::clone(&watcher),
            entry,
        }),
        stopped: stopped.clone(),
    };
    let Some(schedule) = schedule else {
        supervised.run(Some(job)).await;
        return name;
    };
    let mut timetable = Timetable::new(schedule, watcher, Arc::new(SystemClock));
    let mut job = Some(job);
    loop {
        tokio::select! {
            is_due = timetable.due() => if !is_due { return name },
            _ = stopped.wait_for(|stop| *stop != Stop::Not) => return name,
        }
        let job = match job.take() {
            Some(job) => Some(job),
            None => checked(&path, &global, &streams).await,
        };
        supervised.run(job).await;
        if *stopped.borrow() != Stop::Not {
            return name;
        }
        timetable.ran();
    }
}

/// What runs a use case and runs it again where it fails.
struct Supervised<'a> {
    path: &'a Path,
    global: &'a Global,
    streams: &'a Streams,
    turn: Turn,
    watched: Arc<Watched>,
    stopped: watch::Receiver<Stop>,
}

impl Supervised<'_> {
    /// Runs it until it has come to its end or is stopped.
    async fn run(&mut self, mut next: Option<Job>) {
        let Watched { watcher, entry } = &*self.watched;
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            entry.starts();
            let reason = match next.take() {
                Some(job) => match run(job, self.global, &self.watched, &self.stopped).await {
                    Ok(summary) => {
                        tell(watcher, &summary);
                        entry.ended();
                        self.turn.pass_on();
                        return;
                    }
                    Err(reason) => reason,
                },
                None => "its conf is wrong now".to_owned(),
            };
            // The next one does not wait until this one is mended.
            self.turn.pass_on();
            if began.elapsed() >= RAN_WELL {
                pause = FIRST_PAUSE;
            }
            entry.failed(&reason);
            let seconds = pause.as_secs();
            watcher.message(&format!("failed: {reason}; again in {seconds} s"));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = self.stopped.wait_for(|stop| *stop != Stop::Not) => return,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            next = checked(self.path, self.global, self.streams).await;
        }
    }
}

/// Runs it once. A panic is its own failure, not the daemon's.
async fn run(
    job: Job,
    global: &Global,
    watched: &Arc<Watched>,
    stopped: &watch::Receiver<Stop>,
) -> Result<Summary, String> {
    let options = RunOptions {
        once: false,
        retrain: false,
        state_folder: global.engine.state_folder.clone(),
        clock: Arc::new(SystemClock),
        stop: stopped.clone(),
        n_workers: None,
    };
    let observer: Arc<dyn Observer> = Arc::<Watched>::clone(watched);
    match tokio::spawn(job.run(options, observer)).await {
        Ok(ran) => ran.map_err(|error| error.to_string()),
        Err(error) => Err(format!("a defect: {error}")),
    }
}

/// The job anew: running takes it.
async fn checked(path: &Path, global: &Global, streams: &Streams) -> Option<Job> {
    let mut checked = check(path, global, &registry(global)).await;
    if checked.job.is_none() {
        say(&render(&checked.diagnostics));
    }
    if let Some(job) = &mut checked.job {
        streams.join(job);
    }
    checked.job
}

fn tell(watcher: &Watcher, summary: &Summary) {
    let ledger = &summary.ledger;
    watcher.message(&format!(
        "ended: {} read, {} delivered; conservation gap {}",
        counted(ledger.read, "record"),
        counted(summary.n_findings, "finding"),
        ledger.conservation_gap()
    ));
    for failure in &summary.failures {
        watcher.message(&format!("error: {failure}"));
    }
}
