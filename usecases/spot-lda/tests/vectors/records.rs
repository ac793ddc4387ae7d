//! Records: which are valid, what is counted of them, how they are scored and chosen.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, StringViewArray,
};
use arrow::datatypes::{DataType, Float64Type, Schema};
use datashark_sdk::conf::Section;
use datashark_sdk::{Aggregate, Batches, DynReduce, Files, UseCase, Window};
use datashark_spot_lda::score::{ERROR_SCORE, score};
use datashark_spot_lda::word::WORD_ERROR;
use datashark_spot_lda::{Conf, Feedback, Kind, SpotLda, SpotModel};
use serde_json::{Map, Value};

use super::{fixture, number, text, vectors, whole};

fn kind(name: &str) -> Kind {
    serde_json::from_value(name.into()).expect("a kind")
}

/// Records as the engine gives them.
fn batch(kind: Kind, records: &[Value]) -> RecordBatch {
    let columns = kind.columns();
    let arrays = columns.iter().map(|field| -> ArrayRef {
        let values = records.iter().map(|record| &record[field.name()]);
        match field.data_type() {
            DataType::Int64 => Arc::new(values.map(Value::as_i64).collect::<Int64Array>()),
            DataType::Float64 => Arc::new(values.map(Value::as_f64).collect::<Float64Array>()),
            _ => Arc::new(values.map(Value::as_str).collect::<StringViewArray>()),
        }
    });
    let arrays = arrays.collect();
    RecordBatch::try_new(Arc::new(Schema::new(columns)), arrays).expect("the columns fit")
}

fn use_case(kind: &str, keys: &[(&str, &str)], files: &Files) -> SpotLda {
    // The vectors' words have the hour, whatever the rules.
    let fixed = [("analysis", kind), ("hours", "1")];
    let keys = keys.iter().copied().chain(fixed);
    let conf: Conf = Section::from_iter(keys)
        .parse()
        .expect("the keys are right");
    SpotLda::with_files(conf, files).expect("the settings make sense")
}

fn counting(use_case: &SpotLda) -> Arc<dyn DynReduce> {
    match use_case.aggregate() {
        Aggregate::Reduce(reduce) => reduce,
        _ => panic!("training counts by code"),
    }
}

fn train(use_case: &SpotLda, records: &RecordBatch) -> SpotModel {
    let count = counting(use_case);
    let mut state = count.empty().expect("a state");
    count.add(&mut state, records).expect("it is ours");
    let rows = count.rows(state).expect("the counts are rows");
    let schema = rows.schema();
    use_case
        .train(Batches::new(&schema, &[rows]))
        .expect("there are words")
}

/// How often which document has which word.
fn counts(model: &SpotModel) -> BTreeMap<String, BTreeMap<String, u64>> {
    let words = |document: u32| {
        let words = model.words_of(document);
        words
            .map(|(word, count)| (model.vocabulary.text(word).to_owned(), count))
            .collect()
    };
    let documents = (0..model.documents.len() as u32)
        .map(|document| (model.documents.text(document).to_owned(), words(document)));
    documents.collect()
}

#[test]
fn which_records_are_valid_is_spots_and_all_others_are_invalid() {
    let (mut n_valid, mut n_invalid) = (BTreeMap::new(), BTreeMap::new());
    for vector in vectors("record_validity") {
        let input = &vector["input"];
        let name = text(&input["type"]);
        let mut record = fixture(text(&input["base"]));
        for (key, value) in input["override"].as_object().expect("an object") {
            record[key] = value.clone();
        }
        let use_case = use_case(name, &[("words", "spot-1.1")], &Files::default());
        let refused = counting(&use_case).refused(&batch(kind(name), &[record]));
        let refused = refused.expect("it can be asked").expect("it refuses some");
        let is_valid = refused.is_empty();
        assert_eq!(
            is_valid,
            vector["expected"]["fixed"] == "valid",
            "{vector} {refused:?}"
        );
        assert_eq!(
            is_valid,
            vector["expected"]["reference"] == "valid",
            "{vector}"
        );
        if vector["origin"] == "reference test" {
            let n = if is_valid {
                &mut n_valid
            } else {
                &mut n_invalid
            };
            *n.entry(name.to_owned()).or_insert(0) += 1;
        }
    }
    for vector in vectors("record_validity_totals") {
        let (name, expected) = (text(&vector["input"]["type"]), &vector["expected"]);
        assert_eq!(n_valid[name], whole(&expected["valid"]), "{vector}");
        // What Spot lost without a trace is invalid, too.
        let invalid = whole(&expected["invalid"]) + whole(&expected["dropped_silently"]);
        assert_eq!(n_invalid[name], invalid, "{vector}");
    }
}

