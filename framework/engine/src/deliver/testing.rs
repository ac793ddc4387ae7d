//! Findings and outputs for the tests of delivery.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use async_trait::async_trait;
use datashark_sdk::input::Micros;
use datashark_sdk::output::{DynOutput, Fate, FindingsBatch, Outcome};
use datashark_sdk::{Findings, Result, Window};

use crate::clock::Clock;

/// Findings with these keys of the window that ends at a minute.
pub(crate) fn findings(minute: i64, keys: &[&str]) -> FindingsBatch {
    let scores: ArrayRef = Arc::new(Float64Array::from(vec![1.5; keys.len()]));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("key", Arc::new(StringArray::from(keys.to_vec()))),
        ("score", scores),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let findings = Findings::try_from_rows(&rows).unwrap();
    let window = Window {
        start: (minute - 1) * 60_000_000,
        end: minute * 60_000_000,
    };
    let ids = findings.ids("x", &window).into();
    FindingsBatch {
        use_case: "x".into(),
        window,
        time: window.end,
        findings,
        ids,
    }
}

/// What an output says to each call, given the call's number and the findings.
type Answer = Box<dyn FnMut(usize, &[FindingsBatch]) -> Outcome + Send>;

/// An output that keeps the keys of what it called safe, `minute:key`.
pub(crate) struct Scripted {
    pub(crate) answer: Answer,
    pub(crate) has: Arc<Mutex<Vec<String>>>,
    pub(crate) n_calls: usize,
}

impl Scripted {
    /// An output and what it will have.
    pub(crate) fn answering(
        answer: impl FnMut(usize, &[FindingsBatch]) -> Outcome + Send + 'static,
    ) -> (Box<dyn DynOutput>, Arc<Mutex<Vec<String>>>) {
        let has = Arc::new(Mutex::new(Vec::new()));
        let output = Scripted {
            answer: Box::new(answer),
            has: Arc::clone(&has),
            n_calls: 0,
        };
        (Box::new(output), has)
    }
}

#[async_trait]
impl DynOutput for Scripted {
    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        self.n_calls += 1;
        let outcome = (self.answer)(self.n_calls, batches);
        let names: Vec<String> = batches
            .iter()
            .flat_map(|batch| {
                let minute = batch.window.end / 60_000_000;
                let keys = batch.findings.keys().iter().flatten();
                keys.map(move |key| format!("{minute}:{key}"))
            })
            .collect();
        let mut has = self.has.lock().unwrap();
        match &outcome {
            Outcome::Safe => has.extend(names),
            Outcome::Each(fates) => {
                let safe = names.into_iter().zip(fates);
                let safe = safe.filter(|(_, fate)| **fate == Fate::Safe);
                has.extend(safe.map(|(name, _)| name));
            }
            Outcome::Again(_) | Outcome::Stop(_) => {}
        }
        outcome
    }

    async fn sync(&mut self) -> Result<Option<String>> {
        Ok(Some(self.has.lock().unwrap().len().to_string()))
    }

    fn delivered(&self, _: usize) -> String {
        String::new()
    }
}

/// A clock on which whatever is waited for comes at once.
#[derive(Default)]
pub(crate) struct HastyClock(AtomicI64);

#[async_trait]
impl Clock for HastyClock {
    fn now(&self) -> Micros {
        self.0.load(Ordering::SeqCst)
    }

    async fn wait_until(&self, time: Micros) {
        tokio::task::yield_now().await;
        self.0.fetch_max(time, Ordering::SeqCst);
    }
}
