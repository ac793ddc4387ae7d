//! Findings on their way to one output, in order: in memory as far as there is room, the rest in the
//! spool.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datashark_sdk::output::{FindingsBatch, Gather};
use tokio::sync::Notify;

use super::spool::{Spool, Spooled};
use crate::error::Result;

/// How much may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// In memory, in bytes.
    pub(crate) memory_bytes: usize,
    /// In the spool, in bytes; beyond it whoever has more findings waits.
    pub(crate) spool_bytes: u64,
}

/// The findings of a window, and its number among the windows that were delivered.
#[derive(Debug, Clone)]
pub(crate) struct Numbered {
    pub(crate) number: u64,
    pub(crate) batch: FindingsBatch,
}

/// The queue in front of an output.
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Something was put in, or the queue was closed.
    filled: Notify,
    /// Something was taken out, or nobody will any more.
    taken: Notify,
    limits: Limits,
}

struct State {
    waiting: VecDeque<Waiting>,
    memory_bytes: usize,
    spool: Spool,
    closed: bool,
    /// Nobody takes any more.
    abandoned: bool,
}

enum Waiting {
    Here(Numbered, usize),
    Spooled(u64, Spooled),
}

impl Queue {
    /// An empty queue that spools into a file.
    pub(crate) fn new(limits: Limits, spool: &Path) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            memory_bytes: 0,
            spool: Spool::at(spool),
            closed: false,
            abandoned: false,
        };
        Queue {
            state: Mutex::new(state),
            filled: Notify::new(),
            taken: Notify::new(),
            limits,
        }
    }

    /// Puts findings in; waits where there is room neither in memory nor in the spool. Findings for
    /// a queue that nobody takes from are dropped: the run is ending with an error.
    pub(crate) async fn put(&self, findings: Numbered) -> Result<()> {
        loop {
            let taken = self.taken.notified();
            tokio::pin!(taken);
            taken.as_mut().enable();
            {
                let mut state = self.state();
                if state.abandoned {
                    return Ok(());
                }
                if state.has_room(&self.limits) {
                    state.put(findings, &self.limits)?;
                    self.filled.notify_one();
                    return Ok(());
                }
            }
            taken.await;
        }
    }

    /// Takes what waits, in whole windows up to what the output wants at a time; waits for the
    /// first. `None` once the queue is closed and empty.
    pub(crate) async fn take(&self, gather: Gather) -> Result<Option<Vec<Numbered>>> {
        loop {
            let filled = self.filled.notified();
            {
                let mut state = self.state();
                let taken = state.take(gather.max_findings)?;
                if !taken.is_empty() {
                    self.taken.notify_waiters();
                    return Ok(Some(taken));
                }
                if state.closed {
                    return Ok(None);
                }
            }
            filled.await;
        }
    }

    /// Waits until an output's fill is there or the queue is closed; not forever, but for the
    /// caller's own time limit.
    pub(crate) async fn wait_for(&self, n_findings: usize) {
        loop {
            let filled = self.filled.notified();
            {
                let state = self.state();
                if state.closed || state.n_findings() >= n_findings || state.is_spooling() {
                    return;
                }
            }
            filled.await;
        }
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.state().waiting.is_empty()
    }

    /// The findings of how many windows wait, and what they take in memory and in the spool.
    pub(crate) fn waiting(&self) -> (usize, u64) {
        let state = self.state();
        let n_bytes = state.memory_bytes as u64 + state.spool.n_bytes();
        (state.waiting.len(), n_bytes)
    }

    /// How many findings wait, and how many bytes of them in memory and in the spool.
    #[cfg(test)]
    fn waiting_where(&self) -> (usize, usize, u64) {
        let state = self.state();
        let n_bytes = state.spool.n_bytes();
        (state.waiting.len(), state.memory_bytes, n_bytes)
    }

    /// No more findings will come.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_one();
    }

    /// Nobody will take any more: whoever waits for room goes on.
    pub(crate) fn abandon(&self) {
        self.state().abandoned = true;
        self.taken.notify_waiters();
    }

    /// A panic while the lock is held leaves nothing half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_spooling(&self) -> bool {
        matches!(self.waiting.back(), Some(Waiting::Spooled(..)))
    }

    /// One window always has room: it may be larger than the limit.
    fn has_room(&self, limits: &Limits) -> bool {
        self.waiting.is_empty()
            || (!self.is_spooling() && self.memory_bytes < limits.memory_bytes)
            || self.spool.n_bytes() < limits.spool_bytes
    }

    fn put(&mut self, findings: Numbered, limits: &Limits) -> Result<()> {
        let n_bytes = size_of(&findings.batch);
        let fits = self.memory_bytes + n_bytes <= limits.memory_bytes || self.waiting.is_empty();
        // Order is kept: behind what is spooled everything is.
        if fits && !self.is_spooling() {
            self.memory_bytes += n_bytes;
            self.waiting.push_back(Waiting::Here(findings, n_bytes));
        } else {
            let spooled = self.spool.put(&findings.batch)?;
            let waiting = Waiting::Spooled(findings.number, spooled);
            self.waiting.push_back(waiting);
        }
        Ok(())
    }

    fn take(&mut self, max_findings: usize) -> Result<Vec<Numbered>> {
        let (mut taken, mut n_findings) = (Vec::new(), 0);
        while let Some(next) = self.waiting.front() {
            let n_next = match next {
                Waiting::Here(findings, _) => findings.batch.findings.len(),
                Waiting::Spooled(_, spooled) => spooled.n_findings,
            };
            if !taken.is_empty() && n_findings + n_next > max_findings {
                break;
            }
            n_findings += n_next;
            match self.waiting.pop_front() {
                Some(Waiting::Here(findings, n_bytes)) => {
                    self.memory_bytes -= n_bytes;
                    taken.push(findings);
                }
                Some(Waiting::Spooled(number, spooled)) => {
                    let batch = self.spool.take(&spooled)?;
                    taken.push(Numbered { number, batch });
                }
                None => break,
            }
        }
        if self.waiting.is_empty() {
            self.spool.clear();
        }
        Ok(taken)
    }

    fn n_findings(&self) -> usize {
        let n = |waiting: &Waiting| match waiting {
            Waiting::Here(findings, _) => findings.batch.findings.len(),
            Waiting::Spooled(_, spooled) => spooled.n_findings,
        };
        self.waiting.iter().map(n).sum()
    }
}

