//! Centres and distances on two real logs, compared with scikit-learn's.
//!
//! `reference/kmeans.py` made `reference/kmeans.json`. The logs are not part of this tree: they are
//! read where they lie, in `DATASHARK_DATA` or `../shared/data` beside the tree. Without them the
//! distances are still compared, with the centres that are in the file.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod logs;

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::{Float64Type, Int64Type};
use datashark_sdk::prelude::*;
use datashark_web_anomaly_detection::{Centres, Conf, Features, WebAnomaly};
use logs::{Counts, counts, rows, score, train};
use serde_json::Value;

const PATTERN: &str = r#"(?P<source>\S+) \[[0-9:]+\] \"(.*)\" (?P<response_code>\d{3}) (\S+)"#;

/// How far centres may be from scikit-learn's.
const CENTRE_TOLERANCE: f64 = 1e-6;
/// How far distances may be from scikit-learn's.
const DISTANCE_TOLERANCE: f64 = 1e-9;

fn reference() -> Value {
    serde_json::from_str(include_str!("../reference/kmeans.json")).unwrap()
}

fn use_case(features: Features) -> WebAnomaly {
    WebAnomaly::new(Conf {
        features,
        ..Conf::with_pattern(PATTERN)
    })
    .unwrap()
}

/// The counts of each source of a log; `None`, said aloud, where the log is not there.
fn counts_of(file: &str) -> Option<BTreeMap<String, Counts>> {
    let text = datashark_test_data::read(&format!("access_logs/epa_format/{file}"))?;
    Some(counts(&String::from_utf8_lossy(&text), PATTERN))
}

fn assert_near(ours: &[f64], theirs: &Value, tolerance: f64) {
    let theirs: Vec<f64> = serde_json::from_value(theirs.clone()).unwrap();
    assert_eq!(ours.len(), theirs.len());
    let near = ours
        .iter()
        .zip(&theirs)
        .all(|(x, y)| (x - y).abs() <= tolerance);
    assert!(near, "{ours:?} is not {theirs:?}");
}

/// Scores every row of the reference and compares cluster and distance.
fn assert_distances(use_case: &WebAnomaly, model: &Centres, reference: &Value) {
    let expected: Vec<Vec<f64>> = serde_json::from_value(reference["distances"].clone()).unwrap();
    assert!(expected.len() > 100);
    let counts = |row: &Vec<f64>| std::array::from_fn(|idx| row[idx] as i64);
    let numbered = expected.iter().enumerate();
    let sources = numbered
        .map(|(i, row)| (format!("{i:06}"), counts(row)))
        .collect();
    let findings = score(use_case, model, &rows(&sources));
    let clusters = findings.batch().column_by_name("cluster").unwrap();
    for (i, row) in expected.iter().enumerate() {
        assert_eq!(
            clusters.as_primitive::<Int64Type>().value(i),
            row[5] as i64,
            "{row:?}"
        );
        let difference = (findings.scores().value(i) - row[6]).abs();
        assert!(difference <= DISTANCE_TOLERANCE, "{row:?}: {difference}");
    }
}

fn compare(features: Features) {
    let reference = reference();
    let of_features = &reference[features.to_string()];
    let use_case = use_case(features);
    let Some(sources) = counts_of(reference["training"]["file"].as_str().unwrap()) else {
        return;
    };
    assert_eq!(
        sources.len() as u64,
        reference["training"]["n_sources"].as_u64().unwrap()
    );
    let model = train(&use_case, &rows(&sources));
    for (ours, theirs) in model
        .centres
        .iter()
        .zip(of_features["centres"].as_array().unwrap())
    {
        assert_near(ours, theirs, CENTRE_TOLERANCE);
    }
    assert_distances(&use_case, &model, of_features);
    scanner_stands_out(&use_case, &model, sources, &reference);
}

/// Both logs in one window: the scanner has the highest score of all sources.
fn scanner_stands_out(
    use_case: &WebAnomaly,
    model: &Centres,
    mut sources: BTreeMap<String, Counts>,
    reference: &Value,
) {
    let Some(scanner) = counts_of(reference["scored"]["file"].as_str().unwrap()) else {
        return;
    };
    let (name, _) = scanner.first_key_value().unwrap();
    let name = name.clone();
    sources.extend(scanner);
    let findings = score(use_case, model, &rows(&sources));
    let scores = findings.scores().values();
    let highest = (0..findings.len())
        .max_by(|i, j| scores[*i].total_cmp(&scores[*j]))
        .unwrap();
    if model.features == Features::Counts {
        assert_eq!(findings.keys().value(highest), name);
    }
    assert!(
        scores
            .iter()
            .all(|score| score.is_finite() && *score >= 0.0)
    );
}

#[test]
fn counts_give_scikit_learns_centres_and_distances() {
    compare(Features::Counts);
}

#[test]
fn rates_give_scikit_learns_centres_and_distances() {
    compare(Features::Rates);
}

#[test]
fn findings_are_key_distance_cluster_and_counts() {
    let use_case = use_case(Features::Counts);
    let training = BTreeMap::from([("a".into(), [2, 0, 0, 0, 2]), ("b".into(), [8, 0, 0, 0, 8])]);
    let model = train(&use_case, &rows(&training));
    let window = rows(&BTreeMap::from([("c".into(), [5, 0, 0, 4, 9])]));
    let findings = score(&use_case, &model, &window.project(&[0, 1, 4]).unwrap());
    let names: Vec<&str> = findings.metadata().map(|(name, _)| name).collect();
    assert_eq!(names, ["cluster", "twoxx", "nxx"]);
    assert_eq!(findings.keys().value(0), "c");
    assert_eq!(
        findings
            .batch()
            .column(1)
            .as_primitive::<Float64Type>()
            .value(0),
        5.0
    );
}

#[test]
fn an_empty_window_gives_no_finding() {
    let use_case = use_case(Features::Rates);
    let training = rows(&BTreeMap::from([
        ("a".into(), [2, 0, 0, 0, 2]),
        ("b".into(), [0, 0, 3, 1, 4]),
    ]));
    let model = train(&use_case, &training);
    let schema = training.schema();
    let none = Batches::new(&schema, &[]);
    let findings = UseCase::score(&use_case, &model, &Window::WHOLE, none).unwrap();
    assert!(findings.is_empty() && findings.batch().num_columns() == 8);
}

#[test]
fn a_model_is_the_same_to_the_last_bit_after_json() {
    let sources = |i: i64| (format!("{i}"), [i % 7, i % 3, i % 5, i % 2, 1 + i % 11]);
    let training = rows(&(0..100).map(sources).collect());
    for features in [Features::Counts, Features::Rates] {
        let model = train(&use_case(features), &training);
        let json = serde_json::to_string(&model).unwrap();
        assert_eq!(serde_json::from_str::<Centres>(&json).unwrap(), model);
    }
}

#[test]
fn a_model_of_other_features_is_refused() {
    let training = rows(&BTreeMap::from([
        ("a".into(), [2, 0, 0, 0, 2]),
        ("b".into(), [0, 0, 3, 1, 4]),
    ]));
    let model = train(&use_case(Features::Counts), &training);
    let batches = Batches::new(training.schema_ref(), std::slice::from_ref(&training));
    let error = UseCase::score(&use_case(Features::Rates), &model, &Window::WHOLE, batches);
    assert_eq!(
        error.unwrap_err().to_string(),
        "the model was trained with `features = counts`, the conf says `rates`: train again"
    );
}
