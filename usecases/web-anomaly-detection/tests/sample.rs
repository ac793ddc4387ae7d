//! The sample in `conf/web-anomaly-detection`: its conf is right, and its scanner is found.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod logs;

use std::fs;
use std::path::PathBuf;

use datashark_sdk::conf::Section;
use datashark_sdk::prelude::*;
use datashark_web_anomaly_detection::{Conf, Features, WebAnomaly};
use logs::{counts, rows, score, train};

const SCANNER: &str = "203.0.113.66";

fn sample(file: &str) -> String {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../conf/web-anomaly-detection"
    );
    fs::read_to_string(PathBuf::from(folder).join(file)).unwrap()
}

/// The use case's own keys of the shipped conf.
fn conf() -> Conf {
    let text = sample("web-anomaly-detection.conf");
    let own = ["apache_access_logs_pattern", "features", "clusters", "seed"];
    let entries = text.lines().filter_map(|line| line.split_once('='));
    let entries = entries.map(|(key, value)| (key.trim(), value.trim()));
    let section: Section = entries.filter(|(key, _)| own.contains(key)).collect();
    assert_eq!(section.len(), own.len());
    section.parse().unwrap()
}

#[test]
fn the_scanner_has_the_highest_score_and_only_in_its_window() {
    let pattern = conf().apache_access_logs_pattern;
    for features in [Features::Counts, Features::Rates] {
        let use_case = WebAnomaly::new(Conf { features, ..conf() }).unwrap();
        let model = train(
            &use_case,
            &rows(&counts(&sample("test_access_log"), &pattern)),
        );
        let quiet = counts(&sample("logs/access_log.1"), &pattern);
        assert!(!quiet.contains_key(SCANNER));
        let window = rows(&counts(&sample("logs/access_log.2"), &pattern));
        let findings = score(&use_case, &model, &window);
        let mut found: Vec<(f64, &str)> = (0..findings.len())
            .map(|row| (findings.scores().value(row), findings.keys().value(row)))
            .collect();
        found.sort_by(|one, other| other.0.total_cmp(&one.0));
        assert_eq!(found[0].1, SCANNER, "{features}: {:?}", &found[..3]);
    }
}
