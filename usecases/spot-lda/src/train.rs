//! From the counts of a day, and an analyst's feedback, to a model.

use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{UInt8Type, UInt64Type};
use datashark_ml::lda::Counts;
use datashark_sdk::{Batches, Error, Result};
use tracing::{info, warn};

use crate::columns::{Answers, Flows, Requests};
use crate::count::Row;
use crate::feedback::Feedback;
use crate::kind::Kind;
use crate::model::{Marked, Parts, SpotModel};
use crate::pairs::split_agent;
use crate::settings::{Settings, Words};
use crate::texts::Texts;
use crate::word::proxy::complete;
use crate::wording::Wording;

/// Learns the topics of a day.
///
/// # Errors
/// There is no word to learn from.
pub(crate) fn train(
    settings: &Settings,
    wording: &Wording,
    feedback: &Feedback,
    rows: Batches<'_>,
) -> Result<SpotModel> {
    let mut day = Day::of(rows)?;
    let (n_documents, n_words) = (day.documents.len(), day.vocabulary.len());
    day.add_feedback(settings, wording, feedback)?;
    // As Spot has it, feedback is more of the day's traffic, from which all topics are learnt anew. With
    // `v2` topics are the day's alone, to the bit: what was not marked keeps its score.
    let (n_documents, n_words) = match settings.words {
        Words::Spot11 => (day.documents.len(), day.vocabulary.len()),
        Words::V2 => (n_documents, n_words),
    };
    let (own, marked) = day.settle(n_documents, n_words);
    let pairs = merged([own.as_slice(), marked.as_slice()].concat());
    let (documents, vocabulary) = (day.documents, day.vocabulary);
    let (learnt, marked) = match settings.words {
        Words::Spot11 => (&pairs, Vec::new()),
        Words::V2 => (&own, Marked::of(&own, &marked)),
    };
    let counts = Counts::from_triples(n_documents, n_words, learnt.iter().copied());
    let counts = counts.map_err(|error| Error::data(error.to_string()))?;
    let fitted = settings.lda().fit(&counts);
    let fitted = fitted.map_err(|error| Error::data(format!("learning topics: {error}")))?;
    let mut mixes: Vec<f64> = fitted.doc_topics().iter().copied().collect();
    let mut probabilities: Vec<f64> = fitted.word_topics().iter().copied().collect();
    // What the feedback alone has is in no topic.
    mixes.resize(documents.len() * settings.topics, 0.0);
    probabilities.resize(vocabulary.len() * settings.topics, 0.0);
    if settings.is_single_precision {
        for share in &mut mixes {
            *share = f64::from(*share as f32);
        }
    }
    info!(
        n_documents = documents.len(),
        n_words = vocabulary.len(),
        n_pairs = pairs.len(),
        seed = settings.seed,
        words = settings.words.name(),
        "topics were learnt"
    );
    SpotModel::try_new(Parts {
        kind: settings.kind,
        words: settings.words,
        optimizer: settings.optimizer,
        n_topics: settings.topics,
        documents,
        vocabulary,
        mixes,
        probabilities,
        pairs,
        marked,
        agents: day.agents,
        n_of_agent: day.n_of_agent,
    })
}

/// A document, a word, and how often it has it.
type Pair = (u32, u32, u64);

/// A day's counts.
#[derive(Default)]
struct Day {
    documents: Texts,
    vocabulary: Texts,
    triples: Vec<Pair>,
    /// The same of what an analyst marked.
    marked: Vec<Pair>,
    agents: Texts,
    n_of_agent: Vec<u64>,
    /// The protocols of lines of the feedback.
    protocols: BTreeMap<usize, String>,
}