#[test]
fn v2_refuses_ports_that_there_are_not_and_addresses_that_are_empty() {
    if vectors("record_validity").is_empty() {
        return;
    }
    for (column, value) in [("sport", 70_000.into()), ("sip", Value::from(""))] {
        let mut record = fixture("flow");
        record[column] = value;
        let refused = |words| {
            let use_case = use_case("flow", &[("words", words)], &Files::default());
            let batch = batch(Kind::Flow, std::slice::from_ref(&record));
            let refused = counting(&use_case)
                .refused(&batch)
                .expect("it can be asked");
            refused.expect("it refuses some")
        };
        assert!(refused("spot-1.1").is_empty());
        assert!(refused("v2")[0].reason.contains(column));
    }
}

#[test]
fn the_pairs_of_flows_are_spots() {
    for vector in vectors("corpus_flow") {
        let input = &vector["input"];
        let columns = input["columns"].as_array().expect("a list");
        let rows = input["rows"].as_array().expect("a list").iter().map(|row| {
            let values = row.as_array().expect("a list").iter().cloned();
            let names = columns.iter().map(|name| text(name).to_owned());
            Value::Object(names.zip(values).collect::<Map<_, _>>())
        });
        let records = batch(Kind::Flow, &rows.collect::<Vec<_>>());
        for words in ["spot-1.1", "v2"] {
            let keys = [("words", words), ("topics", "2")];
            let model = train(&use_case("flow", &keys, &Files::default()), &records);
            let found = serde_json::to_value(counts(&model)).expect("JSON");
            assert_eq!(found, vector["expected"], "{vector}");
        }
    }
}

#[test]
fn scores_are_spots() {
    let probabilities = |table: &Value, word: &str| {
        let numbers = table[word].as_array()?;
        Some(numbers.iter().map(number).collect::<Vec<f64>>())
    };
    // A word that no one can make of a record never comes to a score.
    let scored = |mix: Option<&[f64]>, word: &str, table: &Value| match word {
        WORD_ERROR => ERROR_SCORE,
        word => score(mix, probabilities(table, word).as_deref()),
    };
    let mix = |value: &Value, bits: i64| {
        let numbers = value.as_array()?;
        let numbers = numbers.iter().map(number);
        Some(match bits {
            32 => numbers
                .map(|share| f64::from(share as f32))
                .collect::<Vec<f64>>(),
            _ => numbers.collect(),
        })
    };
    for vector in vectors("score_function") {
        let input = &vector["input"];
        let mix = mix(&input["topic_mix"], whole(&input["precision_bits"]));
        let found = scored(
            mix.as_deref(),
            text(&input["word"]),
            &input["word_topic_probs"],
        );
        let expected = match &vector["expected"] {
            Value::Object(expected) => number(&expected["fixed"]),
            expected => number(expected),
        };
        let tolerance = vector["tolerance"].as_f64().unwrap_or(0.0);
        assert!((found - expected).abs() <= tolerance, "{vector} {found}");
    }
    for vector in vectors("flow_score") {
        let input = &vector["input"];
        let side = |side: &str| {
            let mix = mix(&input[format!("{side}_mix")], 64);
            let word = text(&input[format!("{side}_word")]).to_owned();
            scored(mix.as_deref(), &word, &input["word_topic_probs"])
        };
        let found = side("src").min(side("dst"));
        let difference = (found - number(&vector["expected"])).abs();
        assert!(difference <= 1e-15, "{vector} {found}");
    }
}

#[test]
fn lines_of_feedback_become_records() {
    for vector in vectors("feedback") {
        let (input, expected) = (&vector["input"], &vector["expected"]);
        let expected = expected
            .get("fixed")
            .filter(|fixed| fixed.is_object())
            .unwrap_or(expected);
        let Some(records) = expected["records"].as_array() else {
            // A flow's protocol is looked up in the day's: see the use case's own tests.
            assert_eq!(input["type"], "flow");
            continue;
        };
        let lines: Vec<&str> = super::texts(&input["lines"]);
        let kind = kind(text(&input["type"]));
        let feedback = Feedback::parse(kind, &lines.join("\n"));
        let found = feedback.records(kind, |_| None).expect("the columns fit");
        assert_eq!(found.num_rows(), records.len(), "{vector}");
        let wanted = batch(kind, records);
        for (name, value) in records.iter().filter_map(Value::as_object).flatten() {
            let column = |batch: &RecordBatch| batch.column_by_name(name).map(|c| c.to_data());
            assert_eq!(column(&found), column(&wanted), "{vector} {name} {value}");
        }
        if let Some(skipped) = expected["skipped_lines"].as_array() {
            let found: Vec<i64> = feedback
                .skipped
                .iter()
                .map(|(line, _)| *line as i64)
                .collect();
            assert_eq!(
                found,
                skipped.iter().map(whole).collect::<Vec<_>>(),
                "{vector}"
            );
        }
    }
}

