//! Centres by hand, and what holds for the centres of any points.

use ndarray::array;
use proptest::prelude::*;

use super::*;

fn k_means(clusters: usize, seed: u64) -> KMeans {
    KMeans {
        clusters,
        seed,
        starts: 5,
        max_iterations: 300,
        tolerance: 1e-4,
    }
}

#[test]
fn two_groups_worked_by_hand_have_their_means_as_centres() {
    // The groups are {(0, 0), (0, 2), (3, 1)} and {(10, 9), (14, 11)}.
    let points = array![
        [14.0, 11.0],
        [0.0, 0.0],
        [10.0, 9.0],
        [0.0, 2.0],
        [3.0, 1.0]
    ];
    let centres = k_means(2, 0).fit(&points).unwrap();
    assert_eq!(centres, [[1.0, 1.0], [12.0, 10.0]]);
}

#[test]
fn as_many_clusters_as_points_are_the_points_in_ascending_order() {
    let points = array![[3.0, 0.0], [1.0, 7.0], [1.0, 5.0], [3.0, 0.0]];
    let centres = k_means(3, 0).fit(&points).unwrap();
    assert_eq!(centres, [[1.0, 5.0], [1.0, 7.0], [3.0, 0.0]]);
}

#[test]
fn fewer_distinct_points_than_clusters_are_refused() {
    let error = k_means(2, 0)
        .fit(&array![[4.0, 1.0], [4.0, 1.0]])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the training log has 2 sources with 1 different counts: too few for `clusters = 2`"
    );
    let error = k_means(1, 0).fit(&Array2::zeros((0, 2))).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the training log has 0 sources")
    );
}

#[test]
fn the_loosest_tolerance_ends_at_the_same_centres() {
    let points = Array2::from_shape_fn((200, 2), |(i, j)| ((i * (7 + j)) % 50) as f64);
    let loose = KMeans {
        tolerance: 1e9,
        max_iterations: 1,
        ..k_means(2, 0)
    };
    let centres = loose.fit(&points).unwrap();
    let again = settle(&points, centres.clone());
    assert_eq!(again.centres, centres);
}

fn points() -> impl Strategy<Value = Array2<f64>> {
    proptest::collection::vec((0_u32..50, 0_u32..20), 4..60).prop_map(|points| {
        Array2::from_shape_fn((points.len(), 2), |(i, j)| {
            f64::from(if j == 0 { points[i].0 } else { points[i].1 })
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_centre_is_the_mean_of_the_points_nearest_to_it(points in points(), seed: u64) {
        let Ok(centres) = k_means(3, seed).fit(&points) else { return Ok(()) };
        let mut moved = centres.clone();
        move_to_means(&points, &assign(&points, &centres), &mut moved);
        for (centre, mean) in centres.iter().flatten().zip(moved.iter().flatten()) {
            prop_assert!((centre - mean).abs() < 1e-12, "{centres:?} {moved:?}");
        }
        prop_assert!(centres.is_sorted());
    }

    #[test]
    fn the_same_points_and_seed_give_the_same_bits(points in points(), seed: u64) {
        let (Ok(one), Ok(other)) = (k_means(2, seed).fit(&points), k_means(2, seed).fit(&points))
        else {
            return Ok(());
        };
        prop_assert_eq!(one, other);
    }

    #[test]
    fn one_cluster_is_the_mean(points in points()) {
        let centre = k_means(1, 0).fit(&points).unwrap().remove(0);
        let mean = points.mean_axis(Axis(0)).unwrap();
        prop_assert!(centre.iter().zip(&mean).all(|(x, y)| (x - y).abs() < 1e-12));
    }
}
