//! What is known of every partition: its ledger, and from where it would have to be read again.

use std::collections::BTreeMap;

use datashark_sdk::input::{Micros, PartitionId};

use super::orders::Report;
use super::status::Standing;
use crate::checkpoint::PartitionCheckpoint;
use crate::ledger::Ledger;
use crate::window::{Share, Slot};

/// A place in a partition, and the latest event time before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    offset: u64,
    max_time: Option<Micros>,
}

/// One partition.
#[derive(Debug, Clone)]
struct Account {
    name: String,
    lane_idx: usize,
    share: Share,
    ledger: Ledger,
    /// Everything before this place is done with.
    done: Place,
    /// Everything before this offset was accounted for by an earlier run; it is read again.
    accounted: u64,
    /// For every slot with records of this partition that is not delivered: the start of the first
    /// batch that has one.
    open: BTreeMap<Slot, Place>,
    /// Its windows that end at or before this were delivered.
    delivered_until: Option<Micros>,
    /// How often windows had been closed when it came.
    came_after: u64,
    /// When something last came, or its end was first reached since.
    last_seen: Micros,
    /// Its end was reached since something last came.
    caught_up: bool,
    idle: bool,
}

/// All partitions of an input.
#[derive(Debug, Clone, Default)]
pub(crate) struct Accounts {
    partitions: BTreeMap<PartitionId, Account>,
    /// What is known of partitions that are gone.
    closed: Ledger,
    n_assigned: usize,
}

impl Accounts {
    /// A partition came; gives the lane that it goes to.
    pub(crate) fn assigned(
        &mut self,
        partition: &PartitionId,
        share: Share,
        from: &PartitionCheckpoint,
        came_after: u64,
        n_lanes: usize,
        now: Micros,
    ) -> usize {
        let lane_idx = self.n_assigned % n_lanes;
        self.n_assigned += 1;
        let account = Account {
            name: from.name.clone(),
            lane_idx,
            share,
            ledger: Ledger::default(),
            done: Place {
                offset: from.offset,
                max_time: from.max_time,
            },
            accounted: from.accounted,
            open: BTreeMap::new(),
            delivered_until: from.closed_until,
            came_after,
            last_seen: now,
            caught_up: false,
            idle: false,
        };
        self.partitions.insert(partition.clone(), account);
        lane_idx
    }

    /// How a partition is named to a person.
    pub(crate) fn name<'a>(&'a self, partition: &'a PartitionId) -> &'a str {
        self.partitions
            .get(partition)
            .map_or(partition.as_str(), |account| &account.name)
    }

    /// The lane that a partition's records go to.
    pub(crate) fn lane_idx(&self, partition: &PartitionId) -> usize {
        self.partitions
            .get(partition)
            .map_or(0, |account| account.lane_idx)
    }

    /// Records of a partition are on their way to a lane.
    pub(crate) fn routed(&mut self, partition: &PartitionId, n_records: u64, now: Micros) {
        if let Some(account) = self.partitions.get_mut(partition) {
            account.ledger.read += n_records;
            account.ledger.in_flight += n_records;
            account.last_seen = now;
            account.caught_up = false;
            account.idle = false;
        }
    }

    /// A lane is done with a batch.
    pub(crate) fn reported(&mut self, report: &Report) {
        let Some(account) = self.partitions.get_mut(&report.partition) else {
            return;
        };
        let start = Place {
            offset: account.done.offset,
            max_time: report.max_time_before,
        };
        for slot in &report.slots {
            account.open.entry(*slot).or_insert(start);
        }
        // In a run over everything, the lanes report out of order.
        if report.end_offset >= account.done.offset {
            account.done = Place {
                offset: report.end_offset,
                max_time: report.max_time,
            };
        }
        account.ledger.in_flight -= report.n_records.min(account.ledger.in_flight);
        // What was skipped is not counted as read.
        account.ledger.read -= report.ledger.skipped.min(account.ledger.read);
        account.ledger += Ledger {
            read: 0,
            in_flight: 0,
            ..report.ledger
        };
        debug_assert_eq!(account.ledger.conservation_gap(), 0, "{:?}", account.ledger);
    }

