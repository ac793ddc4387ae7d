//! Looks at each record with the model: keeps those that are improbable where they are.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringViewBuilder};
use datashark_sdk::{Error, Reduce, Refused, Result};
use serde::{Deserialize, Serialize};

use crate::columns::{Answers, Flows, Requests};
use crate::flow_cache::FlowCache;
use crate::kind::Kind;
use crate::model::SpotModel;
use crate::score::{ERROR_SCORE, Scorer, Word};
use crate::settings::{Scoring, Words};
use crate::top::Top;
use crate::word::proxy::complete;
use crate::wording::Wording;

/// Keeps the most suspicious records.
pub struct Screen {
    wording: Wording,
    model: Arc<SpotModel>,
    scoring: Scoring,
    threshold: f64,
    max_results: Option<usize>,
}

/// The most suspicious records so far.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Screened {
    top: Top,
    /// What could not be kept; told at the end, since records are added where no error can be.
    failure: Option<String>,
    #[serde(skip)]
    cache: FlowCache<Word>,
}

impl Screen {
    /// Keeps records with scores up to a threshold, the lowest first, no more than so many.
    pub fn new(
        wording: Wording,
        model: Arc<SpotModel>,
        scoring: Scoring,
        threshold: f64,
        max_results: Option<usize>,
    ) -> Self {
        Screen {
            wording,
            model,
            scoring,
            threshold,
            max_results,
        }
    }

    fn scorer(&self) -> Scorer<'_> {
        Scorer::new(&self.model, self.scoring)
    }

    /// The records of a batch that may be wanted, with keys and scores.
    fn choose(&self, screened: &mut Screened, batch: &RecordBatch) -> Chosen {
        let highest = self.threshold.min(screened.top.cutoff());
        let mut chosen = Chosen::new(highest, batch.num_rows());
        match self.wording.kind {
            Kind::Flow => self.flows(&mut screened.cache, batch, &mut chosen),
            Kind::Dns => self.answers(batch, &mut chosen),
            Kind::Proxy => self.requests(batch, &mut chosen),
        }
        chosen
    }

    fn flows(&self, cache: &mut FlowCache<Word>, batch: &RecordBatch, chosen: &mut Chosen) {
        let flows = Flows::of(batch);
        let (rules, scorer) = (self.wording.words, self.scorer());
        let (mut source, mut destination) = (String::new(), String::new());
        for row in 0..batch.num_rows() {
            let word = self.wording.flow(&flows.flow(row));
            let words = cache.get(&word, || {
                word.write_both(rules, &mut source, &mut destination);
                (scorer.word(&source), scorer.word(&destination))
            });
            let (sip, dip) = (flows.sip.get(row), flows.dip.get(row));
            let (sip, dip) = (sip.unwrap_or_default(), dip.unwrap_or_default());
            let of_source = scorer.score(sip, words.0, chosen.highest);
            let of_destination = scorer.score(dip, words.1, chosen.highest);
            match of_destination < of_source {
                true => chosen.look(dip, of_destination),
                false => chosen.look(sip, of_source),
            }
        }
    }

    fn answers(&self, batch: &RecordBatch, chosen: &mut Chosen) {
        let answers = Answers::of(batch);
        let scorer = self.scorer();
        let (mut words, mut word) = (self.wording.dns(), String::new());
        for row in 0..batch.num_rows() {
            let address = answers.ip_dst.get(row).unwrap_or_default();
            // What no word can be made of was refused.
            if words.write(&answers.answer(row), &mut word).is_err() {
                chosen.pass();
                continue;
            }
            let score = scorer.score(address, scorer.word(&word), chosen.highest);
            chosen.look(address, score);
        }
    }

    fn requests(&self, batch: &RecordBatch, chosen: &mut Chosen) {
        let requests = Requests::of(batch);
        let (model, scorer) = (self.model.as_ref(), self.scorer());
        let (mut words, mut open, mut word) = (self.wording.proxy(), String::new(), String::new());
        for row in 0..batch.num_rows() {
            let address = requests.clientip.get(row).unwrap_or_default();
            if words.write(&requests.request(row), &mut open).is_err() {
                chosen.pass();
                continue;
            }
            complete(&open, agent_count(model, requests.agent(row)), &mut word);
            let score = scorer.score(address, scorer.word(&word), chosen.highest);
            chosen.look(address, score);
        }
    }
}

/// How common a user agent is to the model; one that it does not know is there once, now.
pub(crate) fn agent_count(model: &SpotModel, agent: &str) -> u64 {
    model.n_of_agent(agent).unwrap_or(1)
}

impl Reduce for Screen {
    type State = Screened;

