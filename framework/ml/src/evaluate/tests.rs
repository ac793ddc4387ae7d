//! The measures against plain definitions, and what does not change them.

use proptest::prelude::*;

use super::*;

/// Few scores, so that many are the same.
fn lists() -> impl Strategy<Value = Vec<(f64, bool)>> {
    proptest::collection::vec(((-3_i8..4).prop_map(f64::from), any::<bool>()), 1..40)
}

fn ranking(list: &[(f64, bool)]) -> Ranking {
    let (scores, labels): (Vec<f64>, Vec<bool>) = list.iter().copied().unzip();
    Ranking::new(&scores, &labels).unwrap()
}

fn count(list: &[(f64, bool)], of: impl Fn(&(f64, bool)) -> bool) -> f64 {
    list.iter().filter(|item| of(item)).count() as f64
}

/// Each pair of a positive and a negative item.
fn plain_roc_auc(list: &[(f64, bool)]) -> Option<f64> {
    let (mut wins, mut pairs) = (0.0, 0.0);
    for positive in list.iter().filter(|item| item.1) {
        for negative in list.iter().filter(|item| !item.1) {
            pairs += 1.0;
            wins += match positive.0.total_cmp(&negative.0) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    (pairs > 0.0).then(|| wins / pairs)
}

/// For each positive item the precision of all that are not below it.
fn plain_average_precision(list: &[(f64, bool)]) -> Option<f64> {
    let precisions: Vec<f64> = list
        .iter()
        .filter(|item| item.1)
        .map(|item| {
            let above = count(list, |other| other.0 >= item.0);
            count(list, |other| other.0 >= item.0 && other.1) / above
        })
        .collect();
    let n_positives = precisions.len() as f64;
    (n_positives > 0.0).then(|| precisions.iter().sum::<f64>() / n_positives)
}

/// Each item by how likely it is among the first `k`.
fn plain_precision_at(list: &[(f64, bool)], k: usize) -> f64 {
    let k = k.min(list.len()) as f64;
    let of_item = |item: &(f64, bool)| {
        let above = count(list, |other| other.0 > item.0);
        let alike = count(list, |other| other.0 == item.0);
        ((k - above) / alike).clamp(0.0, 1.0)
    };
    list.iter().filter(|item| item.1).map(of_item).sum::<f64>() / k
}

fn assert_near(found: Option<f64>, expected: Option<f64>) {
    match (found, expected) {
        (Some(found), Some(expected)) => {
            assert!(
                (found - expected).abs() < 1e-12,
                "{found}, expected {expected}"
            );
        }
        _ => assert_eq!(found, expected),
    }
}

proptest! {
    #[test]
    fn measures_are_those_of_the_plain_definitions(list in lists(), k in 1_usize..50) {
        let ranking = ranking(&list);
        assert_near(ranking.roc_auc(), plain_roc_auc(&list));
        assert_near(ranking.average_precision(), plain_average_precision(&list));
        assert_near(ranking.precision_at(k as u64), Some(plain_precision_at(&list, k)));
    }

    #[test]
    fn neither_the_order_nor_the_scale_of_the_scores_matters(mut list in lists(), by in 0_usize..40) {
        let before = ranking(&list);
        let by = by % list.len();
        list.rotate_left(by);
        list.reverse();
        for item in &mut list {
            item.0 = item.0.exp();
        }
        prop_assert_eq!(before, ranking(&list));
    }

    #[test]
    fn turned_around_the_area_under_roc_is_what_it_lacked(list in lists()) {
        let turned: Vec<_> = list.iter().map(|(score, label)| (-score, *label)).collect();
        let sum = ranking(&list).roc_auc().zip(ranking(&turned).roc_auc());
        if let Some((one, other)) = sum {
            assert_near(Some(one + other), Some(1.0));
        }
    }

    #[test]
    fn where_all_scores_are_the_same_each_measure_is_the_share_of_positives(
        labels in proptest::collection::vec(any::<bool>(), 1..40),
        k in 1_u64..50,
    ) {
        let ranking = Ranking::new(&vec![0.5; labels.len()], &labels).unwrap();
        let share = ranking.n_positives() as f64 / ranking.n_items() as f64;
        assert_near(ranking.precision_at(k), Some(share));
        if ranking.n_positives() > 0 {
            assert_near(ranking.average_precision(), Some(share));
        }
        if let Some(area) = ranking.roc_auc() {
            assert_near(Some(area), Some(0.5));
        }
    }
}

#[test]
fn a_perfect_ranking_has_the_best_of_all_measures() {
    let ranking = ranking(&[(1.0, false), (3.0, true), (2.0, true), (0.0, false)]);
    assert_eq!(ranking.precision_at(2), Some(1.0));
    assert_eq!(ranking.recall_at(1), Some(0.5));
    assert_eq!(ranking.recall_at(9), Some(1.0));
    assert_eq!(ranking.average_precision(), Some(1.0));
    assert_eq!(ranking.roc_auc(), Some(1.0));
}

#[test]
fn what_has_no_value_has_none() {
    let empty = Ranking::new(&[], &[]).unwrap();
    assert_eq!(empty.precision_at(1), None);
    assert_eq!(empty.average_precision(), None);
    let negative = ranking(&[(1.0, false)]);
    assert_eq!(negative.precision_at(0), None);
    assert_eq!(negative.precision_at(1), Some(0.0));
    assert_eq!(negative.recall_at(1), None);
    assert_eq!(negative.roc_auc(), None);
}

#[test]
fn the_two_zeros_are_one_score_and_infinities_have_their_place() {
    let zeros = ranking(&[(0.0, true), (-0.0, false)]);
    assert_eq!(zeros.roc_auc(), Some(0.5));
    let ends = ranking(&[
        (f64::INFINITY, true),
        (0.0, false),
        (f64::NEG_INFINITY, false),
    ]);
    assert_eq!(ends.roc_auc(), Some(1.0));
}

#[test]
fn what_cannot_be_ranked_is_refused() {
    let error = Ranking::new(&[0.0, f64::NAN], &[true, false]).unwrap_err();
    assert_eq!(error.to_string(), "score 1 is not a number");
    let error = Ranking::new(&[0.0], &[]).unwrap_err();
    assert_eq!(error.to_string(), "1 scores and 0 labels");
}
