//! How well scores rank what is labelled: lines of the table.

use datashark_ml::evaluate::{Ranking, RankingError};
use serde::Serialize;

use crate::Micros;
use crate::items::Items;
use crate::labels::{Label, Labels};

/// What is known of the records that are scored.
#[derive(Debug, Clone)]
pub struct Truth {
    /// What is ranked.
    pub items: Items,
    /// The labels of the records.
    pub labels: Labels,
    /// The times of the records.
    pub times: Vec<Option<Micros>>,
}

/// The scores of a method.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// What it is called.
    pub name: String,
    /// The score of each record; a higher one is more suspicious.
    pub scores: Vec<f64>,
    /// How many items are alerts: those with the highest scores.
    pub n_alerts: usize,
}

/// A line of the table: one method, all attacks or those of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// The method.
    pub method: String,
    /// The kind of the attacks that count as such; `all` is all of them. Those of other kinds do not count.
    pub kind: String,
    /// Items that are ranked.
    pub n_items: u64,
    /// Those that are of an attack.
    pub n_positives: u64,
    /// The part of the first 100 that is of an attack.
    pub precision_at_100: Option<f64>,
    /// The part of the first 3000.
    pub precision_at_3000: Option<f64>,
    /// Average precision.
    pub pr_auc: Option<f64>,
    /// How often an item of an attack is above a harmless one.
    pub roc_auc: Option<f64>,
    /// Alerts a day, attacks or not; a period of less than a day counts as one.
    pub alerts_per_day: Option<f64>,
    /// Attacks.
    pub n_attacks: usize,
    /// Attacks of which at least one record is in an alert.
    pub n_detected: usize,
    /// From an attack's first record to the first that is in an alert: the median over those detected.
    pub seconds_to_detect: Option<f64>,
}

/// In place of a kind: all attacks.
pub const ALL: &str = "all";

const DAY: f64 = 86_400e6;

/// The lines of a method: for all attacks, and where there are several kinds for each of them.
///
/// # Errors
/// A score is no number, or there are not as many as records.
pub fn measure(method: &Method, truth: &Truth) -> Result<Vec<Line>, RankingError> {
    let n_records = truth.labels.labels.len();
    if method.scores.len() != n_records {
        return Err(RankingError::Lengths {
            n_scores: method.scores.len(),
            n_labels: n_records,
        });
    }
    let scores = truth.items.scores(&method.scores);
    let is_alert = alerts(method.n_alerts, &scores, truth);
    let mut kinds: Vec<&str> = truth.labels.kinds.iter().map(String::as_str).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut lines = vec![line(method, None, &scores, &is_alert, truth)?];
    if kinds.len() > 1 {
        for kind in kinds {
            lines.push(line(method, Some(kind), &scores, &is_alert, truth)?);
        }
    }
    Ok(lines)
}

/// Which items are alerts. Of items of the same score the earlier ones are.
fn alerts(n_alerts: usize, scores: &[f64], truth: &Truth) -> Vec<bool> {
    let mut first = vec![Micros::MAX; scores.len()];
    for (item, time) in truth.items.of_record.iter().zip(&truth.times) {
        let first = &mut first[*item as usize];
        *first = time.unwrap_or(Micros::MAX).min(*first);
    }
    let found = (0..scores.len()).filter(|item| scores[*item] > f64::NEG_INFINITY);
    let mut order: Vec<usize> = found.collect();
    order.sort_by(|one, other| {
        let by_score = scores[*other].total_cmp(&scores[*one]);
        by_score.then(first[*one].cmp(&first[*other]))
    });
    let mut is_alert = vec![false; scores.len()];
    for item in order.into_iter().take(n_alerts) {
        is_alert[item] = true;
    }
    is_alert
}

fn line(
    method: &Method,
    kind: Option<&str>,
    scores: &[f64],
    is_alert: &[bool],
    truth: &Truth,
) -> Result<Line, RankingError> {
    let is_wanted =
        |attack: u32| kind.is_none_or(|kind| truth.labels.kinds[attack as usize] == kind);
    let labels = truth.items.labels(&truth.labels.labels);
    let (mut of_items, mut is_positive) = (Vec::new(), Vec::new());
    for (score, label) in scores.iter().zip(labels) {
        match label {
            Label::Harmless => is_positive.push(false),
            Label::Attack(attack) if is_wanted(attack) => is_positive.push(true),
            Label::Attack(_) | Label::Unknown => continue,
        }
        of_items.push(*score);
    }
    let ranking = Ranking::new(&of_items, &is_positive)?;
    let detection = Detection::of(is_wanted, is_alert, truth);
    let n_alerts = is_alert.iter().filter(|is_alert| **is_alert).count();
    Ok(Line {
        method: method.name.clone(),
        kind: kind.unwrap_or(ALL).to_owned(),
        n_items: ranking.n_items(),
        n_positives: ranking.n_positives(),
        precision_at_100: ranking.precision_at(100),
        precision_at_3000: ranking.precision_at(3000),
        pr_auc: ranking.average_precision(),
        roc_auc: ranking.roc_auc(),
        alerts_per_day: days(&truth.times).map(|days| n_alerts as f64 / days),
        n_attacks: detection.n_attacks,
        n_detected: detection.n_detected,
        seconds_to_detect: detection.median_seconds,
    })
}