    /// Windows up to a time were delivered, and these slots with their last one; `number` says the how
    /// manyth time windows were closed.
    pub(crate) fn delivered(&mut self, slots: &[Slot], until: Option<Micros>, number: u64) {
        for account in self.partitions.values_mut() {
            for slot in slots {
                account.open.remove(slot);
            }
            if account.came_after < number {
                account.delivered_until = account.delivered_until.max(until);
            }
        }
    }

    /// A partition is gone for good, or somebody else's; gives whose windows its own were made with.
    pub(crate) fn forgotten(&mut self, partition: &PartitionId) -> Option<Share> {
        let account = self.partitions.remove(partition)?;
        self.closed += account.ledger;
        Some(account.share)
    }

    /// Whether a partition has no record in an open window or on its way.
    pub(crate) fn is_settled(&self, partition: &PartitionId) -> bool {
        let settled = |account: &Account| account.open.is_empty() && account.ledger.in_flight == 0;
        self.partitions.get(partition).is_none_or(settled)
    }

    /// Whether a partition has come and is not gone.
    pub(crate) fn is_known(&self, partition: &PartitionId) -> bool {
        self.partitions.contains_key(partition)
    }

    /// Whether nothing has come of a partition in this run.
    pub(crate) fn is_untouched(&self, partition: &PartitionId) -> bool {
        let untouched = |account: &Account| account.ledger == Ledger::default();
        self.partitions.get(partition).is_none_or(untouched)
    }

    /// There is nothing more to read in a partition now.
    pub(crate) fn caught_up(&mut self, partition: &PartitionId, now: Micros) {
        if let Some(account) = self.partitions.get_mut(partition) {
            // Said again it says nothing new.
            if !std::mem::replace(&mut account.caught_up, true) {
                account.last_seen = now;
            }
        }
    }

    /// For so long nobody looked for what may have come.
    pub(crate) fn not_looked(&mut self, micros: Micros) {
        for account in self.partitions.values_mut() {
            account.last_seen = account.last_seen.saturating_add(micros);
        }
    }

    /// Partitions of which nothing came since this time and that are not known to be idle yet; where the
    /// input says so of each, those of which all was read.
    pub(crate) fn newly_idle(&mut self, since: Micros, says_caught_up: bool) -> Vec<PartitionId> {
        let mut idle = Vec::new();
        for (id, account) in &mut self.partitions {
            let may_be = account.caught_up || !says_caught_up;
            let is_quiet = account.ledger.in_flight == 0 && account.last_seen <= since;
            if !account.idle && may_be && is_quiet {
                account.idle = true;
                idle.push(id.clone());
            }
        }
        idle
    }

    /// How far each partition is.
    pub(crate) fn checkpoint(&self) -> BTreeMap<String, PartitionCheckpoint> {
        let of = |account: &Account| {
            let from = account.open.values().copied().min().unwrap_or(account.done);
            PartitionCheckpoint {
                name: account.name.clone(),
                offset: from.offset,
                max_time: from.max_time,
                accounted: account.done.offset.max(account.accounted),
                closed_until: account.delivered_until,
            }
        };
        self.partitions
            .iter()
            .map(|(id, account)| (id.as_str().to_owned(), of(account)))
            .collect()
    }

