//! A model as bytes.
//!
//! All numbers are little-endian; those with a fraction are 64-bit IEEE 754.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `LDAMODEL` |
//! | 4 | the number of the format, [`VERSION`] |
//! | 4 | how it was fitted: 0 `fast`, 1 `em`, 2 `online` |
//! | 4 | `n_topics`, 1 to [`TOPICS_MAX`] |
//! | 4, 4 | `n_words`, `n_docs` |
//! | 8 | the prior of words that is not in their probabilities, 0 or more |
//! | 8 × `n_topics` | the prior of each topic in a document, 1e-9 to 1e6 |
//! | 8 × `n_topics` | the tokens of each topic, 0 or more |
//! | 8 × `n_words` × `n_topics` | the probabilities of each word in the topics |
//! | 8 × `n_docs` × `n_topics` | the mix of each document, its sum 1 |
//! | 4 | CRC-32 (IEEE) of all bytes before |
//!
//! What is read is not trusted: memory is taken for what was read, never for what the numbers in
//! front promise, and each value is held to the table. Time is linear in the bytes read.

use std::io::{self, Read, Write};

use ndarray::Array2;

use super::params::{PRIOR_MAX, PRIOR_MIN, TOPICS_MAX};
use super::{Algorithm, LdaModel, LoadError};

const MAGIC: &[u8; 8] = b"LDAMODEL";

/// The number of the format that is written and read.
const VERSION: u32 = 1;

/// How far the sum of probabilities may be from 1.
const SUM_TOLERANCE: f64 = 1e-6;

impl LdaModel {
    /// Writes the model, in the format of the page of this module.
    ///
    /// # Errors
    /// It cannot be written, or it has more than `u32::MAX` documents.
    pub fn save(&self, output: impl Write) -> io::Result<()> {
        let n_docs = u32::try_from(self.n_docs()).map_err(io::Error::other)?;
        let n_words = u32::try_from(self.n_words()).map_err(io::Error::other)?;
        let mut output = Summed::new(output);
        output.write_all(MAGIC)?;
        for number in [
            VERSION,
            code(self.algorithm),
            self.n_topics() as u32,
            n_words,
            n_docs,
        ] {
            output.write_all(&number.to_le_bytes())?;
        }
        let head = std::iter::once(&self.eta);
        let values = head.chain(&self.alpha).chain(&self.topic_totals);
        for value in values.chain(&self.word_topics).chain(&self.doc_topics) {
            output.write_all(&value.to_le_bytes())?;
        }
        let checksum = output.hasher.finalize();
        output.inner.write_all(&checksum.to_le_bytes())?;
        output.inner.flush()
    }

    /// Reads a model that was [saved](Self::save); what follows it is left unread.
    ///
    /// Reads in small parts: give it a `BufReader` where a part costs a system call.
    ///
    /// # Errors
    /// The bytes cannot be read, are of another format, or are damaged.
    pub fn load(input: impl Read) -> Result<Self, LoadError> {
        let mut input = Summed::new(input);
        if &input.bytes::<8>()? != MAGIC {
            return Err(LoadError::NotAModel);
        }
        let found = input.number()?;
        if found != VERSION {
            let expected = VERSION;
            return Err(LoadError::Version { found, expected });
        }
        let algorithm = algorithm(input.number()?).ok_or(LoadError::Value("algorithm"))?;
        let [n_topics, n_words, n_docs] = [input.number()?, input.number()?, input.number()?];
        if !(1..=TOPICS_MAX as u32).contains(&n_topics) {
            return Err(LoadError::Value("number of topics"));
        }
        let model = LdaModel {
            algorithm,
            eta: input.values(1)?[0],
            alpha: input.values(u64::from(n_topics))?,
            topic_totals: input.values(u64::from(n_topics))?,
            word_topics: input.table(n_words, n_topics)?,
            doc_topics: input.table(n_docs, n_topics)?,
        };
        let computed = input.hasher.clone().finalize();
        let found = input.number()?;
        if found != computed {
            return Err(LoadError::Checksum { found, computed });
        }
        check(&model).map_err(LoadError::Value)?;
        Ok(model)
    }
}

/// Holds every value to what a model can have; a checksum does not say that who wrote it was right.
fn check(model: &LdaModel) -> Result<(), &'static str> {
    let is_amount = |value: &f64| *value >= 0.0 && value.is_finite();
    let is_one = |sum: f64| (sum - 1.0).abs() <= SUM_TOLERANCE;
    if !is_amount(&model.eta) || !model.topic_totals.iter().all(is_amount) {
        return Err("prior or tokens of topics");
    }
    let is_prior = |alpha| (PRIOR_MIN..=PRIOR_MAX).contains(alpha);
    if !model.alpha.iter().all(is_prior) {
        return Err("prior of documents");
    }
    let mut all = model.word_topics.iter().chain(&model.doc_topics);
    if !all.all(is_amount) {
        return Err("probabilities");
    }
    let sums = model.word_topics.columns().into_iter().map(|of| of.sum());
    for (sum, total) in sums.zip(&model.topic_totals) {
        if !(is_one(sum) && *total > 0.0 || sum == 0.0) {
            return Err("probabilities of words");
        }
    }
    if !model
        .doc_topics
        .rows()
        .into_iter()
        .all(|mix| is_one(mix.sum()))
    {
        return Err("mixes of documents");
    }
    Ok(())
}

fn code(algorithm: Algorithm) -> u32 {
    match algorithm {
        Algorithm::Fast => 0,
        Algorithm::Em => 1,
        Algorithm::Online => 2,
    }
}

fn algorithm(code: u32) -> Option<Algorithm> {
    [Algorithm::Fast, Algorithm::Em, Algorithm::Online]
        .into_iter()
        .find(|algorithm| self::code(*algorithm) == code)
}

/// Bytes, and the checksum of those that went through.
struct Summed<I> {
    inner: I,
    hasher: crc32fast::Hasher,
}

impl<I> Summed<I> {
    fn new(inner: I) -> Self {
        Summed {
            inner,
            hasher: crc32fast::Hasher::new(),
        }
    }
}

impl<O: Write> Summed<O> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.inner.write_all(bytes)
    }
}

impl<I: Read> Summed<I> {
    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes)?;
        self.hasher.update(&bytes);
        Ok(bytes)
    }

    fn number(&mut self) -> io::Result<u32> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    /// So many values; memory grows as they come.
    fn values(&mut self, n_values: u64) -> io::Result<Vec<f64>> {
        let mut values = Vec::new();
        for _ in 0..n_values {
            values.push(f64::from_le_bytes(self.bytes()?));
        }
        Ok(values)
    }

    fn table(&mut self, n_rows: u32, n_columns: u32) -> Result<Array2<f64>, LoadError> {
        let values = self.values(u64::from(n_rows) * u64::from(n_columns))?;
        Array2::from_shape_vec((n_rows as usize, n_columns as usize), values)
            .map_err(|_| LoadError::Value("shape"))
    }
}
