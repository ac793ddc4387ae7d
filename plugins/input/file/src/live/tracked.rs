//! A file that is being followed: what is known of it, and what is to be done with it next.

use std::fs::{File, Metadata};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use datashark_codec::capture::Capture;
use datashark_sdk::input::{Header, PartitionId};
use tokio::time::Instant;

use crate::blocks::Position;
use crate::compress::Compression;
use crate::identity::Identity;
use crate::list::Listed;
use crate::live::Timing;
use crate::pass::{Outcome, Pass, Tail};
use crate::register::Entry;
use crate::stream::Origin;

/// What tells whether a file was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Its size in bytes.
    pub size: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// As the file system says.
    pub(super) fn of(metadata: &Metadata) -> Self {
        Stamp {
            size: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

/// Whether a file is in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// Under the name it was found by.
    Here,
    /// Under another name than before.
    Renamed,
    /// No longer: deleted, or moved elsewhere.
    Gone,
    /// The folder is another one now, mounted over or unmounted.
    Unmounted,
}

/// What stands behind the last record that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing.
    Nothing,
    /// A line without its line end.
    Tail,
    /// Bytes that cannot be read, or not yet.
    Damage(String),
    /// The same, and it was reported.
    Told,
}

/// What to do with a file next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing now.
    Wait,
    /// Read on.
    Pass(Tail),
    /// Report the damage.
    Tell(String),
    /// Have done with it.
    End,
}

/// A file that is being followed.
#[derive(Debug)]
pub(super) struct Tracked {
    /// Which file, with which content.
    pub identity: Identity,
    /// Its partition.
    pub partition: PartitionId,
    /// Where it was last seen.
    pub path: PathBuf,
    /// The open file, unless it was closed to save handles.
    pub file: Option<Arc<File>>,
    /// How it is packed.
    pub compression: Compression,
    /// Where the next pass begins.
    pub position: Position,
    /// Its header lines before the position.
    pub header: Option<Header>,
    /// What is known of a capture at the position.
    pub capture: Option<Box<Capture>>,
    /// How many of its bytes were counted as read.
    pub n_counted: u64,
    /// When it came, among all files.
    pub order: u64,
    /// Whether its lines are passed over up to its end.
    pub mute: bool,
    /// Whether a pass is under way.
    pub busy: bool,
    /// Whether it is in the folder.
    pub presence: Presence,
    /// What stands behind the last record.
    pub rest: Rest,
    /// How it was last seen.
    pub stamp: Stamp,
    /// How it was seen when the last pass began.
    pub passed: Option<Stamp>,
    changed_at: Instant,
    passed_at: Instant,
}

impl Tracked {
    /// A file as it enters.
    pub(super) fn new(entry: Entry, stamp: Stamp, order: u64, now: Instant) -> Self {
        let Entry {
            identity,
            origin,
            file,
            offset,
            ..
        } = entry;
        Tracked {
            identity,
            partition: identity.partition(),
            path: origin.path,
            file: Some(file),
            compression: origin.compression,
            position: Position::at(offset),
            header: None,
            capture: None,
            n_counted: if origin.compression == Compression::Plain {
                offset
            } else {
                0
            },
            order,
            mute: false,
            busy: false,
            presence: Presence::Here,
            rest: Rest::Nothing,
            stamp,
            passed: None,
            changed_at: now,
            passed_at: now,
        }
    }

    /// The file is in the folder.
    pub(super) fn see(&mut self, listed: &Listed, now: Instant) {
        if self.path != listed.path {
            self.path.clone_from(&listed.path);
            self.presence = Presence::Renamed;
        } else if matches!(self.presence, Presence::Gone | Presence::Unmounted) {
            self.presence = Presence::Here;
        }
        self.stamp(Stamp::of(&listed.metadata), now);
    }

    /// The file is not in the folder.
    pub(super) fn miss(&mut self, presence: Presence, now: Instant) {
        if !matches!(self.presence, Presence::Gone | Presence::Unmounted) {
            self.presence = presence;
            self.changed_at = now;
        }
        self.look(now);
    }

