//! What is learnt of a day: the topics, each address's mix of them, and how often who did what.
//!
//! It is saved as JSON; long lists of numbers in it are base64 of their little-endian bytes.

use std::sync::OnceLock;

use datashark_sdk::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::everyone::Everyone;
use crate::kind::Kind;
use crate::packed;
use crate::settings::{Optimizer, Words};
use crate::texts::Texts;

/// What is learnt of a day.
#[derive(Clone, Serialize, Deserialize)]
pub struct SpotModel {
    /// What the records were of.
    pub kind: Kind,
    /// By which rules words were made.
    pub words: Words,
    /// How topics were found.
    pub optimizer: Optimizer,
    /// How many there are.
    pub n_topics: usize,
    /// Addresses.
    pub documents: Texts,
    /// Words.
    pub vocabulary: Texts,
    /// Each document's mix, one behind the other.
    #[serde(with = "packed")]
    mixes: Vec<f64>,
    /// Each word's probability in each topic, one word behind the other.
    #[serde(with = "packed")]
    probabilities: Vec<f64>,
    /// Where each document's words start.
    #[serde(with = "packed")]
    starts: Vec<u64>,
    /// The words of each document, ascending.
    #[serde(with = "packed")]
    document_words: Vec<u32>,
    /// How often a document has each of them.
    #[serde(with = "packed")]
    document_counts: Vec<u64>,
    /// How often all documents together have each word.
    #[serde(with = "packed")]
    word_counts: Vec<u64>,
    /// User agents.
    agents: Texts,
    /// How many requests have each.
    #[serde(with = "packed")]
    n_of_agent: Vec<u64>,
    /// What an analyst marked as harmless, where topics are not learnt of that; ascending.
    marked: Vec<Marked>,
    /// What all of this says of words, made when it is first asked for.
    #[serde(skip)]
    everyone: OnceLock<Everyone>,
}

/// A word of a document that an analyst marked as harmless.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Marked {
    document: u32,
    word: u32,
    /// How often it was marked, each as often as a mark counts.
    times: u64,
    /// The least score that it has.
    score: f64,
}

impl Marked {
    /// Of the day's own pairs and those that were marked, both ascending. The least score is the word's
    /// share of the document if it had the word so much more often.
    pub(crate) fn of(own: &[(u32, u32, u64)], marked: &[(u32, u32, u64)]) -> Vec<Marked> {
        let n_of = |document: u32| -> u64 {
            let first = own.partition_point(|(other, _, _)| *other < document);
            let of = own[first..]
                .iter()
                .take_while(|(other, _, _)| *other == document);
            of.map(|(_, _, count)| count).sum()
        };
        let of = |(document, word, times): &(u32, u32, u64)| Marked {
            document: *document,
            word: *word,
            times: *times,
            score: *times as f64 / (n_of(*document) + times).max(1) as f64,
        };
        marked.iter().map(of).collect()
    }
}

/// What a model is made of.
pub(crate) struct Parts {
    pub(crate) kind: Kind,
    pub(crate) words: Words,
    pub(crate) optimizer: Optimizer,
    pub(crate) n_topics: usize,
    pub(crate) documents: Texts,
    pub(crate) vocabulary: Texts,
    pub(crate) mixes: Vec<f64>,
    pub(crate) probabilities: Vec<f64>,
    /// Document, word, count; ascending, each pair once.
    pub(crate) pairs: Vec<(u32, u32, u64)>,
    pub(crate) marked: Vec<Marked>,
    pub(crate) agents: Texts,
    pub(crate) n_of_agent: Vec<u64>,
}

