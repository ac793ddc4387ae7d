//! Members of a stream over a source in memory: whatever they do, each gets all that is behind its place
//! once and in order, and the mark is never beyond the one that is least far.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use arrow::array::BinaryViewArray;
use async_trait::async_trait;
use datashark_sdk::Result;
use datashark_sdk::conf::Section;
use datashark_sdk::input::{
    Content, Input, InputBatch, InputEntry, InputEvent, Open, PartitionId, Payloads, Resume,
};
use proptest::prelude::*;
use serde::Deserialize;

use super::{Joined, Member, Stream, Streams};
use crate::clock::{Clock, ManualClock};

/// What a source has, and what was committed to it.
#[derive(Debug, Default)]
struct Log {
    n_records: u64,
    committed: BTreeMap<PartitionId, Resume>,
    n_given: u64,
    n_opened: u64,
    /// Nobody knows whether there is more.
    is_away: bool,
}

static LOGS: LazyLock<Mutex<BTreeMap<String, Log>>> = LazyLock::new(Mutex::default);
static N_LOGS: AtomicU64 = AtomicU64::new(0);

/// A source in memory: one partition, batches of three records, each its own offset as text.
struct Memory {
    log: String,
    at: u64,
    is_assigned: bool,
    has_begun: bool,
    is_caught_up: bool,
}

#[derive(Deserialize)]
struct MemoryConf {
    log: String,
}

fn partition() -> PartitionId {
    PartitionId::new("logs[0]")
}

#[async_trait]
impl Input for Memory {
    type Conf = MemoryConf;
    const NAME: &'static str = "memory";
    const ABOUT: &'static str = "a log in memory";
    const IS_SHARED: bool = true;

    async fn open(conf: MemoryConf, _: Open) -> Result<Self> {
        let mut logs = LOGS.lock().unwrap();
        let log = logs.get_mut(&conf.log).unwrap();
        log.n_opened += 1;
        let at = log.committed.get(&partition()).map_or(0, |it| it.offset);
        Ok(Memory {
            log: conf.log,
            at,
            is_assigned: false,
            has_begun: false,
            is_caught_up: false,
        })
    }

    async fn next(&mut self) -> Result<Option<InputEvent>> {
        let n = {
            let mut logs = LOGS.lock().unwrap();
            let log = logs.get_mut(&self.log).unwrap();
            if !std::mem::replace(&mut self.is_assigned, true) {
                let resume = log.committed.get(&partition()).cloned();
                let name = "logs[0]".to_owned();
                let partition = partition();
                return Ok(Some(InputEvent::Assigned {
                    partition,
                    name,
                    resume,
                }));
            }
            // As Kafka's does, it says where it begins.
            let n = match std::mem::replace(&mut self.has_begun, true) {
                true => Some((log.n_records - self.at).min(3)).filter(|n| *n > 0),
                false => Some(0),
            };
            log.n_given += n.unwrap_or(0);
            match n {
                None if log.is_away && self.is_caught_up => Some(0),
                None if !log.is_away && !std::mem::replace(&mut self.is_caught_up, true) => {
                    return Ok(Some(InputEvent::CaughtUp(partition())));
                }
                n => n,
            }
        };
        let Some(n) = n else {
            return std::future::pending().await;
        };
        self.is_caught_up = false;
        let texts: Vec<String> = (self.at..self.at + n).map(|it| it.to_string()).collect();
        let batch = InputBatch {
            partition: partition(),
            content: Content::Payloads(Payloads {
                records: BinaryViewArray::from_iter_values(texts.iter().map(String::as_bytes)),
                offsets: (self.at..self.at + n).collect(),
                header: None,
                first_line: None,
                beside: None,
            }),
            end_offset: self.at + n,
            n_bytes: 0,
            oversized: Vec::new(),
            unreadable: Vec::new(),
            arrival: None,
        };
        self.at += n;
        Ok(Some(InputEvent::Batch(batch)))
    }

    async fn acknowledge(&mut self, done: &BTreeMap<PartitionId, Resume>) -> Result<()> {
        let mut logs = LOGS.lock().unwrap();
        let log = logs.get_mut(&self.log).unwrap();
        log.committed.extend(done.clone());
        Ok(())
    }

    async fn seek(&mut self, to: &BTreeMap<PartitionId, u64>) -> Result<()> {
        self.at = to[&partition()];
        self.has_begun = true;
        Ok(())
    }
}

/// A source of so many records.
fn log(n_records: u64) -> String {
    let name = N_LOGS.fetch_add(1, Ordering::Relaxed).to_string();
    let log = Log {
        n_records,
        ..Log::default()
    };
    LOGS.lock().unwrap().insert(name.clone(), log);
    name
}

/// How a source stands from now on.
fn set(log: &str, is_away: bool, n_records: u64) {
    let mut logs = LOGS.lock().unwrap();
    let log = logs.get_mut(log).unwrap();
    (log.is_away, log.n_records) = (is_away, n_records);
}

