//! Where the rows of closed windows go.

use arrow::array::RecordBatch;
use async_trait::async_trait;
use datashark_sdk::Window;

use super::orders::Report;
use crate::deliver::Delivered;
use crate::error::Result;

/// Whether an output may have a window of an earlier run already: then it is not given it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MaybeHad {
    /// It may: the state folder says which do.
    Yes,
    /// None has this part of it.
    No,
}

/// What came of the windows so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    /// Windows that had rows.
    pub(crate) n_windows: u64,
    pub(crate) n_findings: u64,
}

/// Takes the rows of closed windows, in the order of the windows' ends; but a window may come again
/// with the rows of a partition that came late to this instance.
#[async_trait]
pub(crate) trait WindowSink: Send {
    /// A window closed.
    async fn window(
        &mut self,
        window: Window,
        rows: Vec<RecordBatch>,
        maybe_had: MaybeHad,
    ) -> Result<()>;

    /// Records that are to be kept aside where the run has no state folder.
    fn keep(&mut self, input: &str, report: &Report) -> Result<()> {
        let _ = (input, report);
        Ok(())
    }

    /// The number of the last window that was given; see [`Delivered::number`].
    fn number(&self) -> u64 {
        0
    }

    /// What came of the windows so far.
    fn counts(&self) -> Counts {
        Counts::default()
    }

    /// How far what was given is delivered.
    async fn delivered(&mut self) -> Result<Delivered> {
        Ok(Delivered::default())
    }

    /// Waits until all that was given is delivered.
    async fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}