/// How many days records are of.
fn days(times: &[Option<Micros>]) -> Option<f64> {
    let known = || times.iter().flatten();
    let (first, last) = known().min().zip(known().max())?;
    Some(((last - first) as f64 / DAY).max(1.0))
}

struct Detection {
    n_attacks: usize,
    n_detected: usize,
    median_seconds: Option<f64>,
}

impl Detection {
    fn of(is_wanted: impl Fn(u32) -> bool, is_alert: &[bool], truth: &Truth) -> Self {
        let n_attacks = truth.labels.kinds.len();
        // Whether the attack is there, its first time, whether it is detected, and when.
        let mut attacks = vec![(false, None, false, None); n_attacks];
        let records = truth.labels.labels.iter().zip(&truth.times);
        for ((label, time), item) in records.zip(&truth.items.of_record) {
            let Label::Attack(attack) = label else {
                continue;
            };
            if !is_wanted(*attack) {
                continue;
            }
            let (is_there, first, is_detected, detected) = &mut attacks[*attack as usize];
            *is_there = true;
            *first = earlier(*first, *time);
            if is_alert[*item as usize] {
                *is_detected = true;
                *detected = earlier(*detected, *time);
            }
        }
        let seconds = attacks.iter().filter_map(|(_, first, _, detected)| {
            let (first, detected) = ((*first)?, (*detected)?);
            Some((detected - first) as f64 / 1e6)
        });
        Detection {
            n_attacks: attacks.iter().filter(|attack| attack.0).count(),
            n_detected: attacks.iter().filter(|attack| attack.2).count(),
            median_seconds: median(seconds.collect()),
        }
    }
}

fn earlier(one: Option<Micros>, other: Option<Micros>) -> Option<Micros> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        _ if values.is_empty() => None,
        0 => Some(f64::midpoint(values[middle - 1], values[middle])),
        _ => Some(values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth() -> Truth {
        let labels = vec![
            Label::Harmless,
            Label::Attack(0),
            Label::Attack(0),
            Label::Attack(1),
            Label::Unknown,
            Label::Harmless,
        ];
        let kinds = vec!["scan".to_owned(), "beacon".to_owned()];
        Truth {
            items: Items::records(6),
            labels: Labels { labels, kinds },
            times: (0..6).map(|n| Some(n * 60_000_000)).collect(),
        }
    }

    #[test]
    fn each_kind_is_measured_against_what_is_harmless() {
        let method = Method {
            name: "it".to_owned(),
            scores: vec![0.5, 0.1, 0.9, 0.2, 1.0, 0.0],
            n_alerts: 2,
        };
        let lines = measure(&method, &truth()).unwrap();
        let kinds: Vec<&str> = lines.iter().map(|line| line.kind.as_str()).collect();
        assert_eq!(kinds, ["all", "beacon", "scan"]);
        let [all, beacon, scan] = &lines[..] else {
            panic!()
        };
        assert_eq!((all.n_items, all.n_positives), (5, 3));
        assert_eq!(all.precision_at_100, Some(0.6));
        // 0.9 attack, 0.5 harmless, 0.2 attack, 0.1 attack.
        assert_eq!(all.pr_auc, Some((1.0 + 2.0 / 3.0 + 3.0 / 4.0) / 3.0));
        assert_eq!((beacon.n_items, beacon.roc_auc), (3, Some(0.5)));
        // The unlabelled record takes one of the two alerts, the second is the scan's second record.
        assert_eq!((scan.n_attacks, scan.n_detected), (1, 1));
        assert_eq!(scan.seconds_to_detect, Some(60.0));
        assert_eq!((all.n_attacks, all.n_detected), (2, 1));
        assert_eq!(all.alerts_per_day, Some(2.0));
    }

    #[test]
    fn what_was_not_found_is_no_alert() {
        let method = Method {
            name: "it".to_owned(),
            scores: vec![f64::NEG_INFINITY; 6],
            n_alerts: 3,
        };
        let lines = measure(&method, &truth()).unwrap();
        assert_eq!(
            (lines[0].n_detected, lines[0].alerts_per_day),
            (0, Some(0.0))
        );
        assert_eq!(lines[0].roc_auc, Some(0.5));
    }
}