/// How far the group is; `None` while nothing was committed.
fn committed(log: &str) -> Option<u64> {
    let logs = LOGS.lock().unwrap();
    logs[log].committed.get(&partition()).map(|it| it.offset)
}

/// A use case that reads a stream, with what it keeps in its state folder.
struct UseCase {
    name: &'static str,
    joined: Joined,
    member: Option<Member>,
    /// What it has acknowledged.
    state: Option<u64>,
    /// What it has to be given next; `None` until it knows.
    expected: Option<u64>,
    has_come: bool,
    /// It was told that there is nothing more.
    is_caught_up: bool,
}

impl UseCase {
    fn join(streams: &Streams, log: &str, name: &'static str) -> Self {
        let section = Section::from_iter([("log", log)]);
        let key = (Memory::NAME, format!("{section:?}"));
        let mut all = streams.locked();
        let stream: &mut Stream = all.entry(key.clone()).or_default();
        stream.use_cases.insert(name.to_owned(), Vec::new());
        stream.tell();
        drop(all);
        UseCase {
            name,
            joined: Joined {
                streams: streams.clone(),
                key,
                entry: InputEntry::of::<Memory>(),
                section,
            },
            member: None,
            state: None,
            expected: None,
            has_come: false,
            is_caught_up: false,
        }
    }

    /// How far the group may be for it: one that is new begins where the stream is when it comes.
    fn holds(&self) -> Option<u64> {
        self.state.or((!self.has_come).then_some(0))
    }

    fn attach(&mut self, clock: &Arc<ManualClock>) {
        let resume = self.state.map(|at| (partition(), Resume::at(at)));
        let open = Open {
            use_case: self.name.to_owned(),
            resume: resume.into_iter().collect(),
            ..Open::default()
        };
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
        self.expected = self.state;
        self.has_come = true;
        self.member = Some(self.joined.attach(open, None, clock).unwrap());
    }

    /// Takes what there is to take now, so many events at most; each record has to be the next one.
    async fn take(&mut self, n_events: usize) {
        let Some(member) = &mut self.member else {
            return;
        };
        for _ in 0..n_events {
            let Some(event) = soon(member.next()).await else {
                return;
            };
            match event.unwrap().event {
                InputEvent::Assigned { resume, .. } => {
                    let told = resume.map(|resume| resume.offset);
                    self.expected = self.expected.max(told);
                }
                InputEvent::CaughtUp(_) => self.is_caught_up = true,
                InputEvent::Batch(batch) => {
                    self.is_caught_up = false;
                    let Content::Payloads(payloads) = &batch.content else {
                        panic!("bytes")
                    };
                    for offset in &payloads.offsets[..] {
                        let expected = self.expected.unwrap_or(*offset);
                        assert_eq!(*offset, expected, "{}", self.name);
                        self.expected = Some(offset + 1);
                    }
                    self.expected = self.expected.max(Some(batch.end_offset));
                }
                _ => {}
            }
        }
    }

    async fn acknowledge(&mut self) {
        if let (Some(member), Some(done)) = (&self.member, self.expected) {
            self.state = Some(done);
            member.acknowledge([(partition(), Resume::at(done))].into());
            settle().await;
        }
    }
}

/// Lets all tasks do what they can do without time going on.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// What a future gives without time going on.
async fn soon<T>(future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = future => Some(done),
        () = settle() => None,
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Attach,
    Take(usize),
    Acknowledge,
    Detach,
    Wait,
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let step = prop_oneof![
        3 => Just(Step::Attach),
        6 => (1..9usize).prop_map(Step::Take),
        3 => Just(Step::Acknowledge),
        1 => Just(Step::Detach),
        2 => Just(Step::Wait),
    ];
    (0..3usize, step)
}

async fn walk(n_records: u64, steps: Vec<(usize, Step)>) {
    let (log, clock) = (log(n_records), Arc::new(ManualClock::at(0)));
    let streams = Streams::default();
    let mut use_cases = ["a", "b", "c"].map(|name| UseCase::join(&streams, &log, name));
    let wait = |clock: &ManualClock| clock.set(clock.now() + 3_000_000);
    for (idx, step) in steps {
        let use_case = &mut use_cases[idx];
        match step {
            Step::Attach if use_case.member.is_none() => use_case.attach(&clock),
            Step::Attach => {}
            Step::Take(n_events) => use_case.take(n_events).await,
            Step::Acknowledge => use_case.acknowledge().await,
            Step::Detach => use_case.member = None,
            Step::Wait => wait(&clock),
        }
        settle().await;
        let least = use_cases.iter().filter_map(UseCase::holds).min();
        assert!(committed(&log) <= least.or(Some(n_records)));
    }
    // In the end all take all, whoever was slow or away.
    for use_case in &mut use_cases {
        if use_case.member.is_none() {
            use_case.attach(&clock);
        }
    }
    for _ in 0..200 {
        wait(&clock);
        settle().await;
        for use_case in &mut use_cases {
            use_case.take(usize::MAX).await;
        }
    }
    for use_case in &mut use_cases {
        assert_eq!(use_case.expected, Some(n_records), "{}", use_case.name);
        use_case.acknowledge().await;
    }
    assert_eq!(committed(&log), Some(n_records));
    assert_eq!(LOGS.lock().unwrap()[&log].n_opened, 1);
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn each_gets_all_that_is_behind_its_place_once_whatever_the_others_do(
        n_records in 0..60u64, steps in prop::collection::vec(step(), 0..60),
    ) {
        block_on(walk(n_records, steps));
    }
}

