//! How often each document has each word: what training knows of the records.
//!
//! Documents and words are known by numbers, a pair is one integer, and its count stands beside it in
//! one table: no record costs an allocation. Pairs are looked up some dozens at a time, so that the
//! processor waits for the memory of several of them at once. A table that is too large goes into a file
//! (`spill`), and counting goes on in an empty one; documents and words stay in memory.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hash::BuildHasher;
use std::io;
use std::path::Path;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::spill::Spilled;
use crate::texts::Texts;

/// The pairs of a day, or of a part of it.
#[derive(Clone, Default, Deserialize)]
#[serde(from = "Plain")]
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
    /// What the table had no room for.
    spilled: Option<Spilled>,
    /// Why what was put into files cannot be had.
    failed: Option<String>,
    /// The protocols of the flows that lines of the feedback are of, by the line's number.
    pub protocols: BTreeMap<usize, String>,
}

/// The table is put into a file if it takes at least the n-th part of all.
const SPILLED_PART: usize = 8;

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
    /// How many distinct pairs there are; of those in files some may count several times.
    pub fn len(&self) -> usize {
        self.table.len() + self.n_spilled() as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many pairs are in files.
    pub fn n_spilled(&self) -> u64 {
        self.spilled.as_ref().map_or(0, Spilled::n_pairs)
    }

    /// All pairs: document, word, count, in no order.
    ///
    /// # Errors
    /// Those in files cannot be had.
    pub fn all(&self) -> io::Result<Vec<(u32, u32, u64)>> {
        let mut all = Vec::with_capacity(self.table.len());
        self.each(|pair, count| {
            all.push(((pair >> 32) as u32, pair as u32, count));
            Ok(())
        })?;
        Ok(all)
    }

    /// Gives each pair once, with all its counts.
    fn each(&self, mut each: impl FnMut(u64, u64) -> io::Result<()>) -> io::Result<()> {
        if let Some(failed) = &self.failed {
            return Err(io::Error::other(failed.clone()));
        }
        match &self.spilled {
            None => self
                .table
                .iter()
                .try_for_each(|(pair, count)| each(*pair, *count)),
            Some(spilled) => spilled.each(self.table.iter().copied().collect(), each),
        }
    }

    /// Puts the table into a file in this folder; whether it is worth that.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn spill(&mut self, folder: &Path) -> io::Result<bool> {
        let table_bytes = self.table.allocation_size();
        // What is left is mostly documents and words: runs would become many and small.
        if self.table.is_empty() || table_bytes < self.size_bytes() / SPILLED_PART {
            return Ok(false);
        }
        self.spilled
            .get_or_insert_with(|| Spilled::new(folder, table_bytes));
        self.spill_table()?;
        Ok(true)
    }

    /// As [`Pairs::spill`], of the smallest table, and so when others are merged into it.
    #[cfg(test)]
    pub(crate) fn spill_always(&mut self, folder: &Path) {
        self.spilled.get_or_insert_with(|| Spilled::new(folder, 0));
        self.spill_table().expect("the folder can be written");
    }

    fn spill_table(&mut self) -> io::Result<()> {
        let Some(spilled) = &mut self.spilled else {
            return Ok(());
        };
        spilled.push(std::mem::take(&mut self.table).into_iter().collect())
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
        if let (None, Some(spilled)) = (&self.spilled, &other.spilled) {
            self.spilled = Some(spilled.beside());
        }
        let added = other.each(|pair, count| {
            let document = documents[(pair >> 32) as usize];
            let word = words[pair as u32 as usize];
            let pair = u64::from(document) << 32 | u64::from(word);
            self.add_hashed(pair, self.hasher.hash_one(pair), count);
            match &self.spilled {
                Some(spilled) if self.table.allocation_size() > spilled.table_bytes() => {
                    self.spill_table()
                }
                _ => Ok(()),
            }
        });
        if let Err(error) = added {
            self.failed = Some(error.to_string());
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

impl Serialize for Pairs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pairs = Vec::with_capacity(self.table.len());
        let read = self.each(|pair, count| {
            pairs.push((pair, count));
            Ok(())
        });
        read.map_err(S::Error::custom)?;
        let plain = Plain {
            documents: self.documents.clone(),
            words: self.words.clone(),
            agents: self.agents.clone(),
            n_of_agent: self.n_of_agent.clone(),
            pairs,
            protocols: self.protocols.clone(),
        };
        plain.serialize(serializer)
    }
}
