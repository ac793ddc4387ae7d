//! Counts of words in documents, as sparse rows.
//!
//! Rows hold their words in strictly ascending order, each with a count of at least 1; all that
//! reads [`Counts`] relies on it.

use linfa::DatasetBase;
use linfa::dataset::Records;
use thiserror::Error;

/// How often each word occurs in each document: a sparse matrix `(n_docs, n_words)` in rows.
///
/// ```
/// use datashark_ml::lda::Counts;
///
/// let counts = Counts::from_triples(2, 3, [(0, 2, 1_u32), (1, 0, 4), (0, 2, 2)])?;
/// assert_eq!(counts.row(0), (&[2][..], &[3][..]));
/// assert_eq!(counts.n_tokens(), 7);
/// # Ok::<(), datashark_ml::lda::CountsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    n_words: usize,
    row_starts: Vec<usize>,
    words: Vec<u32>,
    counts: Vec<u32>,
}

/// Why counts are no counts.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CountsError {
    /// A document's number is not below the number of documents.
    #[error("document {doc} of {n_docs}: documents are numbered from 0")]
    Document {
        /// Its number.
        doc: u32,
        /// How many there are.
        n_docs: usize,
    },
    /// A word's number is not below the number of words.
    #[error("word {word} of {n_words}: words are numbered from 0")]
    Word {
        /// Its number.
        word: u32,
        /// How many there are.
        n_words: usize,
    },
    /// More words than numbers for them.
    #[error("{n_words} words, expected at most {}", u32::MAX)]
    Words {
        /// How many there are.
        n_words: usize,
    },
    /// A word occurs too often in a document.
    #[error(
        "word {word} occurs {count} times in document {doc}, expected at most {}",
        u32::MAX
    )]
    TooMany {
        /// The document.
        doc: usize,
        /// The word.
        word: u32,
        /// How often it occurs.
        count: u64,
    },
    /// The rows do not start at 0, go back, or do not end with the words; or there are not as many
    /// counts as words.
    #[error("the row starts do not fit {n_words} words and {n_counts} counts")]
    Rows {
        /// How many words the rows have together.
        n_words: usize,
        /// How many counts.
        n_counts: usize,
    },
    /// The words of a row are not in ascending order, or one is there twice.
    #[error("the words of document {doc} are not in strictly ascending order")]
    Order {
        /// The document.
        doc: usize,
    },
    /// A count is 0.
    #[error("word {word} has a count of 0 in document {doc}")]
    Zero {
        /// The document.
        doc: usize,
        /// The word.
        word: u32,
    },
}

impl Counts {
    /// Counts of triples (document, word, count) in any order; those of one pair are added up, and
    /// counts of 0 are left out.
    ///
    /// Time and memory are linear in the number of triples and documents, but for the sorting of
    /// each document's words.
    ///
    /// # Errors
    /// A number is out of range, or a sum is more than `u32::MAX`.
    pub fn from_triples<C: Into<u64>>(
        n_docs: usize,
        n_words: usize,
        triples: impl IntoIterator<Item = (u32, u32, C)>,
    ) -> Result<Self, CountsError> {
        check_n_words(n_words)?;
        let mut rows: Vec<Vec<(u32, u64)>> = vec![Vec::new(); n_docs];
        for (doc, word, count) in triples {
            let row = rows
                .get_mut(doc as usize)
                .ok_or(CountsError::Document { doc, n_docs })?;
            if word as usize >= n_words {
                return Err(CountsError::Word { word, n_words });
            }
            row.push((word, count.into()));
        }
        let mut counts = Counts::empty(n_words);
        for mut row in rows {
            row.sort_unstable_by_key(|(word, _)| *word);
            counts.push_row(&row)?;
        }
        Ok(counts)
    }