    /// Looks at the open file itself.
    pub(super) fn look(&mut self, now: Instant) {
        if let Some(Ok(metadata)) = self.file.as_ref().map(|file| file.metadata()) {
            self.stamp(Stamp::of(&metadata), now);
        }
    }

    fn stamp(&mut self, stamp: Stamp, now: Instant) {
        if self.stamp != stamp {
            self.stamp = stamp;
            self.changed_at = now;
        }
    }

    /// A pass from where the last one ended, over what it has now.
    pub(super) fn pass(&self, file: Arc<File>, tail: Tail) -> Pass {
        let plain = self.compression == Compression::Plain;
        Pass {
            partition: self.partition.clone(),
            origin: Origin::of_known(self.path.clone(), file, self.compression),
            position: self.position.clone(),
            header: self.header.clone(),
            capture: self.capture.clone(),
            fingerprint: Some(self.identity.fingerprint),
            raw_end: if plain { self.stamp.size } else { u64::MAX },
            n_counted: self.n_counted,
            tail,
            mute: self.mute,
            arrival: None,
        }
    }

    /// A pass over it begins.
    pub(super) fn begin(&mut self) {
        self.busy = true;
        self.passed = Some(self.stamp);
    }

    /// A pass over it is over.
    pub(super) fn finish(&mut self, outcome: Outcome, rest: Rest, now: Instant) {
        self.busy = false;
        self.position = outcome.position;
        self.header = outcome.header;
        self.capture = outcome.capture;
        self.n_counted = outcome.n_counted;
        self.rest = rest;
        self.passed_at = now;
    }

    /// Whether it was written to since the last pass began.
    pub(super) fn is_due(&self) -> bool {
        self.passed != Some(self.stamp)
    }

    /// Whether there is something to wait for.
    pub(super) fn is_pending(&self) -> bool {
        let gone = matches!(self.presence, Presence::Gone | Presence::Unmounted);
        gone || self.is_due() || matches!(self.rest, Rest::Tail | Rest::Damage(_))
    }

    /// Whether it can be closed without harm.
    pub(super) fn may_close(&self) -> bool {
        let here = matches!(self.presence, Presence::Here | Presence::Renamed);
        here && !self.busy && self.file.is_some()
    }

    /// When it was last written to, as far as we saw.
    pub(super) fn changed_at(&self) -> Instant {
        self.changed_at
    }

    /// What to do next.
    pub(super) fn next(&self, now: Instant, timing: &Timing) -> Next {
        let gone = matches!(self.presence, Presence::Gone | Presence::Unmounted);
        if self.busy {
            return Next::Wait;
        }
        let here = self.presence == Presence::Here;
        let quiet = if here {
            timing.quiet
        } else {
            timing.quiet_gone
        };
        let is_quiet = now.duration_since(self.changed_at) >= quiet;
        if gone && self.file.is_none() {
            // A file that is renamed while the folder is listed may be missed under both names.
            return if is_quiet { Next::End } else { Next::Wait };
        }
        if self.is_due() {
            return if self.is_settled(now, timing) {
                Next::Pass(Tail::Leave)
            } else {
                Next::Wait
            };
        }
        if !is_quiet {
            return Next::Wait;
        }
        match &self.rest {
            Rest::Tail => Next::Pass(Tail::TakeAt(self.stamp.size)),
            Rest::Damage(reason) => Next::Tell(reason.clone()),
            Rest::Nothing | Rest::Told if gone => Next::End,
            Rest::Nothing | Rest::Told => Next::Wait,
        }
    }

    /// Whether a pass is worth its while: over a compressed file it starts from the beginning.
    fn is_settled(&self, now: Instant, timing: &Timing) -> bool {
        self.compression == Compression::Plain
            || self.passed.is_none()
            || now.duration_since(self.changed_at) >= timing.settle
            || now.duration_since(self.passed_at) >= timing.settle_max
    }
}
