//! Counts the pairs of document and word of the training records: incrementally, a state for each
//! thread.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringViewBuilder, UInt8Array, UInt64Array};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Schema};
use datashark_sdk::{Error, Reduce, Refused, Result};
use serde::{Deserialize, Serialize};

use crate::columns::{Answers, Flows, Requests};
use crate::feedback::WithoutProtocol;
use crate::flow_cache::FlowCache;
use crate::kind::Kind;
use crate::pairs::{Pairs, Pending, push_agent};
use crate::texts::Texts;
use crate::wording::Wording;

/// Counts pairs.
pub struct Count {
    wording: Wording,
    /// Lines of the feedback that lack a protocol.
    without_protocol: WithoutProtocol,
}

/// What has been counted.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Counted {
    /// The pairs.
    pub pairs: Pairs,
    #[serde(skip)]
    /// The numbers of words.
    cache: FlowCache<u32>,
}

impl Count {
    /// Counts the words that these records have.
    pub fn new(wording: Wording, without_protocol: WithoutProtocol) -> Self {
        Count {
            wording,
            without_protocol,
        }
    }

    fn flows(&self, counted: &mut Counted, batch: &RecordBatch) {
        let flows = Flows::of(batch);
        let words = self.wording.words;
        let Counted { pairs, cache } = counted;
        let (mut pending, mut source, mut destination) = Default::default();
        for row in 0..batch.num_rows() {
            let word = self.wording.flow(&flows.flow(row));
            let ids = cache.get(&word, || {
                word.write_both(words, &mut source, &mut destination);
                (pairs.words.id(&source), pairs.words.id(&destination))
            });
            let sip = pairs.documents.id(flows.sip.get(row).unwrap_or_default());
            let dip = pairs.documents.id(flows.dip.get(row).unwrap_or_default());
            pairs.add(sip, ids.0, &mut pending);
            pairs.add(dip, ids.1, &mut pending);
        }
        pairs.add_pending(&mut pending);
        if !self.without_protocol.is_empty() {
            for (line, protocol) in self.without_protocol.found_in(&flows, batch.num_rows()) {
                pairs.note_protocol(line, protocol);
            }
        }
    }

    fn answers(&self, pairs: &mut Pairs, batch: &RecordBatch) {
        let answers = Answers::of(batch);
        let mut words = self.wording.dns();
        let (mut pending, mut word) = (Pending::default(), String::new());
        for row in 0..batch.num_rows() {
            // What no word can be made of was refused.
            if words.write(&answers.answer(row), &mut word).is_err() {
                continue;
            }
            let document = pairs
                .documents
                .id(answers.ip_dst.get(row).unwrap_or_default());
            let word = pairs.words.id(&word);
            pairs.add(document, word, &mut pending);
        }
        pairs.add_pending(&mut pending);
    }

    fn requests(&self, pairs: &mut Pairs, batch: &RecordBatch) {
        let requests = Requests::of(batch);
        let mut words = self.wording.proxy();
        let (mut pending, mut open) = (Pending::default(), String::new());
        for row in 0..batch.num_rows() {
            if words.write(&requests.request(row), &mut open).is_err() {
                continue;
            }
            let agent = pairs.add_agent(requests.agent(row), 1);
            let document = pairs
                .documents
                .id(requests.clientip.get(row).unwrap_or_default());
            push_agent(&mut open, agent);
            let word = pairs.words.id(&open);
            pairs.add(document, word, &mut pending);
        }
        pairs.add_pending(&mut pending);
    }
}

impl Reduce for Count {
    type State = Counted;

    fn refused(&self, batch: &RecordBatch) -> Option<Vec<Refused>> {
        Some(self.wording.refused(batch))
    }

    fn add(&self, counted: &mut Counted, batch: &RecordBatch) {
        match self.wording.kind {
            Kind::Flow => self.flows(counted, batch),
            Kind::Dns => self.answers(&mut counted.pairs, batch),
            Kind::Proxy => self.requests(&mut counted.pairs, batch),
        }
    }