/// What findings take in memory, about.
fn size_of(batch: &FindingsBatch) -> usize {
    /// A text of 32 digits and what holds it.
    const ID_BYTES: usize = 32 + size_of::<Arc<str>>() + 16;
    use std::mem::size_of;
    batch.findings.batch().get_array_memory_size() + batch.ids.len() * ID_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::testing::findings;

    fn queue(folder: &tempfile::TempDir, memory_bytes: usize, spool_bytes: u64) -> Queue {
        let limits = Limits {
            memory_bytes,
            spool_bytes,
        };
        Queue::new(limits, &folder.path().join("out.spool"))
    }

    fn numbered(number: u64) -> Numbered {
        let batch = findings(number as i64, &["a", "b"]);
        Numbered { number, batch }
    }

    #[tokio::test]
    async fn findings_come_out_as_they_went_in_from_memory_and_from_the_spool() {
        let folder = tempfile::tempdir().unwrap();
        let queue = queue(&folder, 5000, 1 << 20);
        for number in 0..20 {
            queue.put(numbered(number)).await.unwrap();
        }
        let (n, in_memory, spooled) = queue.waiting_where();
        assert!(n == 20 && in_memory <= 5000 && spooled > 0);
        queue.close();
        let mut found = Vec::new();
        let gather = Gather {
            max_findings: 6,
            ..Gather::default()
        };
        while let Some(taken) = queue.take(gather).await.unwrap() {
            assert!(taken.len() <= 3, "two findings a window, six at a time");
            found.extend(taken);
        }
        for (number, found) in (0..).zip(&found) {
            let expected = numbered(number);
            assert_eq!(found.number, number);
            assert_eq!(found.batch.findings, expected.batch.findings);
            assert_eq!(found.batch.ids, expected.batch.ids);
            assert_eq!(found.batch.window, expected.batch.window);
        }
        assert_eq!(found.len(), 20);
        assert_eq!(queue.waiting_where(), (0, 0, 0), "the spool is empty again");
    }

    #[tokio::test]
    async fn who_has_more_than_the_spool_may_hold_waits() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Arc::new(queue(&folder, 1, 1));
        for number in 0..2 {
            queue.put(numbered(number)).await.unwrap();
        }
        let third = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.put(numbered(2)).await }
        });
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        queue.take(Gather::default()).await.unwrap();
        queue.take(Gather::default()).await.unwrap();
        third.await.unwrap().unwrap();
        let taken = queue.take(Gather::default()).await.unwrap().unwrap();
        assert_eq!(taken[0].number, 2);
    }

    #[tokio::test]
    async fn a_queue_that_nobody_takes_from_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let queue = queue(&folder, 1, 1);
        queue.abandon();
        for number in 0..9 {
            queue.put(numbered(number)).await.unwrap();
        }
        assert!(queue.is_empty());
    }
}