impl Day {
    /// Of the rows that [`Count`](crate::count::Count) gives.
    fn of(rows: Batches<'_>) -> Result<Self> {
        let mut day = Day::default();
        let mut agents: Vec<(u32, &str, u64)> = Vec::new();
        for batch in rows.iter() {
            for (kind, key, word, count) in Rows::try_new(batch)?.others() {
                let number = key.parse().unwrap_or_default();
                match kind == Row::Agent as u8 {
                    true => agents.push((number, word, count)),
                    false => {
                        day.protocols.insert(number as usize, word.to_owned());
                    }
                }
            }
        }
        // How many requests have the agent of each number of the counts.
        let mut n_of_number = vec![0; agents.len()];
        agents.sort_unstable_by_key(|(_, agent, _)| *agent);
        for (number, agent, n_requests) in agents {
            day.agents.id(agent);
            day.n_of_agent.push(n_requests);
            if let Some(n_of_number) = n_of_number.get_mut(number as usize) {
                *n_of_number = n_requests;
            }
        }
        let mut full = String::new();
        for batch in rows.iter() {
            for (document, word, count) in Rows::try_new(batch)?.pairs() {
                let document = day.documents.id(document);
                let word = match split_agent(word) {
                    None => day.vocabulary.id(word),
                    Some((open, agent)) => {
                        let n_requests = n_of_number.get(agent as usize);
                        complete(open, n_requests.copied().unwrap_or_default(), &mut full);
                        day.vocabulary.id(&full)
                    }
                };
                day.triples.push((document, word, count));
            }
        }
        Ok(day)
    }

    /// Adds the words of what an analyst marked as harmless.
    fn add_feedback(
        &mut self,
        settings: &Settings,
        wording: &Wording,
        feedback: &Feedback,
    ) -> Result<()> {
        for (line, reason) in &feedback.skipped {
            warn!(line, %reason, "a line of the feedback was left out");
        }
        if feedback.is_empty() {
            return Ok(());
        }
        let protocols = &self.protocols;
        let records = feedback.records(wording.kind, |line| protocols.get(&line).cloned())?;
        let lines: Vec<usize> = feedback.numbers().collect();
        let mut is_used = vec![true; records.num_rows()];
        for refused in wording.refused(&records) {
            is_used[refused.row] = false;
            let line = lines[refused.row];
            warn!(line, reason = %refused.reason, "a line of the feedback was left out");
        }
        let times = u64::from(settings.dup_factor);
        let used = (0..records.num_rows()).filter(|row| is_used[*row]);
        let used: Vec<usize> = used.collect();
        let n_used = match wording.kind {
            Kind::Flow => self.add_flows(&records, &lines, &used, wording, times),
            Kind::Dns => self.add_answers(&records, &used, wording, times),
            Kind::Proxy => self.add_requests(&records, &used, wording, times),
        };
        info!(
            n_used,
            n_skipped = feedback.skipped.len(),
            "feedback was learnt"
        );
        Ok(())
    }

    fn add(&mut self, document: Option<&str>, word: &str, times: u64) {
        let document = self.documents.id(document.unwrap_or_default());
        let word = self.vocabulary.id(word);
        self.marked.push((document, word, times));
    }

    fn add_flows(
        &mut self,
        records: &RecordBatch,
        lines: &[usize],
        used: &[usize],
        wording: &Wording,
        times: u64,
    ) -> usize {
        let flows = Flows::of(records);
        let (mut source, mut destination) = (String::new(), String::new());
        let mut n_used = 0;
        for row in used {
            if flows.proto.get(*row).is_none() {
                let line = lines[*row];
                warn!(
                    line,
                    "a line of the feedback was left out: no flow of the day has its time, addresses and ports"
                );
                continue;
            }
            let word = wording.flow(&flows.flow(*row));
            word.write_both(wording.words, &mut source, &mut destination);
            self.add(flows.sip.get(*row), &source, times);
            self.add(flows.dip.get(*row), &destination, times);
            n_used += 1;
        }
        n_used
    }

    fn add_answers(
        &mut self,
        records: &RecordBatch,
        used: &[usize],
        wording: &Wording,
        times: u64,
    ) -> usize {
        let answers = Answers::of(records);
        let (mut words, mut word) = (wording.dns(), String::new());
        for row in used {
            if words.write(&answers.answer(*row), &mut word).is_ok() {
                self.add(answers.ip_dst.get(*row), &word, times);
            }
        }
        used.len()
    }

