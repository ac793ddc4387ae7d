//! What a run reads: an input of its own, or its part of a stream that other use cases read too.

use std::collections::BTreeMap;

use datashark_sdk::input::{DynInput, Ends, PartitionId, Progress, Resume};

use crate::error::Result;
use crate::stream::{Member, Taken};

/// What a run reads.
pub(crate) enum Source {
    /// Nobody else reads it.
    Own(Box<dyn DynInput>),
    /// Others read it too.
    Stream(Member),
}

impl Source {
    /// What comes next; nothing is lost if the future is dropped.
    pub(super) async fn next(&mut self) -> Result<Option<Taken>> {
        match self {
            Source::Own(input) => {
                let event = input.next().await?;
                Ok(event.map(|event| Taken {
                    event,
                    shared: None,
                }))
            }
            Source::Stream(member) => member.next().await.map(Some),
        }
    }

    /// Every record below these offsets is done with.
    pub(super) async fn acknowledge(&mut self, done: BTreeMap<PartitionId, Resume>) -> Result<()> {
        match self {
            Source::Own(input) => Ok(input.acknowledge(&done).await?),
            Source::Stream(member) => {
                member.acknowledge(done);
                Ok(())
            }
        }
    }

    /// Whether partitions come and go.
    pub(super) fn is_shared(&self) -> bool {
        match self {
            Source::Own(input) => input.is_shared(),
            Source::Stream(_) => true,
        }
    }

    /// Whether what was read is there for a later run.
    pub(super) fn reads_again(&self) -> bool {
        match self {
            Source::Own(input) => input.reads_again(),
            Source::Stream(_) => true,
        }
    }

    /// How far it is.
    pub(super) fn progress(&self) -> Progress {
        match self {
            Source::Own(input) => input.progress(),
            Source::Stream(member) => member.progress(),
        }
    }

    /// Where its partitions end now.
    pub(super) fn ends(&self) -> Ends {
        match self {
            Source::Own(input) => input.ends(),
            Source::Stream(member) => member.ends(),
        }
    }
}