impl SpotModel {
    /// Of its parts.
    ///
    /// # Errors
    /// A mix or a probability is no number.
    pub(crate) fn try_new(parts: Parts) -> Result<Self> {
        let mut numbers = parts.mixes.iter().chain(&parts.probabilities);
        if numbers.any(|number| !number.is_finite()) {
            return Err(Error::internal("a topic's probability is no number"));
        }
        let mut starts = vec![0; parts.documents.len() + 1];
        let mut word_counts = vec![0; parts.vocabulary.len()];
        for (document, word, count) in &parts.pairs {
            starts[*document as usize + 1] += 1;
            word_counts[*word as usize] += count;
        }
        for document in 1..starts.len() {
            starts[document] += starts[document - 1];
        }
        Ok(SpotModel {
            kind: parts.kind,
            words: parts.words,
            optimizer: parts.optimizer,
            n_topics: parts.n_topics,
            documents: parts.documents,
            vocabulary: parts.vocabulary,
            mixes: parts.mixes,
            probabilities: parts.probabilities,
            starts,
            document_words: parts.pairs.iter().map(|(_, word, _)| *word).collect(),
            document_counts: parts.pairs.iter().map(|(_, _, count)| *count).collect(),
            word_counts,
            agents: parts.agents,
            n_of_agent: parts.n_of_agent,
            marked: parts.marked,
            everyone: OnceLock::new(),
        })
    }

    /// A document's mix of topics.
    #[inline]
    pub fn mix(&self, document: u32) -> &[f64] {
        row(&self.mixes, document, self.n_topics)
    }

    /// A word's probability in each topic.
    #[inline]
    pub fn probabilities(&self, word: u32) -> &[f64] {
        row(&self.probabilities, word, self.n_topics)
    }

    /// The least score of a word in a document: above 0 where an analyst marked it as harmless there.
    #[inline]
    pub fn least_score(&self, document: Option<u32>, word: Option<u32>) -> f64 {
        let (false, Some(document), Some(word)) = (self.marked.is_empty(), document, word) else {
            return 0.0;
        };
        let found = self.marked(document, word);
        found.map_or(0.0, |marked| marked.score)
    }

    fn marked(&self, document: u32, word: u32) -> Option<&Marked> {
        let place = |marked: &Marked| (marked.document, marked.word).cmp(&(document, word));
        let found = self.marked.binary_search_by(place);
        found.ok().map(|idx| &self.marked[idx])
    }

    /// The words of a document and how often it has each.
    pub fn words_of(&self, document: u32) -> impl Iterator<Item = (u32, u64)> {
        let document = document as usize;
        let range = self.starts[document] as usize..self.starts[document + 1] as usize;
        let words = self.document_words[range.clone()].iter().copied();
        words.zip(self.document_counts[range].iter().copied())
    }

    /// The same without what an analyst marked.
    pub(crate) fn own_words_of(&self, document: u32) -> impl Iterator<Item = (u32, u64)> {
        let times = move |word: u32| {
            let found = self.marked(document, word);
            found.map_or(0, |marked| marked.times)
        };
        self.words_of(document)
            .map(move |(word, count)| (word, count.saturating_sub(times(word))))
    }

    /// What the day's traffic says of words, whoever has them.
    pub(crate) fn everyone(&self) -> &Everyone {
        self.everyone.get_or_init(|| Everyone::of(self))
    }

    /// How often all documents together have a word.
    pub fn n_of_word(&self, word: u32) -> u64 {
        self.word_counts[word as usize]
    }

    /// How many words there are in all documents, each as often as it is there.
    pub fn n_tokens(&self) -> u64 {
        self.word_counts.iter().sum()
    }

    /// How many requests of the training have a user agent.
    pub fn n_of_agent(&self, agent: &str) -> Option<u64> {
        Some(self.n_of_agent[self.agents.find(agent)? as usize])
    }

    /// Whether it is of such records, and its words are made so.
    ///
    /// # Errors
    /// It is not.
    pub(crate) fn check(&self, kind: Kind, words: Words) -> Result<()> {
        match (self.kind, self.words) == (kind, words) {
            true => Ok(()),
            false => Err(Error::internal("the model is of other words")),
        }
    }
}

#[inline]
fn row(table: &[f64], idx: u32, width: usize) -> &[f64] {
    let start = idx as usize * width;
    &table[start..start + width]
}
