//! A folder that is watched: what is there is read, and then what appears and grows.
//!
//! One thread, the [`Planner`], lists the folder and decides; `partitions` threads read. The
//! operating system's notifications only say *when* to list the folder again, never what changed:
//! so a lost notification, a full queue or a network mount costs time and nothing else.
//!
//! ```text
//!  notify ──changed──►┌─────────┐──pass over a file──►┌─────────┐
//!  poll, 5 s ────────►│ planner │                     │ readers │──batches──► engine
//!                     └─────────┘◄──────outcome───────└─────────┘
//!                          └──assigned, caught up, ended, failed──────────► engine
//! ```
//! A file has at most one pass at a time, and the planner speaks of it only when it has none: so
//! events of a partition come in order although two threads send them.

mod entering;
mod planner;
mod tracked;
mod watch;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use datashark_sdk::input::Open;
use datashark_sdk::{Error, Result};

use crate::conf::FolderConf;
use crate::identity::FileKey;
use crate::live::planner::Planner;
use crate::outlet::{self, Intake, Outlet};
use crate::pass::{Outcome, Pass};
use crate::register::Register;

/// How long to wait for what, and how many files to keep open.
#[derive(Debug, Clone)]
pub(crate) struct Timing {
    /// Between two looks at the folder when nothing happens.
    pub poll: Duration,
    /// The same where there is no notification, or a file is waited for.
    pub poll_often: Duration,
    /// The least time between two looks, however much happens; and ten times what a look takes.
    pub pause: Duration,
    /// A compressed file that grows is read again when it has not changed for so long,
    pub settle: Duration,
    /// or when it has not been read for so long, since that starts from its beginning.
    pub settle_max: Duration,
    /// After which a last line without a line end is a record, and a damaged file is reported.
    pub quiet: Duration,
    /// The same for a file that was renamed or deleted; then a deleted file is done with.
    pub quiet_gone: Duration,
    /// How many files are kept open for the sake of their ends.
    pub n_open: usize,
    /// Whether the operating system is asked for notifications.
    pub notify: bool,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            poll: Duration::from_secs(5),
            poll_often: Duration::from_secs(1),
            pause: Duration::from_millis(50),
            settle: Duration::from_secs(1),
            settle_max: Duration::from_secs(10),
            quiet: Duration::from_secs(30),
            quiet_gone: Duration::from_secs(5),
            n_open: 256,
            notify: true,
        }
    }
}

/// What the planner is told.
#[derive(Debug)]
enum Message {
    /// Something happened in the folder.
    Changed,
    /// A pass is over.
    Done(FileKey, Outcome),
}

/// What a reader is told.
#[derive(Debug)]
struct Job {
    key: FileKey,
    pass: Pass,
}

/// Watches a folder.
pub(crate) fn start(
    conf: FolderConf,
    register: Register,
    open: &Open,
    timing: Timing,
) -> Result<Intake> {
    let n_readers = outlet::n_readers(conf.partitions, open);
    let (outlet, intake) = Intake::new(open, n_readers, Vec::new(), None);
    let (jobs, to_do) = unbounded();
    let (messages, inbox) = unbounded();
    for _ in 0..n_readers {
        let (to_do, messages, outlet) = (to_do.clone(), messages.clone(), outlet.clone());
        spawn("read-file", outlet.clone(), move || {
            read(&to_do, &messages, &outlet)
        })?;
    }
    let planner = Planner::new(
        conf,
        register,
        timing,
        outlet.clone(),
        n_readers,
        jobs,
        messages,
    );
    spawn("watch-folder", outlet, move || planner.run(&inbox))?;
    Ok(intake)
}

/// Runs on a thread of its own what, should it panic, ends the input with an error.
fn spawn(name: &str, outlet: Outlet, work: impl FnOnce() + Send + 'static) -> Result<()> {
    let run = move || {
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            outlet.fail(Error::internal("a thread that reads the folder panicked"));
        }
    };
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    spawned
        .map(|_| ())
        .map_err(|error| Error::io("no thread to read files with", error))
}

fn read(jobs: &Receiver<Job>, messages: &Sender<Message>, outlet: &Outlet) {
    for Job { key, pass } in jobs {
        let outcome = pass.run(outlet);
        if messages.send(Message::Done(key, outcome)).is_err() {
            return;
        }
    }
}
