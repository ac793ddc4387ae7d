//! Suspicious connects: what addresses rarely do, by a topic model of their traffic.
//!
//! # Finds
//! Network flows, DNS answers or proxy requests that are improbable where they are: nobody, or nobody
//! like this address, does that with such sizes.
//!
//! # Why it matters
//! What an intruder does with a machine is rarely what the machine's users do with it. No signature is
//! needed, and no label: the day's own traffic says what is usual.
//!
//! # Reads
//! Records with the columns that Apache Spot has ([`Kind::columns`]), or, with `fields = common`, those
//! that several formats have by one name, such as Zeek's and Suricata's.
//!
//! Each record becomes a word, a flow two, and each address a document. How often a document has which
//! word is counted as records come, a topic model is learnt of the counts (`datashark_ml::lda`), and
//! the score of a record is how probable its word is in its document; of a flow the lesser of two.
//! [`score`] says how that is told. With `scoring = spot` it is `Σ θ φ`, and what the training has not
//! seen has 0; with `scoring = pooled`, what everyone does and what the word is made of count, too.
//!
//! # Parameters
//! | key | default | meaning |
//! |---|---|---|
//! | `analysis` | required | what the records are of: `flow`, `dns`, `proxy` |
//! | `words` | `v2` | how words are made: `spot-1.1` to the letter, or `v2`, mended |
//! | `fields` | `spot` | whose names the columns have: `spot`, `common` |
//! | `threshold` | 1e-6 | the highest score of a finding; Spot's `TOL` |
//! | `max_results` | 3000 | how many findings of a window at most; 0 is no limit |
//! | `topics` | 20 | Spot's `TOPIC_COUNT` |
//! | `optimizer` | `fast` | how topics are found: `fast`, `em`, `online`; with a `spot_conf` `em`; Spot's `LDA_OPTIMIZER` |
//! | `alpha`, `beta` | the optimizer's | priors; Spot's `LDA_ALPHA` and `LDA_BETA`; -1 is the optimizer's |
//! | `iterations` | the optimizer's | rounds |
//! | `seed` | 0 | of all random draws; the same seed and records give the same model, whatever the threads |
//! | `precision` | 64 | bits that mixes are kept with: 32 or 64; Spot's `PRECISION` |
//! | `user_domains` | | domains of our own, `intel` or `intel.com`; Spot's `USER_DOMAIN` |
//! | `top_domains` | | a file with a ranked list of well-known domains, lines `rank,name` |
//! | `feedback` | | a file of findings that an analyst has marked; those of severity 3 are learnt as usual |
//! | `dup_factor` | 1000 | how often a line of `feedback` counts; Spot's `DUPFACTOR`. With `spot-1.1` topics are learnt of it, too; with `v2` the address's word has at least the share that it then had, and nothing else changes |
//! | `scoring` | `pooled`; with `words = spot-1.1` `spot` | how a word is scored: by topics alone, as Spot, or by topics, everyone and the word's fields |
//! | `hours` | 24; with `spot-1.1` 1 | how many hours are one to a word, a divisor of 24; 24 leaves the hour out |
//! | `time_zone` | `UTC` | where hours are counted, for `dns` with `v2` |
//! | `spot_conf` | | Spot's own `spot.conf`, for the keys that are not there |
//!
//! # Findings
//! One for each suspicious record, the lowest score first.
//!
//! | column | meaning |
//! |---|---|
//! | `key` | the address that it is suspicious at |
//! | `score` | the probability, from 0 up; **low** is suspicious |
//! | the record's own | as Spot's results have them |
//! | `word`, `word_…` | the word, what its fields say, and by which rules it was made |
//! | `word_count_here`, `words_here` | how often the address does that, among how much |
//! | `word_count_everyone`, `words_everyone` | how often everyone does |
//! | `usual_words` | the address's three most usual words, and how often |
//! | `probability_…`, `weight_…` | with `scoring = pooled`: how probable it is `here`, for `everyone` and by its `fields`, and how much each counts; the score is the product of the first to the power of the second |
//! | `topic_mix`, `score_parts` | the address's mix of topics, and what each adds to the score; behind these what the two other answers add or take, with `scoring = pooled`, and what feedback adds; all add up to the score |
//!
//! # Known limits
//! - A record that is not valid is kept in quarantine with the reason, as one of which no word can be
//!   made (`corrupt: …`).
//! - What is rare is not always bad, and an attack that is most of an address's traffic is usual there.
//! - What is found of labelled data, and where simple baselines find more: `benches/quality`.
//! - Memory grows with the distinct addresses, words and pairs of them: about 40 bytes a pair while a
//!   day is counted, in each worker. Pairs that `[engine] memory_limit` leaves no room for are put into files
//!   in the state folder; addresses and words are not. What topics are learnt of has all pairs in memory,
//!   about 120 bytes each.
//! - The model is as old as its training. What an address does that it does not know is judged by what
//!   everyone does; with `scoring = spot` all of it is suspicious.
//!
//! # Run it
//! ```text
//! ./standalone.sh -d conf/spot-dns/spot-dns.conf
//! ```
//!
//! # References
//! - Apache Spot 1.1 (incubating), `spot-ml`.
//! - C. Genest and J. V. Zidek, Combining probability distributions, Statistical Science 1986.
//! - A. Asuncion et al., On smoothing and inference for topic models, UAI 2009.
//! - M. Hoffman et al., Online learning for latent Dirichlet allocation, NIPS 2010.

