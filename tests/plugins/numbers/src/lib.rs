//! An input for tests: numbers as records, ten at a time, and at one of them what an input should not do.

use std::path::PathBuf;

use arrow::array::BinaryViewArray;
use async_trait::async_trait;
use datashark_sdk::input::{
    Content, Input, InputBatch, InputEvent, Open, PartitionId, Payloads, Resume,
};
use datashark_sdk::{Error, Result};

/// So many at a time.
const BATCH: u64 = 10;

/// Gives numbers.
pub struct Numbers {
    conf: Conf,
    next: u64,
    is_told: bool,
}

/// Its keys.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conf {
    /// How many there are.
    n: u64,
    /// What it does at the number `at`.
    #[serde(default)]
    does: String,
    #[serde(default)]
    at: u64,
    /// It does it once: a file that says that it did.
    #[serde(default)]
    once: Option<PathBuf>,
}

impl Numbers {
    fn misbehaves(&self) -> Result<()> {
        if self.conf.does.is_empty() {
            return Ok(());
        }
        if let Some(mark) = &self.conf.once {
            if mark.exists() {
                return Ok(());
            }
            std::fs::write(mark, "").map_err(|error| Error::io("marking", error))?;
        }
        match self.conf.does.as_str() {
            "panic" => panic!("told to"),
            "abort" => std::process::abort(),
            "exit" => std::process::exit(0),
            "loop" => loop {
                std::thread::sleep(std::time::Duration::from_secs(1));
            },
            "memory" => {
                let mut held: Vec<Vec<u8>> = Vec::new();
                loop {
                    held.push(vec![1; 1 << 20]);
                }
            }
            _ => Err(Error::data("told to fail")),
        }
    }
}

#[async_trait]
impl Input for Numbers {
    type Conf = Conf;
    const NAME: &'static str = "test-numbers";
    const ABOUT: &'static str = "numbers, for tests";
    // Neither is what an input has that says nothing.
    const IS_SHARED: bool = true;
    const READS_AGAIN: bool = false;

    async fn open(conf: Conf, open: Open) -> Result<Self> {
        let resume = open.resume.get(&PartitionId::new("p"));
        Ok(Numbers {
            conf,
            next: resume.map_or(0, |resume| resume.offset),
            is_told: false,
        })
    }

    async fn next(&mut self) -> Result<Option<InputEvent>> {
        let partition = PartitionId::new("p");
        if !self.is_told {
            self.is_told = true;
            let (name, resume) = ("numbers".to_owned(), Some(Resume::at(self.next)));
            return Ok(Some(InputEvent::Assigned {
                partition,
                name,
                resume,
            }));
        }
        let end = (self.next + BATCH).min(self.conf.n);
        if self.next == end {
            return Ok(None);
        }
        if (self.next..end).contains(&self.conf.at) {
            self.misbehaves()?;
        }
        let offsets: Vec<u64> = (self.next..end).collect();
        let records = offsets.iter().map(|number| number.to_string());
        let batch = InputBatch {
            partition,
            content: Content::Payloads(Payloads {
                records: BinaryViewArray::from_iter_values(records),
                offsets: offsets.into(),
                header: None,
                first_line: None,
                beside: None,
            }),
            end_offset: end,
            n_bytes: 2 * (end - self.next),
            oversized: Vec::new(),
            unreadable: Vec::new(),
            arrival: None,
        };
        self.next = end;
        Ok(Some(InputEvent::Batch(batch)))
    }
}

datashark_sdk::plugin_symbol!(input, Numbers);