    fn add_requests(
        &mut self,
        records: &RecordBatch,
        used: &[usize],
        wording: &Wording,
        times: u64,
    ) -> usize {
        let requests = Requests::of(records);
        let (mut words, mut open, mut word) = (wording.proxy(), String::new(), String::new());
        for row in used {
            if words.write(&requests.request(*row), &mut open).is_err() {
                continue;
            }
            let agent = self.agents.find(requests.agent(*row));
            // The day's requests alone say how common an agent is.
            let n_requests = agent.map_or(1, |agent| self.n_of_agent[agent as usize]);
            complete(&open, n_requests, &mut word);
            self.add(requests.clientip.get(*row), &word, times);
        }
        used.len()
    }

    /// The day's own pairs and those that were marked, ascending, each once. Documents and words are
    /// numbered by their texts' order from here on, the first so many before the others: in which order
    /// records came shows in nothing that is learnt.
    fn settle(&mut self, n_documents: usize, n_words: usize) -> (Vec<Pair>, Vec<Pair>) {
        let documents = ranks(&self.documents, n_documents);
        let words = ranks(&self.vocabulary, n_words);
        self.documents = self.documents.ranked(&documents);
        self.vocabulary = self.vocabulary.ranked(&words);
        let ranked = |mut triples: Vec<Pair>| {
            for (document, word, _) in &mut triples {
                *document = documents[*document as usize];
                *word = words[*word as usize];
            }
            merged(triples)
        };
        let (own, marked) = (&mut self.triples, &mut self.marked);
        (ranked(std::mem::take(own)), ranked(std::mem::take(marked)))
    }
}

/// The place of each text among all of them: the first so many sorted, behind them the others.
fn ranks(texts: &Texts, n_first: usize) -> Vec<u32> {
    let mut sorted: Vec<u32> = (0..texts.len() as u32).collect();
    sorted.sort_unstable_by_key(|id| (*id as usize >= n_first, texts.text(*id)));
    let mut ranks = vec![0; sorted.len()];
    for (rank, id) in sorted.into_iter().enumerate() {
        ranks[id as usize] = rank as u32;
    }
    ranks
}

/// Pairs, ascending, each once, with all its counts.
fn merged(mut triples: Vec<Pair>) -> Vec<Pair> {
    triples.sort_unstable();
    triples.dedup_by(|other, one| {
        let is_same = (one.0, one.1) == (other.0, other.1);
        if is_same {
            one.2 += other.2;
        }
        is_same
    });
    triples
}

/// The columns of the counts.
struct Rows<'a> {
    keys: &'a arrow::array::StringViewArray,
    kinds: &'a arrow::array::UInt8Array,
    words: &'a arrow::array::StringViewArray,
    counts: &'a arrow::array::UInt64Array,
}

impl<'a> Rows<'a> {
    fn try_new(batch: &'a RecordBatch) -> Result<Self> {
        let [keys, kinds, words, counts] = batch.columns() else {
            return Err(Error::internal("the counts have other columns"));
        };
        let other = || Error::internal("the counts have columns of other types");
        Ok(Rows {
            keys: keys.as_string_view_opt().ok_or_else(other)?,
            kinds: kinds.as_primitive_opt::<UInt8Type>().ok_or_else(other)?,
            words: words.as_string_view_opt().ok_or_else(other)?,
            counts: counts.as_primitive_opt::<UInt64Type>().ok_or_else(other)?,
        })
    }

    /// Documents, words and counts.
    fn pairs(&self) -> impl Iterator<Item = (&'a str, &'a str, u64)> {
        let (keys, words, counts) = (self.keys, self.words, self.counts);
        let rows = 0..self.kinds.len();
        let kinds = self.kinds;
        let rows = rows.filter(move |row| kinds.value(*row) == Row::Pair as u8);
        rows.map(move |row| (keys.value(row), words.value(row), counts.value(row)))
    }

    /// What is no pair.
    fn others(&self) -> impl Iterator<Item = (u8, &'a str, &'a str, u64)> {
        let (keys, kinds, words, counts) = (self.keys, self.kinds, self.words, self.counts);
        let rows = (0..kinds.len()).filter(move |row| kinds.value(*row) != Row::Pair as u8);
        rows.map(move |row| {
            (
                kinds.value(row),
                keys.value(row),
                words.value(row),
                counts.value(row),
            )
        })
    }
}