    fn merge(&self, counted: &mut Counted, mut other: Counted) {
        if counted.pairs.len() < other.pairs.len() {
            std::mem::swap(counted, &mut other);
        }
        counted.pairs.merge(other.pairs);
    }

    fn rows(&self, counted: Counted) -> Result<RecordBatch> {
        rows_of(&counted.pairs)
    }

    fn size_bytes(&self, counted: &Counted) -> usize {
        counted.pairs.size_bytes()
    }
}

/// What a row of the counts is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Row {
    /// A document, a word, and how often it has it.
    Pair = 0,
    /// A user agent's number and text, and how many requests have it.
    Agent = 1,
    /// A line of the feedback, and the protocol of its flow.
    Protocol = 2,
}

/// The counts as rows: `key`, `kind`, `word`, `count`; pairs in the order of documents and words.
fn rows_of(pairs: &Pairs) -> Result<RecordBatch> {
    let (document_ranks, word_ranks) = (pairs.documents.ranks(), pairs.words.ranks());
    let mut all: Vec<(u32, u32, u64)> = pairs.iter().collect();
    all.sort_unstable_by_key(|(document, word, _)| {
        (
            document_ranks[*document as usize],
            word_ranks[*word as usize],
        )
    });
    let n_rows = all.len() + pairs.agents.len() + pairs.protocols.len();
    let mut keys = Views::of(&pairs.documents, n_rows);
    let mut words = Views::of(&pairs.words, n_rows);
    let (mut kinds, mut counts) = (Vec::with_capacity(n_rows), Vec::with_capacity(n_rows));
    for (document, word, count) in all {
        keys.push(document)?;
        words.push(word)?;
        kinds.push(Row::Pair as u8);
        counts.push(count);
    }
    for (id, agent) in pairs.agents.iter().enumerate() {
        keys.views.append_value(id.to_string());
        words.views.append_value(agent);
        kinds.push(Row::Agent as u8);
        counts.push(pairs.n_of_agent(id as u32));
    }
    for (line, protocol) in &pairs.protocols {
        keys.views.append_value(line.to_string());
        words.views.append_value(protocol);
        kinds.push(Row::Protocol as u8);
        counts.push(0);
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(keys.views.finish()),
        Arc::new(UInt8Array::from(kinds)),
        Arc::new(words.views.finish()),
        Arc::new(UInt64Array::from(counts)),
    ];
    let schema = Schema::new(vec![
        Field::new("key", DataType::Utf8View, false),
        Field::new("kind", DataType::UInt8, false),
        Field::new("word", DataType::Utf8View, false),
        Field::new("count", DataType::UInt64, false),
    ]);
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

/// A column of views into texts that are kept once.
struct Views<'a> {
    texts: &'a Texts,
    views: StringViewBuilder,
    blocks: Vec<u32>,
}

/// The most bytes of a block that views can point into.
const BLOCK_BYTES: usize = 1 << 30;

impl<'a> Views<'a> {
    fn of(texts: &'a Texts, n_rows: usize) -> Self {
        let mut views = StringViewBuilder::with_capacity(n_rows);
        let blocks = texts.as_bytes().chunks(BLOCK_BYTES);
        let blocks = blocks.map(|block| views.append_block(Buffer::from(block)));
        let blocks = blocks.collect();
        Views {
            texts,
            views,
            blocks,
        }
    }

    fn push(&mut self, id: u32) -> Result<()> {
        let range = self.texts.range(id);
        let (block, start) = (range.start / BLOCK_BYTES, range.start % BLOCK_BYTES);
        let in_one_block = start + range.len() <= BLOCK_BYTES;
        match self.blocks.get(block).filter(|_| in_one_block) {
            Some(block) => {
                let (start, len) = (start as u32, range.len() as u32);
                let pushed = self.views.try_append_view(*block, start, len);
                pushed.map_err(Error::from)
            }
            None => {
                self.views.append_value(self.texts.text(id));
                Ok(())
            }
        }
    }
}
