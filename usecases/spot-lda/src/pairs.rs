//! How often each document has each word: what training knows of the records.
//!
//! Documents and words are known by numbers, a pair is one integer, and its count stands beside it in
//! one table: no record costs an allocation. Pairs are looked up some dozens at a time, so that the
//! processor waits for the memory of several of them at once.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

use crate::texts::Texts;

/// The pairs of a day, or of a part of it.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(from = "Plain", into = "Plain")]
pub struct Pairs {
    /// Addresses.
    pub documents: Texts,
    /// Words; of a proxy without the field of the user agent, and with its number at the end.
    pub words: Texts,
    /// User agents, and how many requests have each.
    pub agents: Texts,
    n_of_agent: Vec<u64>,
    table: HashTable<(u64, u64)>,
    hasher: RandomState,
    /// The protocols of the flows that lines of the feedback are of, by the line's number.
    pub protocols: BTreeMap<usize, String>,
}

/// How many pairs are looked up at a time.
const PENDING: usize = 64;

/// Pairs on their way into the table, with their hashes.
pub(crate) struct Pending {
    pairs: [(u64, u64); PENDING],
    n_pairs: usize,
}

impl Default for Pending {
    fn default() -> Self {
        Pending {
            pairs: [(0, 0); PENDING],
            n_pairs: 0,
        }
    }
}

impl Pairs {
    /// How many distinct pairs there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// All pairs: document, word, count, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32, u64)> {
        self.table
            .iter()
            .map(|(pair, count)| ((pair >> 32) as u32, *pair as u32, *count))
    }

    /// How many requests have a user agent.
    pub fn n_of_agent(&self, agent: u32) -> u64 {
        self.n_of_agent[agent as usize]
    }

    /// About how many bytes it holds.
    pub fn size_bytes(&self) -> usize {
        let texts = [&self.documents, &self.words, &self.agents];
        let texts: usize = texts.into_iter().map(Texts::size_bytes).sum();
        texts + self.table.allocation_size() + self.n_of_agent.capacity() * 8
    }

    /// Adds a pair; it may stay in `pending`.
    #[inline]
    pub(crate) fn add(&mut self, document: u32, word: u32, pending: &mut Pending) {
        let pair = u64::from(document) << 32 | u64::from(word);
        pending.pairs[pending.n_pairs] = (pair, self.hasher.hash_one(pair));
        pending.n_pairs += 1;
        if pending.n_pairs == PENDING {
            self.add_pending(pending);
        }
    }

    /// Adds what is pending.
    pub(crate) fn add_pending(&mut self, pending: &mut Pending) {
        for (pair, hash) in &pending.pairs[..pending.n_pairs] {
            self.add_hashed(*pair, *hash, 1);
        }
        pending.n_pairs = 0;
    }

    #[inline]
    fn add_hashed(&mut self, pair: u64, hash: u64, count: u64) {
        let Pairs { table, hasher, .. } = self;
        match table.find_mut(hash, |(known, _)| *known == pair) {
            Some((_, known)) => *known += count,
            None => {
                table.insert_unique(hash, (pair, count), |(pair, _)| hasher.hash_one(*pair));
            }
        }
    }

    /// Adds requests of a user agent; gives its number.
    pub(crate) fn add_agent(&mut self, agent: &str, n_requests: u64) -> u32 {
        let id = self.agents.id(agent);
        if self.n_of_agent.len() == id as usize {
            self.n_of_agent.push(0);
        }
        self.n_of_agent[id as usize] += n_requests;
        id
    }

    /// Adds what another part of the day has.
    pub(crate) fn merge(&mut self, other: Pairs) {
        let documents: Vec<u32> = other
            .documents
            .iter()
            .map(|text| self.documents.id(text))
            .collect();
        let agents = other.agents.iter().zip(&other.n_of_agent);
        let agents: Vec<u32> = agents.map(|(agent, n)| self.add_agent(agent, *n)).collect();
        let words = other.words.iter().map(|word| match split_agent(word) {
            None => self.words.id(word),
            Some((open, agent)) => {
                let mut word = open.to_owned();
                push_agent(&mut word, agents[agent as usize]);
                self.words.id(&word)
            }
        });
        let words: Vec<u32> = words.collect();
        for (document, word, count) in other.iter() {
            let (document, word) = (documents[document as usize], words[word as usize]);
            let pair = u64::from(document) << 32 | u64::from(word);
            self.add_hashed(pair, self.hasher.hash_one(pair), count);
        }
        for (line, protocol) in other.protocols {
            self.note_protocol(line, &protocol);
        }
    }

    /// Notes the protocol of a flow that a line of the feedback is of; of several the least.
    pub(crate) fn note_protocol(&mut self, line: usize, protocol: &str) {
        let known = self.protocols.entry(line);
        let known = known.or_insert_with(|| protocol.to_owned());
        if protocol < known.as_str() {
            protocol.clone_into(known);
        }
    }
}

/// Between an open word of a proxy and the number of its user agent.
const BEFORE_AGENT: char = '\u{1E}';

/// Puts the number of its user agent behind an open word.
pub(crate) fn push_agent(open: &mut String, agent: u32) {
    // Writing to a text does not fail.
    let _ = write!(open, "{BEFORE_AGENT}{agent}");
}

/// An open word and the number of its user agent; `None` of a word that has none.
pub(crate) fn split_agent(word: &str) -> Option<(&str, u32)> {
    let (open, agent) = word.rsplit_once(BEFORE_AGENT)?;
    Some((open, agent.parse().ok()?))
}

/// The same as it is saved.
#[derive(Serialize, Deserialize)]
struct Plain {
    documents: Texts,
    words: Texts,
    agents: Texts,
    n_of_agent: Vec<u64>,
    pairs: Vec<(u64, u64)>,
    protocols: BTreeMap<usize, String>,
}

impl From<Plain> for Pairs {
    fn from(plain: Plain) -> Self {
        let mut pairs = Pairs {
            documents: plain.documents,
            words: plain.words,
            agents: plain.agents,
            n_of_agent: plain.n_of_agent,
            protocols: plain.protocols,
            ..Pairs::default()
        };
        for (pair, count) in plain.pairs {
            pairs.add_hashed(pair, pairs.hasher.hash_one(pair), count);
        }
        pairs
    }
}

impl From<Pairs> for Plain {
    fn from(pairs: Pairs) -> Self {
        Plain {
            documents: pairs.documents,
            words: pairs.words,
            agents: pairs.agents,
            n_of_agent: pairs.n_of_agent,
            pairs: pairs.table.into_iter().collect(),
            protocols: pairs.protocols,
        }
    }
}
