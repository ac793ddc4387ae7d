//! `path = s3://…` of the csv output.

use datashark_sdk::output::Outcome;

use crate::findings::{DAY, MINUTE, NOON, batch, keys_of, open, write};
use crate::server::S3;

#[tokio::test(flavor = "multi_thread")]
async fn each_window_is_an_object_named_by_number_and_time() {
    let s3 = S3::start().await;
    let mut csv = open("s3://logs/found/{date}.csv", &s3.stores(), None)
        .await
        .unwrap();
    write(&mut csv, NOON, &["a", "bb"]).await;
    write(&mut csv, NOON + DAY, &["c"]).await;
    let objects = [
        "found/2016-10-14/0000000000-20161014T120000Z.csv",
        "found/2016-10-15/0000000001-20161015T120000Z.csv",
    ];
    assert_eq!(s3.keys(), objects);
    assert_eq!(keys_of(&s3.text(objects[0])), ["a", "bb"]);
    assert_eq!(keys_of(&s3.text(objects[1])), ["c"]);
    assert_eq!(
        csv.delivered(1),
        format!("Written 1 Documents to CSV File s3://logs/{}", objects[1])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_behind_the_receipt_is_moved_away_and_comes_again() {
    let s3 = S3::start().await;
    for (path, folder) in [
        ("s3://logs/plain.csv", "plain"),
        ("s3://logs/dated/{date}", "dated/2016-10-14"),
    ] {
        let mut csv = open(path, &s3.stores(), None).await.unwrap();
        let first = csv.sync().await.unwrap();
        let receipt = write(&mut csv, NOON, &["a"]).await;
        write(&mut csv, NOON + MINUTE, &["partly"]).await;
        write(&mut csv, NOON + 2 * MINUTE, &["too early"]).await;
        drop(csv);
        let mut csv = open(path, &s3.stores(), receipt).await.unwrap();
        write(&mut csv, NOON + MINUTE, &["wholly", "b"]).await;
        let objects = s3.keys();
        let of = |folder: &str| -> Vec<&str> {
            let folder = format!("{folder}/");
            objects
                .iter()
                .filter_map(|key| key.strip_prefix(&folder))
                .collect()
        };
        assert_eq!(
            of(folder),
            [
                "0000000000-20161014T120000Z.csv",
                "0000000001-20161014T120100Z.csv"
            ]
        );
        let second = format!("{folder}/0000000001-20161014T120100Z.csv");
        assert_eq!(keys_of(&s3.text(&second)), ["wholly", "b"]);
        assert_eq!(of(&format!("{folder}.unacknowledged")).len(), 2);
        // Nothing was acknowledged yet: all of it goes.
        let mut csv = open(path, &s3.stores(), first).await.unwrap();
        write(&mut csv, NOON, &["a"]).await;
        let objects = s3.keys();
        let kept = objects
            .iter()
            .filter(|key| key.starts_with(&format!("{folder}/")));
        assert_eq!(kept.count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_a_receipt_goes_on_behind_what_is_there() {
    let s3 = S3::start().await;
    s3.put("found/notes.txt", "not ours");
    for number in 0..2 {
        let mut csv = open("s3://logs/found/", &s3.stores(), None).await.unwrap();
        write(&mut csv, NOON, &["a"]).await;
        let expected = format!("found/000000000{number}-20161014T120000Z.csv");
        assert!(s3.keys().contains(&expected), "{:?}", s3.keys());
    }
    let others = Some("{\"files\":{\"/tmp/x.csv\":12}}".to_owned());
    let mut csv = open("s3://logs/found/", &s3.stores(), others)
        .await
        .unwrap();
    write(&mut csv, NOON, &["a"]).await;
    assert_eq!(s3.keys().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_could_not_be_delivered_comes_under_the_same_name() {
    let s3 = S3::start().await;
    let mut csv = open("s3://logs/found.csv", &s3.stores(), None)
        .await
        .unwrap();
    // The second name is taken by a folder, which this server has in place of it.
    let blocking = "found/0000000001-20161014T120100Z.csv";
    s3.put(&format!("{blocking}/x"), "x");
    let windows = [batch(NOON, &["a"]), batch(NOON + MINUTE, &["b"])];
    let outcome = csv.write(&windows).await;
    assert!(matches!(outcome, Outcome::Again(_)), "{outcome:?}");
    std::fs::remove_dir_all(s3.path(blocking)).unwrap();
    let outcome = csv.write(&windows).await;
    assert!(matches!(outcome, Outcome::Safe), "{outcome:?}");
    assert_eq!(
        s3.keys(),
        ["found/0000000000-20161014T120000Z.csv", blocking]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_window_is_sent_in_parts_and_is_whole() {
    let s3 = S3::start().await;
    let mut csv = open("s3://logs/found.csv", &s3.stores(), None)
        .await
        .unwrap();
    let keys: Vec<String> = (0..60_000).map(|i| format!("{i:0200}")).collect();
    write(&mut csv, NOON, &keys).await;
    let text = s3.text("found/0000000000-20161014T120000Z.csv");
    assert!(text.len() > 8 << 20, "{}", text.len());
    assert_eq!(keys_of(&text), keys);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_finding_chooses_a_name() {
    let s3 = S3::start().await;
    let mut csv = open("s3://logs/found.csv", &s3.stores(), None)
        .await
        .unwrap();
    let long = "x".repeat(1 << 20);
    let keys = ["../../up", "s3://other/bucket", "a\0b", "{date}", &long];
    write(&mut csv, NOON, &keys).await;
    assert_eq!(s3.keys(), ["found/0000000000-20161014T120000Z.csv"]);
    assert_eq!(keys_of(&s3.text(&s3.keys()[0])), keys);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_ends_the_run_and_credentials_are_waited_for() {
    let s3 = S3::start().await;
    let error = open("s3://lags/found.csv", &s3.stores(), None)
        .await
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("there is no such bucket"),
        "{error}"
    );
    let mut csv = open("s3://logs/found.csv", &s3.stores(), None)
        .await
        .unwrap();
    let receipt = csv.sync().await.unwrap();
    let wrong = s3.stores_with(&[("aws_secret_access_key", "guess")]);
    let error = open("s3://logs/found.csv", &wrong, None)
        .await
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("`aws_secret_access_key`"),
        "{error}"
    );
    // With a receipt nothing is asked before the first window.
    let mut csv = open("s3://logs/found.csv", &wrong, receipt.clone())
        .await
        .unwrap();
    assert_eq!(csv.sync().await.unwrap(), receipt);
    let outcome = csv.write(&[batch(NOON, &["a"])]).await;
    let Outcome::Again(why) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(why.starts_with("`s3://logs/found` is refused: "), "{why}");
}
