//! The threads that talk to stores, for callers that may block: those that read files, and checks.
//!
//! They are of their own, so that whoever waits for them need not be a task of any runtime, and may
//! be one of the engine's.

use std::future::Future;
use std::io;
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, sync_channel};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::AbortHandle;

/// Threads; they decrypt and copy, which one does at some 500 MB/s.
const N_THREADS: usize = 2;

static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(N_THREADS)
        .thread_name("object-store")
        .enable_all()
        .build()
});

/// Work that was begun; dropping it ends it.
#[derive(Debug)]
pub struct Begun<T> {
    done: Receiver<T>,
    task: AbortHandle,
}

/// Where the work is done.
///
/// # Errors
/// There are no threads to be had.
pub(crate) fn handle() -> io::Result<&'static Handle> {
    match &*RUNTIME {
        Ok(runtime) => Ok(runtime.handle()),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
    }
}

/// Begins work in the background.
///
/// # Errors
/// There are no threads to be had.
pub fn begin<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> io::Result<Begun<T>> {
    let (sender, done) = sync_channel(1);
    let task = handle()?.spawn(async move {
        // Nobody waits any more: then nobody needs to know.
        let _ = sender.send(work.await);
    });
    Ok(Begun {
        done,
        task: task.abort_handle(),
    })
}

impl<T> Begun<T> {
    /// Waits for what comes of it.
    ///
    /// # Errors
    /// The work panicked.
    pub fn wait(self) -> io::Result<T> {
        let cut_off = |_| io::Error::other("the work was cut off");
        self.done.recv().map_err(cut_off)
    }
}

impl<T> Drop for Begun<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Does work and waits for it; may be called from anywhere.
///
/// # Errors
/// There are no threads to be had, or the work panicked.
pub fn wait<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> io::Result<T> {
    begin(work)?.wait()
}