mod columns;
mod common;
mod count;
pub mod domain;
mod everyone;
mod feedback;
mod flow_cache;
mod kind;
mod ml_ops;
mod model;
pub mod number;
mod packed;
mod pairs;
pub mod score;
mod screen;
mod settings;
mod spill;
mod spot_conf;
mod texts;
mod top;
mod train;
mod valid;
mod why;
pub mod word;
mod wording;

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use datashark_sdk::prelude::*;
use datashark_sdk::{DynReduce, Files, Ranking};
use tracing::warn;

use crate::domain::TopDomains;
use crate::score::Scorer;

pub use count::{Count, Counted};
pub use feedback::{Feedback, WithoutProtocol};
pub use kind::Kind;
pub use ml_ops::MlOps;
pub use model::SpotModel;
pub use pairs::Pairs;
pub use screen::{Screen, Screened};
pub use settings::{Conf, Fields, Optimizer, Scoring, Settings, Words};
pub use spot_conf::SpotConf;
pub use texts::Texts;
pub use wording::Wording;

/// What addresses rarely do.
pub struct SpotLda {
    settings: Settings,
    wording: Wording,
    feedback: Feedback,
}

impl UseCase for SpotLda {
    type Conf = Conf;
    type Model = SpotModel;
    const NAME: &'static str = "spot-lda";
    const ABOUT: &'static str =
        "flows, DNS answers or proxy requests that are improbable where they are";
    const FILES: &'static [&'static str] = &["top_domains", "feedback", "spot_conf"];
    const RANKING: Ranking = Ranking {
        lowest_first: true,
        // No probability is above 1.
        everything: &[("threshold", "1"), ("max_results", "0")],
    };

    fn new(conf: Conf) -> Result<Self> {
        SpotLda::with_files(conf, &Files::default())
    }

    fn with_files(conf: Conf, files: &Files) -> Result<Self> {
        let spot = files.text("spot_conf");
        let spot = spot.map(|text| SpotConf::parse(&text, &[]));
        let settings = Settings::of(&conf, &spot.unwrap_or_default())?;
        let top = files
            .text("top_domains")
            .map(|text| TopDomains::of_lines(settings.words, text.lines()));
        if top.is_none() && settings.kind != Kind::Flow {
            warn!("no `top_domains`: no domain is taken for a well-known one");
        }
        let feedback = files.text("feedback");
        let feedback = feedback.map(|text| Feedback::parse(settings.kind, &text));
        Ok(SpotLda {
            wording: Wording::new(&settings, top.unwrap_or_default()),
            feedback: feedback.unwrap_or_default(),
            settings,
        })
    }

    fn input(&self) -> Records {
        let records = Records::as_configured().columns(self.settings.kind.columns());
        match self.settings.fields {
            Fields::Spot => records,
            Fields::Common => records.view(common::view(self.settings.kind)),
        }
    }

    fn aggregate(&self) -> Aggregate {
        let without_protocol = self.feedback.without_protocol();
        Aggregate::reduce(Count::new(self.wording.clone(), without_protocol))
    }

    fn train(&self, rows: Batches<'_>) -> Result<SpotModel> {
        train::train(&self.settings, &self.wording, &self.feedback, rows)
    }

    fn screen(&self, model: &Arc<SpotModel>) -> Option<Arc<dyn DynReduce>> {
        let Settings {
            scoring,
            threshold,
            max_results,
            ..
        } = self.settings;
        let (wording, model) = (self.wording.clone(), Arc::clone(model));
        Some(Arc::new(Screen::new(
            wording,
            model,
            scoring,
            threshold,
            max_results,
        )))
    }

    fn score(&self, model: &SpotModel, _: &Window, rows: Batches<'_>) -> Result<Findings> {
        model.check(self.settings.kind, self.settings.words)?;
        let kind = self.settings.kind;
        // The engine has them in the order of their keys.
        let rows = top::sorted(kind, &rows.concat(), None)?;
        let keys = rows.column(0).as_string_view();
        let keys: Vec<&str> = (0..keys.len()).map(|row| keys.value(row)).collect();
        let scorer = Scorer::new(model, self.settings.scoring);
        let explained = why::why(&self.wording, (model, scorer), &keys, &rows);
        let schema = rows.schema();
        let batches = std::slice::from_ref(&rows);
        let mut findings = Findings::from(Batches::new(&schema, batches))
            .score(rows.column(1).as_primitive().clone())
            .without(top::SCORE);
        for (name, column) in explained {
            findings = findings.with(name, column);
        }
        findings.build()
    }
}

datashark_sdk::export_usecase!(SpotLda);