#[test]
fn who_was_left_behind_is_told_of_no_more_than_it_has_had() {
    use Step::{Acknowledge, Attach, Detach, Take, Wait};
    let first = [(0, Attach), (2, Attach), (0, Wait), (0, Acknowledge)];
    let then = [
        (1, Attach),
        (1, Detach),
        (2, Take(1)),
        (2, Take(5)),
        (0, Wait),
    ];
    block_on(walk(22, first.into_iter().chain(then).collect()));
}

#[test]
fn who_is_not_slow_goes_on_without_who_takes_nothing() {
    block_on(async {
        let (log, clock) = (log(300), Arc::new(ManualClock::at(0)));
        let streams = Streams::default();
        let [mut quick, mut stuck] = ["quick", "stuck"].map(|it| UseCase::join(&streams, &log, it));
        quick.attach(&clock);
        stuck.attach(&clock);
        quick.take(usize::MAX).await;
        assert!(quick.expected < Some(30), "as far as the slow one has room");
        clock.set(10_000_000);
        quick.take(usize::MAX).await;
        assert_eq!(quick.expected, Some(300));
        quick.acknowledge().await;
        // What the slow one has not had is not lost.
        assert_eq!(committed(&log), Some(0));
        for turn in 2..80 {
            stuck.take(usize::MAX).await;
            clock.set(turn * 10_000_000);
            settle().await;
        }
        assert_eq!(stuck.expected, Some(300));
        stuck.acknowledge().await;
        assert_eq!(committed(&log), Some(300));
        // The one was read for once more from where it was, not both all the time.
        assert!(LOGS.lock().unwrap()[&log].n_given <= 600);
    });
}

#[test]
fn each_knows_whether_there_may_be_more() {
    block_on(async {
        let (log, clock) = (log(3), Arc::new(ManualClock::at(0)));
        let streams = Streams::default();
        let mut all = ["a", "b"].map(|it| UseCase::join(&streams, &log, it));
        all.iter_mut().for_each(|it| it.attach(&clock));
        for (is_away, n_records) in [(false, 3), (true, 3), (false, 3), (true, 9), (false, 9)] {
            set(&log, is_away, n_records);
            // The source is looked at again.
            clock.set(clock.now() + 10_000_000);
            for use_case in &mut all {
                settle().await;
                use_case.take(usize::MAX).await;
                let (name, expected) = (use_case.name, use_case.expected);
                assert_eq!(use_case.is_caught_up, !is_away, "{name} at {n_records}");
                assert_eq!(expected, Some(n_records), "{name}");
            }
        }
        // One that begins anew is read for again; the other hears that this is not yet the end.
        let [a, b] = &mut all;
        (a.member, a.state) = (None, Some(0));
        a.attach(&clock);
        settle().await;
        b.take(1).await;
        assert!(!b.is_caught_up);
        for use_case in [a, b] {
            clock.set(clock.now() + 10_000_000);
            settle().await;
            use_case.take(usize::MAX).await;
            assert!(use_case.is_caught_up);
            assert_eq!(use_case.expected, Some(9));
        }
    });
}

#[test]
fn one_that_leaves_for_good_no_longer_holds_the_mark() {
    block_on(async {
        let (log, clock) = (log(30), Arc::new(ManualClock::at(0)));
        let streams = Streams::default();
        let [mut a, _b] = ["a", "b"].map(|it| UseCase::join(&streams, &log, it));
        a.attach(&clock);
        settle().await;
        clock.set(10_000_000);
        a.take(usize::MAX).await;
        a.acknowledge().await;
        assert_eq!(committed(&log), Some(0));
        streams.leave("B");
        settle().await;
        assert_eq!(committed(&log), Some(30));
        drop(a);
        streams.close().await;
    });
}

#[test]
fn a_use_case_that_is_new_begins_where_the_stream_is() {
    block_on(async {
        let (log, clock) = (log(30), Arc::new(ManualClock::at(0)));
        let streams = Streams::default();
        let mut a = UseCase::join(&streams, &log, "a");
        a.attach(&clock);
        a.take(usize::MAX).await;
        assert_eq!(a.expected, Some(30));
        let mut b = UseCase::join(&streams, &log, "b");
        b.attach(&clock);
        b.take(usize::MAX).await;
        assert_eq!(b.expected, Some(30));
        assert_eq!(LOGS.lock().unwrap()[&log].n_given, 30);
    });
}
