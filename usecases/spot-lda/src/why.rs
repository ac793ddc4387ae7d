//! Why a record is suspicious, in plain fields: its word taken apart, how often the address and how
//! often everyone does that, what the address usually does, and the exact parts of the score.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Builder, ListBuilder, RecordBatch, StringArray, StringBuilder, UInt64Builder,
};
use arrow::datatypes::{DataType, Field};

use crate::columns::{Answers, Flows, Requests};
use crate::domain::DomainClass;
use crate::kind::Kind;
use crate::model::SpotModel;
use crate::number::ENTROPY_CUTS;
use crate::score::{Scorer, contributions};
use crate::screen::agent_count;
use crate::word::Server;
use crate::word::flow::Service;
use crate::word::proxy::complete;
use crate::wording::Wording;

/// How many of an address's usual words are told.
const N_USUAL: usize = 3;

/// A finding's field: its name and its value for each record.
pub(crate) type Explained = (&'static str, ArrayRef);

/// The fields that say why, for records whose keys are the addresses that they are suspicious at.
pub(crate) fn why(
    wording: &Wording,
    (model, scorer): (&SpotModel, Scorer<'_>),
    keys: &[&str],
    records: &RecordBatch,
) -> Vec<Explained> {
    let (words, mut explained) = match wording.kind {
        Kind::Flow => flows(wording, keys, records),
        Kind::Dns => answers(wording, records),
        Kind::Proxy => requests(wording, model, records),
    };
    let rules = StringArray::from(vec![wording.words.name(); keys.len()]);
    explained.push(("word_rules", Arc::new(rules)));
    explained.extend(habits(model, scorer, keys, &words));
    explained.extend(answers_of(model, scorer, keys, &words));
    explained
}

/// The words of some records, and fields that take them apart.
type TakenApart = (Vec<String>, Vec<Explained>);

/// Columns of text in the making, by name.
struct Fields<const N: usize> {
    names: [&'static str; N],
    columns: [StringBuilder; N],
}

impl<const N: usize> Fields<N> {
    fn new(names: [&'static str; N]) -> Self {
        Fields {
            names,
            columns: std::array::from_fn(|_| StringBuilder::new()),
        }
    }

    fn push(&mut self, values: [String; N]) {
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.append_value(value);
        }
    }

    fn finish(mut self) -> Vec<Explained> {
        let columns = self
            .columns
            .iter_mut()
            .map(|column| Arc::new(column.finish()) as ArrayRef);
        self.names.into_iter().zip(columns).collect()
    }
}

fn flows(wording: &Wording, keys: &[&str], records: &RecordBatch) -> TakenApart {
    let flows = Flows::of(records);
    let mut words = Vec::with_capacity(keys.len());
    let mut fields = Fields::new([
        "word_role",
        "word_service_port",
        "word_protocol",
        "word_hour",
        "word_bytes",
        "word_packets",
    ]);
    for (row, key) in keys.iter().enumerate() {
        let word = wording.flow(&flows.flow(row));
        let is_source = flows.sip.get(row) == Some(key);
        let side = if is_source {
            Server::Source
        } else {
            Server::Destination
        };
        let (owns_port, mut text) = (word.server == side, String::new());
        word.write(owns_port, wording.words, &mut text);
        words.push(text);
        let role = match word.server {
            Server::None => "peer",
            _ if owns_port => "server",
            _ => "client",
        };
        let port = match word.service() {
            Service::None => "no port".to_owned(),
            Service::BothLow => "two ports up to 1024".to_owned(),
            Service::BothHigh => "two ports above 1024".to_owned(),
            Service::Port(port) => port.to_string(),
        };
        fields.push([
            role.to_owned(),
            port,
            word.protocol(wording.words),
            wording.hours_of(word.hour),
            of_bits(word.bytes),
            of_bits(word.packets),
        ]);
    }
    (words, fields.finish())
}

fn answers(wording: &Wording, records: &RecordBatch) -> TakenApart {
    let answers = Answers::of(records);
    let mut words = Vec::with_capacity(records.num_rows());
    let mut makes = wording.dns();
    let mut fields = Fields::new([
        "word_domain",
        "word_frame_length",
        "word_hour",
        "word_subdomain_length",
        "word_subdomain_entropy",
        "word_labels",
        "word_query_type",
        "word_response_code",
    ]);
    for row in 0..records.num_rows() {
        let (answer, mut word) = (answers.answer(row), String::new());
        // What no word can be made of was refused, and is no finding.
        let _ = makes.write(&answer, &mut word);
        words.push(word);
        let values = match makes.parts(&answer) {
            Ok(parts) => [
                of_class(parts.class),
                of_log(parts.frame),
                wording.hours_of(parts.hour.into()),
                of_log(parts.subdomain),
                of_entropy(parts.entropy),
                of_log(parts.labels),
                answer.query_type.to_string(),
                answer.rcode.to_string(),
            ],
            Err(_) => Default::default(),
        };
        fields.push(values);
    }
    (words, fields.finish())
}

fn requests(wording: &Wording, model: &SpotModel, records: &RecordBatch) -> TakenApart {
    let requests = Requests::of(records);
    let mut words = Vec::with_capacity(records.num_rows());
    let (mut makes, mut open) = (wording.proxy(), String::new());
    let mut fields = Fields::new([
        "word_domain",
        "word_hour",
        "word_method",
        "word_uri_entropy",
        "word_content_type",
        "word_agent_requests",
        "word_uri_length",
        "word_response_code",
    ]);
    for row in 0..records.num_rows() {
        let (request, mut word) = (requests.request(row), String::new());
        let n_requests = agent_count(model, requests.agent(row));
        if makes.write(&request, &mut open).is_ok() {
            complete(&open, n_requests, &mut word);
        }
        words.push(word);
        let values = match makes.parts(&request) {
            Ok(parts) => [
                of_class(parts.class),
                wording.hours_of(parts.hour.into()),
                parts.method.to_owned(),
                of_entropy(parts.entropy),
                parts.content_type.into_owned(),
                of_log(crate::number::floor_log2(n_requests)),
                of_log(parts.length),
                parts.code.to_owned(),
            ],
            Err(_) => Default::default(),
        };
        fields.push(values);
    }
    (words, fields.finish())
}

/// How often who does that, what is usual, and the score's parts.
fn habits(
    model: &SpotModel,
    scorer: Scorer<'_>,
    keys: &[&str],
    words: &[String],
) -> Vec<Explained> {
    let mut word = StringBuilder::new();
    let mut usual = StringBuilder::new();
    let mut counts: [UInt64Builder; 4] = Default::default();
    let item = || Arc::new(Field::new("item", DataType::Float64, false));
    let list = || ListBuilder::new(Float64Builder::new()).with_field(item());
    let (mut mixes, mut parts) = (list(), list());
    let nothing = vec![0.0; model.n_topics];
    let n_tokens = model.n_tokens();
    for (key, text) in keys.iter().zip(words) {
        let (document, id) = (model.documents.find(key), model.vocabulary.find(text));
        let mut here: Vec<(u32, u64)> = match document {
            Some(document) => model.words_of(document).collect(),
            None => Vec::new(),
        };
        let n_here = here.iter().find(|(word, _)| Some(*word) == id);
        let of_all = id.map_or(0, |id| model.n_of_word(id));
        let total = here.iter().map(|(_, count)| count).sum();
        let n_here = n_here.map_or(0, |(_, count)| *count);
        for (column, count) in counts.iter_mut().zip([n_here, total, of_all, n_tokens]) {
            column.append_value(count);
        }
        // Of words as usual the first by number, which is the first by text.
        here.sort_by_key(|(word, count)| (std::cmp::Reverse(*count), *word));
        let named = here.iter().take(N_USUAL);
        let named =
            named.map(|(word, count)| format!("{} ({count})", model.vocabulary.text(*word)));
        usual.append_value(named.collect::<Vec<_>>().join(", "));
        word.append_value(text);
        let mix = document.map_or(nothing.as_slice(), |document| model.mix(document));
        let probabilities = id.map_or(nothing.as_slice(), |id| model.probabilities(id));
        mixes.append_value(mix.iter().copied().map(Some));
        let mut of_topics = contributions(mix, probabilities);
        let by_topics: f64 = of_topics.iter().sum();
        let score = scorer.without_feedback(document, scorer.word(text));
        // What is not of topics is a part of its own: what the other answers add or take, and then what
        // feedback adds.
        if scorer.is_pooled() {
            of_topics.push(score - by_topics);
        }
        let by_feedback = model.least_score(document, id) - score;
        if by_feedback > 0.0 {
            of_topics.push(by_feedback);
        }
        parts.append_value(of_topics.into_iter().map(Some));
    }
    let [n_here, total, of_all, all] =
        counts.map(|mut column| Arc::new(column.finish()) as ArrayRef);
    vec![
        ("word", Arc::new(word.finish()) as ArrayRef),
        ("word_count_here", n_here),
        ("words_here", total),
        ("word_count_everyone", of_all),
        ("words_everyone", all),
        ("usual_words", Arc::new(usual.finish())),
        ("topic_mix", Arc::new(mixes.finish())),
        ("score_parts", Arc::new(parts.finish())),
    ]
}

/// The three answers that a pooled score is made of.
fn answers_of(
    model: &SpotModel,
    scorer: Scorer<'_>,
    keys: &[&str],
    words: &[String],
) -> Vec<Explained> {
    const NAMES: [&str; 6] = [
        "probability_here",
        "weight_here",
        "probability_everyone",
        "weight_everyone",
        "probability_fields",
        "weight_fields",
    ];
    if !scorer.is_pooled() {
        return Vec::new();
    }
    let mut columns: [Float64Builder; 6] = Default::default();
    for (key, word) in keys.iter().zip(words) {
        let answers = scorer.answers(model.documents.find(key), word);
        let values = answers.map(|of| {
            let pairs = [of.here, of.everyone, of.fields];
            pairs.map(|(probability, weight)| [probability, weight])
        });
        let values = values.unwrap_or_default();
        for (column, value) in columns.iter_mut().zip(values.as_flattened()) {
            column.append_value(*value);
        }
    }
    let columns = columns.map(|mut column| Arc::new(column.finish()) as ArrayRef);
    NAMES.into_iter().zip(columns).collect()
}

/// The numbers that have so many bits: `128 to 255`.
fn of_bits(bits: u32) -> String {
    match bits {
        0 | 1 => bits.to_string(),
        bits => range(bits - 1),
    }
}

/// The numbers that have this binary logarithm: `128 to 255`.
fn of_log(log: u32) -> String {
    match log {
        0 => "0 to 1".to_owned(),
        log => range(log),
    }
}

fn range(log: u32) -> String {
    let least = 1u64 << log.min(63);
    format!("{least} to {}", least + (least - 1))
}

/// The entropies of a class: `2.1 to 2.4 bits`.
fn of_entropy(class: i32) -> String {
    let class = usize::try_from(class).unwrap_or_default();
    match class {
        0 => "0 bits".to_owned(),
        19.. => "above 5.4 bits".to_owned(),
        class => format!(
            "{} to {} bits",
            ENTROPY_CUTS[class - 1],
            ENTROPY_CUTS[class]
        ),
    }
}

fn of_class(class: DomainClass) -> String {
    let class = match class {
        DomainClass::Own => "our own",
        DomainClass::Top => "well known",
        DomainClass::Other => "other",
    };
    class.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_told_as_the_numbers_that_are_in_them() {
        assert_eq!(
            [0, 1, 2, 8].map(of_bits),
            ["0", "1", "2 to 3", "128 to 255"]
        );
        assert_eq!([0, 1, 7].map(of_log), ["0 to 1", "2 to 3", "128 to 255"]);
        assert_eq!(of_bits(63), "4611686018427387904 to 9223372036854775807");
        assert_eq!(
            [0, 1, 19].map(of_entropy),
            ["0 bits", "0 to 0.3 bits", "above 5.4 bits"]
        );
    }
}
