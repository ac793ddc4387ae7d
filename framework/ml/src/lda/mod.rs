//! Latent Dirichlet allocation: what documents are about, learned from how often words occur in them.
//!
//! A topic is a distribution over words, and a document has a mix of topics (Blei, Ng and Jordan, Latent
//! Dirichlet allocation, JMLR 3, 2003). The probability of a word in a document is then the sum over
//! the topics of what the document has of it times the word's probability in it; where that is low,
//! the word is unlike the document.
//!
//! ```
//! use datashark_ml::lda::{Counts, Lda, LdaError};
//!
//! // Documents 0 and 1 have words 0 and 1, documents 2 and 3 have words 2 and 3.
//! let triples = [
//!     (0, 0, 40_u32), (0, 1, 60), (1, 0, 50), (1, 1, 50),
//!     (2, 2, 60), (2, 3, 40), (3, 2, 50), (3, 3, 50),
//! ];
//! let counts = Counts::from_triples(4, 4, triples).expect("words and documents are in range");
//! let model = Lda::params(2).alpha(0.01).seed(7).fit(&counts)?;
//!
//! let p = |doc: usize, word: usize| -> f64 {
//!     let topics = model.doc_topic(doc).iter().zip(model.word_topic(word));
//!     topics.map(|(of_doc, of_word)| of_doc * of_word).sum()
//! };
//! assert!((p(0, 0) - 0.45).abs() < 0.01);
//! assert!(p(0, 3) < 0.001);
//!
//! // A document that was not there yet.
//! let unseen = Counts::from_triples(1, 4, [(0, 3, 12_u32)]).expect("in range");
//! let mixes = model.transform(&unseen);
//! let topic = if mixes[(0, 0)] > 0.5 { 0 } else { 1 };
//! assert_eq!(model.top_words(topic, 2).iter().map(|(word, _)| *word).sum::<usize>(), 2 + 3);
//! # Ok::<(), LdaError>(())
//! ```
//!
//! # Which algorithm
//! | algorithm | iterations | CPU s | perplexity, by that of the true topics |
//! |---|---|---|---|
//! | `fast` | 1 | 0.31 to 0.36 | 1.009 to 1.010 |
//! | `fast` | 6, the default | 0.51 to 0.53 | 1.006 |
//! | `em` | 20, the default | 1.6 | 1.45 to 1.47 |
//! | `em` | 100 | 6.9 to 7.7 | 1.052 |
//! | tomotopy 0.14, collapsed Gibbs | 60 | 12.7 | 1.005 to 1.046 |
//!
//! That is on 18,000 documents of 5,000 words made of 20 topics, 3.6 M pairs of a document and a word in
//! 4.5 M tokens, with the priors that they were made with, two threads, two seeds (`fast`: four), held out
//! 2,000 documents; `benches/peers/report.md` has more peers. On 8,000 documents of 20,000 words and of
//! very different lengths (16 M tokens in 4.1 M pairs) `fast` came to 1.001 in 1.2 s for each of three
//! seeds, `em` to 1.001 to 1.070 in 14 s and 100 iterations. The processors were shared with
//! other work.
//!
//! `fast` is the default because it is there first, and because it got there from every seed that was
//! tried: a start with a random guess for each of the topics, as all others have, often ends with two
//! topics in one and another one twice. Its work grows with the pairs of a document and a word, whatever their
//! counts; that of samplers grows with the sum of the counts, which in a day of network flows is far more. `em` and `online` are there for results like those of Spark MLlib and Apache Spot.
//!
//! # The same bits
//! A model depends on the counts, the parameters and the seed alone. Documents are worked on in chunks
//! that are cut by the data, their sums are added up in a fixed order, and each random number is drawn for
//! its document and word, not in its turn. So any number of threads gives the same model, bit by bit, on
//! any processor of the same mathematical library.
//!
//! # Limits
//! - Up to [`TOPICS_MAX`] topics. They are padded to 8, 20, 32, 64 or 256.
//! - Memory while fitting: with W words and D documents, (W × (3 + chunks) + D) rows, of 4 or 8 bytes a
//!   topic; up to 32 chunks, and fewer where there are not four pairs for each word in one.
//! - Counts of more than 2^24 lose their last digits in 32-bit numbers.

mod chunks;
mod counts;
mod digamma;
mod document;
mod draws;
mod em;
mod error;
mod fast;
mod fit;
mod format;
mod infer;
mod merge;
mod model;
mod online;
mod params;
mod real;
mod rows;

pub use counts::{Counts, CountsError};
pub use error::{LdaError, LoadError};
pub use model::LdaModel;
pub use params::{Algorithm, Lda, LdaParams, LdaValidParams, Precision, TOPICS_MAX};

#[cfg(test)]
mod tests;