const DNS_HEADER: &str = "frame_time\tframe_len\tip_dst\tdns_qry_name\tdns_qry_class\tdns_qry_type\t\
    dns_qry_rcode\tscore\ttld\tquery_rep\thh\tip_sev\tdns_sev\tc\tt\tr\tnetwork_context\tunix_tstamp";

/// An answer at an hour to an address, and the line by which an analyst calls it harmless.
fn answer(address: &str, hour: u32, name: &str) -> (Value, String) {
    let (time, seconds) = (
        format!("May 20 2016 0{hour}:10:25.970987000 UTC"),
        hour * 3600,
    );
    let line = format!(
        "{time}\t168\t{address}\t{name}\t0x00000001\t1\t0\t1e-7\t\t\t\t0\t3\t\t\t\t\t{seconds}"
    );
    let record = serde_json::json!({
        "frame_time": time, "unix_tstamp": seconds, "frame_len": 168, "ip_dst": address,
        "dns_qry_name": name, "dns_qry_class": "0x00000001", "dns_qry_type": 1, "dns_qry_rcode": 0,
    });
    (record, line)
}

#[test]
fn feedback_counts_as_often_as_it_is_said_and_may_make_a_document() {
    // Two words of `10.0.0.1`, three times and once; both lines are of the second.
    let (first, _) = answer("10.0.0.1", 1, "example.com");
    let (second, line) = answer("10.0.0.1", 2, "example.com");
    let (_, other) = answer("10.0.0.2", 2, "example.com");
    let day = batch(Kind::Dns, &[first.clone(), first.clone(), first, second]);
    for vector in vectors("feedback_counts") {
        let file = format!("{DNS_HEADER}\n{line}\n{other}\n");
        let files = Files::from_iter([("feedback", file)]);
        let times = vector["input"]["dupfactor"].to_string();
        let keys = [("dup_factor", times.as_str()), ("topics", "2")];
        let model = train(&use_case("dns", &keys, &files), &day);
        let found = serde_json::to_string(&counts(&model)).expect("JSON");
        let found = found
            .replace("0_7_1_0_0_1_1_0", "a")
            .replace("0_7_2_0_0_1_1_0", "b");
        let found: Value = serde_json::from_str(&found).expect("JSON");
        assert_eq!(found, vector["expected"], "{vector}");
    }
}

#[test]
fn the_parts_of_a_score_add_up_to_it_and_the_reasons_are_those_of_the_day() {
    let days: Vec<Value> = (0..4u32)
        .flat_map(|hour| (0..=hour).map(move |_| answer("10.0.0.1", hour, "example.com").0))
        .chain([answer("10.0.0.2", 3, "example.com").0])
        .collect();
    let day = batch(Kind::Dns, &days);
    let keys = [("threshold", "1"), ("topics", "3"), ("max_results", "4")];
    let use_case = use_case("dns", &keys, &Files::default());
    let model = Arc::new(train(&use_case, &day));
    let screen = use_case.screen(&model).expect("records are screened");
    let mut state = screen.empty().expect("a state");
    screen.add(&mut state, &day).expect("it is ours");
    let rows = screen.rows(state).expect("rows");
    let (schema, window) = (rows.schema(), Window { start: 0, end: 1 });
    let findings = use_case.score(&model, &window, Batches::new(&schema, &[rows]));
    let findings = findings.expect("findings");
    assert_eq!(findings.len(), 4);
    let scores = findings.scores().values();
    assert!(scores.is_sorted(), "{scores:?}");
    let column = |name: &str| findings.batch().column_by_name(name).expect("a field");
    let parts = column("score_parts").as_list::<i32>();
    for (row, score) in scores.iter().enumerate() {
        let parts = parts.value(row);
        let sum: f64 = parts.as_primitive::<Float64Type>().values().iter().sum();
        assert!((sum - score).abs() <= 1e-12, "{sum} {score}");
        let number = |name: String| column(&name).as_primitive::<Float64Type>().value(row);
        let answers = ["here", "everyone", "fields"].map(|of| {
            let probability = number(format!("probability_{of}"));
            (probability, number(format!("weight_{of}")))
        });
        let product: f64 = answers.iter().map(|(p, weight)| p.powf(*weight)).product();
        assert!((product / score - 1.0).abs() <= 1e-12, "{product} {score}");
        let weights: f64 = answers.iter().map(|(_, weight)| weight).sum();
        assert!((weights - 1.0).abs() <= 1e-12, "{weights}");
    }
    let texts = |name: &str| {
        column(name)
            .as_any()
            .downcast_ref::<StringArray>()
            .expect("text")
            .value(0)
    };
    // The rarest of what the first address does: it asked once in the first hour.
    assert_eq!(findings.keys().value(0), "10.0.0.1");
    assert_eq!(texts("word"), "0_7_0_0_0_1_1_0");
    assert_eq!(
        texts("usual_words"),
        "0_7_3_0_0_1_1_0 (4), 0_7_2_0_0_1_1_0 (3), 0_7_1_0_0_1_1_0 (2)"
    );
    let counts = [
        "word_count_here",
        "words_here",
        "word_count_everyone",
        "words_everyone",
    ];
    let counts = counts.map(|name| {
        column(name)
            .as_primitive::<arrow::datatypes::UInt64Type>()
            .value(0)
    });
    assert_eq!(counts, [1, 10, 1, 11]);
    assert_eq!(texts("word_frame_length"), "128 to 255");
}

