//! Counts the pairs of document and word of the training records: incrementally, a state for each
//! thread.

use std::path::Path;
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

    fn spill(&self, counted: &mut Counted, folder: &Path) -> Result<bool> {
        let spilled = counted.pairs.spill(folder);
        spilled.map_err(|error| {
            let what = format!("putting counts into a file in {}", folder.display());
            Error::io(what, error)
        })
    }

    fn memory(&self) -> Option<String> {
        let text = "while counting, about 40 bytes for each pair of address and word and 70 for each address, in \
                    each worker; pairs beyond `[engine] memory_limit` go to files in the state folder, 16 bytes \
                    each; what is learnt of has all pairs in memory, about 120 bytes each";
        Some(text.to_owned())
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
    let all = pairs.all();
    let mut all =
        all.map_err(|error| Error::io("reading counts that were put into a file", error))?;
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A part of a day: pairs, in the order in which they came.
    type Part = Vec<(u8, u8)>;

    /// What a thread counts of its part, with its table put into a file behind some of the pairs.
    fn counted(part: &Part, spills: &[usize], folder: &std::path::Path) -> Pairs {
        let mut pairs = Pairs::default();
        for (row, (document, word)) in part.iter().enumerate() {
            let mut pending = Pending::default();
            let document = pairs.documents.id(&format!("10.0.0.{document}"));
            let agent = pairs.add_agent(&format!("agent {}", word % 3), 1);
            let mut open = format!("word {word}");
            push_agent(&mut open, agent);
            let word = pairs.words.id(&open);
            pairs.add(document, word, &mut pending);
            pairs.add_pending(&mut pending);
            if spills.contains(&row) {
                pairs.spill_always(folder);
            }
        }
        pairs
    }

    fn sums(rows: &RecordBatch) -> BTreeMap<(String, String), u64> {
        use arrow::array::AsArray;
        let (keys, words) = (
            rows.column(0).as_string_view(),
            rows.column(2).as_string_view(),
        );
        let counts = rows
            .column(3)
            .as_primitive::<arrow::datatypes::UInt64Type>();
        (0..rows.num_rows())
            .map(|row| {
                (
                    (keys.value(row).into(), words.value(row).into()),
                    counts.value(row),
                )
            })
            .collect()
    }

    proptest! {
        #[test]
        fn what_was_put_into_files_is_counted_as_if_it_had_not(
            parts in prop::collection::vec(prop::collection::vec((0_u8..9, 0_u8..9), 0..60), 1..4),
            spills in prop::collection::vec(0_usize..60, 0..6),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let count = |spills: &[usize]| {
                let mut merged = Pairs::default();
                for part in &parts {
                    merged.merge(counted(part, spills, folder.path()));
                }
                merged
            };
            let (plain, spilled) = (count(&[]), count(&spills));
            prop_assert_eq!(plain.n_spilled(), 0);
            let (expected, found) = (rows_of(&plain).unwrap(), rows_of(&spilled).unwrap());
            prop_assert_eq!(&expected, &found);
            let n_pairs: u64 = sums(&found).into_iter().filter(|((key, _), _)| key.starts_with("10.")).map(|(_, n)| n).sum();
            prop_assert_eq!(n_pairs as usize, parts.iter().map(Vec::len).sum::<usize>());
            // A state that is saved has what is in files.
            let saved = serde_json::to_string(&spilled).unwrap();
            let loaded: Pairs = serde_json::from_str(&saved).unwrap();
            prop_assert_eq!(&expected, &rows_of(&loaded).unwrap());
        }
    }

    #[test]
    fn a_table_is_put_into_a_file_where_that_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut pairs = Pairs::default();
        assert!(!pairs.spill(folder.path()).unwrap(), "there is nothing");
        let mut pending = Pending::default();
        let words: Vec<u32> = (0..50)
            .map(|word| pairs.words.id(&format!("word {word}")))
            .collect();
        for document in 0..400 {
            let document =
                pairs
                    .documents
                    .id(&format!("10.0.{}.{}", document / 100, document % 100));
            for word in &words {
                pairs.add(document, *word, &mut pending);
            }
        }
        pairs.add_pending(&mut pending);
        let before = pairs.size_bytes();
        assert!(pairs.spill(folder.path()).unwrap());
        assert_eq!((pairs.n_spilled(), pairs.len()), (20_000, 20_000));
        assert!(
            pairs.size_bytes() < before / 4,
            "{} of {before}",
            pairs.size_bytes()
        );
        assert!(!pairs.spill(folder.path()).unwrap(), "only texts are left");
    }
}