    /// How every partition stands.
    pub(super) fn standings(&self) -> impl Iterator<Item = Standing<'_>> {
        self.partitions.iter().map(|(id, account)| {
            let done = account.done.offset.max(account.accounted);
            Standing {
                id,
                name: &account.name,
                ledger: &account.ledger,
                offset: (done > 0).then_some(done),
                max_time: account.done.max_time,
                is_idle: account.idle,
            }
        })
    }

    /// The account of everything so far.
    pub(crate) fn total(&self) -> Ledger {
        let mut total = self.closed;
        for account in self.partitions.values() {
            total += account.ledger;
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(n: u64, end_offset: u64, max_time: Micros, slots: &[Slot]) -> Report {
        Report {
            partition: PartitionId::new("p"),
            n_records: n,
            end_offset,
            ledger: Ledger {
                aggregated: n,
                ..Ledger::default()
            },
            invalid: Vec::new(),
            late: Vec::new(),
            max_time_before: Some(max_time - 10),
            max_time: Some(max_time),
            slots: slots.to_vec(),
        }
    }

    #[test]
    fn a_partition_is_read_again_from_the_first_batch_of_an_open_window() {
        let (p, first) = (PartitionId::new("p"), Share::default());
        let slot = |pane| Slot {
            pane,
            first: pane,
            share: first,
        };
        let mut accounts = Accounts::default();
        accounts.assigned(&p, first, &PartitionCheckpoint::default(), 0, 1, 0);
        for (end, slots) in [(10, [slot(0)]), (20, [slot(60)]), (30, [slot(0)])] {
            accounts.routed(&p, 5, 0);
            accounts.reported(&report(5, end, end as Micros, &slots));
        }
        assert_eq!(accounts.checkpoint()["p"].offset, 0);
        accounts.delivered(&[slot(0)], Some(60), 1);
        let checkpoint = &accounts.checkpoint()["p"];
        assert_eq!((checkpoint.offset, checkpoint.max_time), (10, Some(10)));
        assert_eq!(checkpoint.closed_until, Some(60));
        assert_eq!(checkpoint.accounted, 30);
        accounts.delivered(&[slot(60)], Some(120), 2);
        assert_eq!(accounts.checkpoint()["p"].offset, 30);
        assert_eq!(accounts.total().aggregated, 15);
        assert_eq!(accounts.total().conservation_gap(), 0);
    }

    #[test]
    fn a_partition_is_idle_once_all_was_read_and_nothing_came_for_long_enough() {
        let p = PartitionId::new("p");
        let mut accounts = Accounts::default();
        let came = PartitionCheckpoint::default();
        accounts.assigned(&p, Share::default(), &came, 0, 1, 100);
        let mut again = accounts.clone();
        let idle = |accounts: &mut Accounts, since| !accounts.newly_idle(since, true).is_empty();
        assert!(
            !idle(&mut accounts, 900),
            "nobody has said that all was read"
        );
        accounts.caught_up(&p, 200);
        assert!(!idle(&mut accounts, 199));
        accounts.caught_up(&p, 300);
        accounts.not_looked(50);
        assert!(!idle(&mut accounts, 249));
        assert!(idle(&mut accounts, 250));
        assert!(!idle(&mut accounts, 250), "it is so already");
        // There may be more, says a batch without records.
        accounts.routed(&p, 0, 400);
        assert!(!idle(&mut accounts, 900));
        // Where nobody ever says it, the time alone counts.
        assert_eq!(again.newly_idle(99, false), []);
        assert_eq!(again.newly_idle(100, false), [p]);
    }

    #[test]
    fn what_an_earlier_run_accounted_for_stays_so_while_it_is_read_again() {
        let p = PartitionId::new("p");
        let earlier = PartitionCheckpoint {
            name: "file".into(),
            offset: 10,
            max_time: Some(10),
            accounted: 30,
            closed_until: Some(5),
        };
        let mut accounts = Accounts::default();
        accounts.assigned(&p, Share::default(), &earlier, 0, 1, 0);
        assert_eq!(accounts.checkpoint()["p"], earlier);
        accounts.routed(&p, 5, 0);
        accounts.reported(&report(5, 20, 20, &[]));
        let checkpoint = &accounts.checkpoint()["p"];
        assert_eq!((checkpoint.offset, checkpoint.accounted), (20, 30));
    }

    #[test]
    fn what_was_closed_before_a_partition_came_is_not_of_its_windows() {
        let p = PartitionId::new("p");
        let mut accounts = Accounts::default();
        let from = PartitionCheckpoint {
            closed_until: Some(60),
            ..PartitionCheckpoint::default()
        };
        accounts.assigned(&p, Share(7), &from, 2, 1, 0);
        accounts.delivered(&[], Some(600), 2);
        assert_eq!(accounts.checkpoint()["p"].closed_until, Some(60));
        accounts.delivered(&[], Some(120), 3);
        assert_eq!(accounts.checkpoint()["p"].closed_until, Some(120));
        assert_eq!(accounts.forgotten(&p), Some(Share(7)));
    }
}