/// The scores of some answers by the model of a day, in the order of the answers' hours.
fn scores_of(keys: &[(&str, &str)], day: &RecordBatch, scored: &[Value]) -> Vec<f64> {
    let keys = [keys, &[("threshold", "1"), ("topics", "3")]].concat();
    let use_case = use_case("dns", &keys, &Files::default());
    let screen = use_case.screen(&Arc::new(train(&use_case, day)));
    let screen = screen.expect("records are screened");
    let score = |record: &Value| {
        let mut state = screen.empty().expect("a state");
        let record = batch(Kind::Dns, std::slice::from_ref(record));
        screen.add(&mut state, &record).expect("it is ours");
        let rows = screen.rows(state).expect("rows");
        rows.column(1).as_primitive::<Float64Type>().value(0)
    };
    scored.iter().map(score).collect()
}

#[test]
fn what_nobody_did_is_judged_by_what_it_is_made_of_and_who_is_new_by_what_everyone_does() {
    let days: Vec<Value> = (0..40u32)
        .map(|n| answer(&format!("10.0.0.{}", n % 4), n % 3 + 1, "example.com").0)
        .collect();
    let day = batch(Kind::Dns, &days);
    let usual = answer("10.0.0.1", 1, "example.com").0;
    let mut by_one_field = usual.clone();
    by_one_field["dns_qry_rcode"] = 3.into();
    let mut by_two_fields = by_one_field.clone();
    by_two_fields["frame_len"] = 4000.into();
    let by_new = answer("10.9.9.9", 1, "example.com").0;
    let scored = [by_two_fields, by_one_field, by_new, usual];
    let pooled = scores_of(&[], &day, &scored);
    assert!(pooled[0] > 0.0, "{pooled:?}");
    assert!(pooled[0] < pooled[1] / 10.0, "{pooled:?}");
    assert!(pooled[1] < pooled[2] / 10.0, "{pooled:?}");
    assert!(pooled[2..].iter().all(|score| *score > 0.1), "{pooled:?}");
    // To Spot all three are the same.
    let by_topics = scores_of(&[("scoring", "spot")], &day, &scored);
    assert_eq!(by_topics[..3], [0.0; 3]);
    assert!(by_topics[3] > 0.1, "{by_topics:?}");
    assert_eq!(
        scores_of(&[("words", "spot-1.1")], &day, &scored)[..3],
        [0.0; 3]
    );
}

#[test]
fn the_order_and_the_threads_of_the_records_change_no_bit_of_a_model() {
    let days: Vec<Value> = (0..60u32)
        .map(|n| answer(&format!("10.0.0.{}", n % 7), n % 9, "www.example.com").0)
        .collect();
    let use_case = use_case("dns", &[("topics", "4")], &Files::default());
    let whole = train(&use_case, &batch(Kind::Dns, &days));
    let count = counting(&use_case);
    let (mut one, mut other) = (
        count.empty().expect("a state"),
        count.empty().expect("a state"),
    );
    let reversed: Vec<Value> = days.iter().rev().cloned().collect();
    count
        .add(&mut one, &batch(Kind::Dns, &reversed[..20]))
        .expect("it is ours");
    count
        .add(&mut other, &batch(Kind::Dns, &reversed[20..]))
        .expect("it is ours");
    count.merge(&mut one, other).expect("it is ours");
    let rows = count.rows(one).expect("rows");
    let schema = rows.schema();
    let spread = use_case
        .train(Batches::new(&schema, &[rows]))
        .expect("words");
    let json = |model: &SpotModel| serde_json::to_string(model).expect("JSON");
    assert_eq!(json(&whole), json(&spread));
    let read: SpotModel = serde_json::from_str(&json(&whole)).expect("a model");
    assert_eq!(json(&read), json(&whole));
}