    fn refused(&self, batch: &RecordBatch) -> Option<Vec<Refused>> {
        let mut refused = self.wording.refused(batch);
        // Spot makes no word of a request whose user agent it has not counted.
        if self.wording.kind == Kind::Proxy && self.wording.words == Words::Spot11 {
            let requests = Requests::of(batch);
            let is_unknown = |row: &usize| self.model.n_of_agent(requests.agent(*row)).is_none();
            let unknown = (0..batch.num_rows()).filter(is_unknown);
            refused.extend(unknown.map(|row| Refused {
                row,
                reason: "corrupt: the model does not know the user agent".to_owned(),
            }));
        }
        Some(refused)
    }

    fn add(&self, screened: &mut Screened, batch: &RecordBatch) {
        let chosen = self.choose(screened, batch);
        if chosen.scores.is_empty() {
            return;
        }
        let (chosen, keys, scores) = chosen.finish();
        let (kind, limit) = (self.wording.kind, self.max_results);
        let added = screened.top.add(kind, batch, &chosen, keys, scores, limit);
        screened.note(added.map_err(|error| error.to_string()));
    }

    fn merge(&self, screened: &mut Screened, other: Screened) {
        let merged = screened
            .top
            .merge(self.wording.kind, other.top, self.max_results);
        screened.note(merged.map_err(|error| error.to_string()));
        screened.note(other.failure.map_or(Ok(()), Err));
    }

    fn rows(&self, screened: Screened) -> Result<RecordBatch> {
        match screened.failure {
            Some(failure) => Err(Error::internal(failure)),
            None => Ok(screened.top.rows(self.wording.kind, self.max_results)?),
        }
    }

    fn size_bytes(&self, screened: &Screened) -> usize {
        screened.top.size_bytes()
    }
}

impl Screened {
    fn note(&mut self, done: Result<(), String>) {
        if let (Err(failure), None) = (done, &self.failure) {
            self.failure = Some(failure);
        }
    }
}

/// Which records of a batch are kept, with their keys and scores.
struct Chosen {
    highest: f64,
    is_chosen: Vec<bool>,
    keys: StringViewBuilder,
    scores: Vec<f64>,
}

impl Chosen {
    fn new(highest: f64, n_rows: usize) -> Self {
        Chosen {
            highest,
            is_chosen: Vec::with_capacity(n_rows),
            keys: StringViewBuilder::new(),
            scores: Vec::new(),
        }
    }

    /// Looks at the next record.
    #[inline]
    fn look(&mut self, key: &str, score: f64) {
        // A score that is no number would be lost here without a trace; the model has none.
        let is_chosen = score > ERROR_SCORE && score <= self.highest;
        if is_chosen {
            self.keys.append_value(key);
            self.scores.push(score);
        }
        self.is_chosen.push(is_chosen);
    }

    /// Passes the next record over.
    fn pass(&mut self) {
        self.is_chosen.push(false);
    }

    fn finish(mut self) -> (BooleanArray, ArrayRef, Float64Array) {
        let keys = Arc::new(self.keys.finish());
        (
            BooleanArray::from(self.is_chosen),
            keys,
            Float64Array::from(self.scores),
        )
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, new_null_array};
    use arrow::datatypes::{Float64Type, Schema};
    use serde_json::Value;

    use super::*;

    /// What of some scores is kept, as a vector asks it.
    fn kept(scores: &[f64], threshold: f64, limit: Option<usize>) -> Vec<f64> {
        let columns = Kind::Dns.columns();
        let arrays = columns
            .iter()
            .map(|field| new_null_array(field.data_type(), scores.len()));
        let arrays = arrays.collect();
        let records = RecordBatch::try_new(Arc::new(Schema::new(columns)), arrays).unwrap();
        let mut chosen = Chosen::new(threshold, scores.len());
        for score in scores {
            chosen.look("10.0.0.1", *score);
        }
        let (chosen, keys, scores) = chosen.finish();
        let mut top = Top::default();
        top.add(Kind::Dns, &records, &chosen, keys, scores, limit)
            .unwrap();
        let rows = top.rows(Kind::Dns, limit).unwrap();
        rows.column(1)
            .as_primitive::<Float64Type>()
            .values()
            .to_vec()
    }

    #[test]
    fn what_is_kept_is_spots_choice() {
        let Some(text) = datashark_test_data::spot_vectors() else {
            return;
        };
        let vectors: Value = serde_json::from_str(&text).unwrap();
        let vectors = vectors["score_filter"].as_array().unwrap();
        assert!(!vectors.is_empty());
        for vector in vectors {
            let input = &vector["input"];
            let scores = input["scores"].as_array().unwrap().iter();
            let scores: Vec<f64> = scores.map(|n| n.as_f64().unwrap_or(f64::NAN)).collect();
            let limit = input["max_results"].as_i64().unwrap();
            let limit = usize::try_from(limit).ok().filter(|limit| *limit > 0);
            let found = kept(&scores, input["threshold"].as_f64().unwrap(), limit);
            let wanted = vector["expected"]["kept_scores_in_order"]
                .as_array()
                .unwrap();
            let wanted: Vec<f64> = wanted.iter().map(|n| n.as_f64().unwrap()).collect();
            assert_eq!(found, wanted, "{vector}");
        }
    }
}