    /// Counts of rows that are sorted already: document `d` has the words and counts from
    /// `row_starts[d]` up to `row_starts[d + 1]`.
    ///
    /// # Errors
    /// The parts do not fit each other, the words of a row are not in strictly ascending order or
    /// out of range, or a count is 0.
    pub fn from_rows(
        n_words: usize,
        row_starts: Vec<usize>,
        words: Vec<u32>,
        counts: Vec<u32>,
    ) -> Result<Self, CountsError> {
        check_n_words(n_words)?;
        let fits = row_starts.first() == Some(&0)
            && row_starts.last() == Some(&words.len())
            && row_starts.is_sorted()
            && words.len() == counts.len();
        if !fits {
            return Err(CountsError::Rows {
                n_words: words.len(),
                n_counts: counts.len(),
            });
        }
        let checked = Counts {
            n_words,
            row_starts,
            words,
            counts,
        };
        for doc in 0..checked.n_docs() {
            checked.check_row(doc)?;
        }
        Ok(checked)
    }

    fn check_row(&self, doc: usize) -> Result<(), CountsError> {
        let (words, counts) = self.row(doc);
        if !words.is_sorted_by(|one, next| one < next) {
            return Err(CountsError::Order { doc });
        }
        if let Some(&word) = words.last().filter(|word| **word as usize >= self.n_words) {
            return Err(CountsError::Word {
                word,
                n_words: self.n_words,
            });
        }
        match counts.iter().position(|count| *count == 0) {
            Some(at) => Err(CountsError::Zero {
                doc,
                word: words[at],
            }),
            None => Ok(()),
        }
    }

    /// No documents yet, over `n_words` words.
    fn empty(n_words: usize) -> Self {
        Counts {
            n_words,
            row_starts: vec![0],
            words: Vec::new(),
            counts: Vec::new(),
        }
    }

    /// Adds a document with these words, in ascending order, some maybe several times.
    fn push_row(&mut self, row: &[(u32, u64)]) -> Result<(), CountsError> {
        let doc = self.n_docs();
        for same in row.chunk_by(|one, next| one.0 == next.0) {
            let word = same[0].0;
            let count = same
                .iter()
                .fold(0, |sum: u64, (_, n)| sum.saturating_add(*n));
            if count == 0 {
                continue;
            }
            let fits = u32::try_from(count);
            self.words.push(word);
            self.counts
                .push(fits.map_err(|_| CountsError::TooMany { doc, word, count })?);
        }
        self.row_starts.push(self.words.len());
        Ok(())
    }

    /// How many documents there are, those without words included.
    pub fn n_docs(&self) -> usize {
        self.row_starts.len() - 1
    }

    /// How many words there are, those that occur in no document included.
    pub fn n_words(&self) -> usize {
        self.n_words
    }

    /// How many pairs of a document and a word of it there are.
    pub fn n_cells(&self) -> usize {
        self.words.len()
    }

    /// The sum of all counts.
    pub fn n_tokens(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// The words of a document, in ascending order, and how often each occurs in it.
    ///
    /// # Panics
    /// `doc` is not below [`n_docs`](Self::n_docs).
    pub fn row(&self, doc: usize) -> (&[u32], &[u32]) {
        let cells = self.row_starts[doc]..self.row_starts[doc + 1];
        (&self.words[cells.clone()], &self.counts[cells])
    }

    /// Where each row starts among all cells, and at last how many cells there are.
    pub(crate) fn row_starts(&self) -> &[usize] {
        &self.row_starts
    }

    /// The sum of a document's counts.
    pub(crate) fn doc_len(&self, doc: usize) -> f64 {
        self.row(doc).1.iter().map(|count| f64::from(*count)).sum()
    }
}

fn check_n_words(n_words: usize) -> Result<(), CountsError> {
    if n_words > u32::MAX as usize {
        return Err(CountsError::Words { n_words });
    }
    Ok(())
}

impl Records for Counts {
    type Elem = u32;

    fn nsamples(&self) -> usize {
        self.n_docs()
    }

    fn nfeatures(&self) -> usize {
        self.n_words
    }
}

impl From<Counts> for DatasetBase<Counts, ()> {
    fn from(counts: Counts) -> Self {
        DatasetBase::new(counts, ())
    }
}
