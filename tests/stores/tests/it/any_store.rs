//! What holds of every store that can be written to: `root` is a url with nothing below it.

use bytes::Bytes;
use datashark_sdk::Stores;
use datashark_sdk::input::Open;
use datashark_sdk::output::Outcome;
use datashark_store::{Target, find};
use datashark_test_services::Service;

use crate::findings::{MINUTE, NOON, batch, keys_of, open, write};
use crate::input::{assert_lines, gz, numbered, once, only, problems, read, resume};

const RANGE: usize = 4 << 20;

async fn text(url: &str, stores: &Stores) -> String {
    let (url, stores) = (url.to_owned(), stores.clone());
    let read = move || find(&url, &stores).unwrap()[0].head(u64::MAX).unwrap();
    let bytes = tokio::task::spawn_blocking(read).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

async fn names(url: &str, stores: &Stores) -> Vec<String> {
    let (url, stores) = (url.to_owned(), stores.clone());
    let objects = tokio::task::spawn_blocking(move || find(&url, &stores))
        .await
        .unwrap();
    let urls = objects.unwrap_or_default().into_iter();
    urls.map(|object| object.url().rsplit('/').next().unwrap().to_owned())
        .collect()
}

/// Files are read whole, from a place on, as a folder and by a pattern; and no other than those begun.
pub(crate) async fn files_are_read(root: &str, stores: &Stores) {
    let target = Target::connect(&format!("{root}/logs/x"), stores).unwrap();
    let put = async |key: &str, bytes| target.put(key, Bytes::from(bytes)).await.unwrap();
    files_are_read_that(put, root, stores).await;
}

/// As [`files_are_read`], of a store that something else puts objects into.
pub(crate) async fn files_are_read_that(
    put: impl AsyncFn(&str, Vec<u8>),
    root: &str,
    stores: &Stores,
) {
    let lines = numbered(80_000);
    assert!(lines.len() > 2 * RANGE && lines.as_bytes()[RANGE - 1] != b'\n');
    put("logs/a.log", lines.clone().into_bytes()).await;
    put("logs/b.log.gz", gz(&lines)).await;
    put("logs/deep/c.log", b"x\n".to_vec()).await;
    let plain = format!("{root}/logs/a.log");
    let first = read(&plain, once(stores)).await;
    assert_lines(only(&first), &lines, 0);
    let middle = only(&first).records[70_000].0;
    let told = Open {
        resume: resume(&first, middle),
        ..once(stores)
    };
    assert_lines(only(&read(&plain, told).await), &lines, middle);
    for file in [format!("{root}/logs"), format!("{root}/logs/*.log*")] {
        let read = read(&file, once(stores)).await;
        assert_eq!(read.len(), 2);
        read.values()
            .for_each(|partition| assert_lines(partition, &lines, 0));
    }
    let found = problems(&format!("{root}/logs/aa.log"), stores).await;
    let help = format!("did you mean `{plain}`?");
    assert_eq!(
        found,
        [(format!("`{root}/logs/aa.log` does not exist"), Some(help))]
    );
    // Another file under the name is noticed.
    put("logs/a.log", b"another\n".to_vec()).await;
    let told = Open {
        resume: resume(&first, middle),
        ..once(stores)
    };
    let reason = only(&read(&plain, told).await).failed.clone().unwrap();
    assert!(reason.contains("was written anew"), "{reason}");
}

/// Each window is an object, and what a crash left behind the receipt is put aside.
pub(crate) async fn findings_are_written(root: &str, stores: &Stores) {
    let path = format!("{root}/found/{{date}}.csv");
    let folder = format!("{root}/found/2016-10-14");
    let mut csv = open(&path, stores, None).await.unwrap();
    let receipt = write(&mut csv, NOON, &["a"]).await;
    write(&mut csv, NOON + MINUTE, &["partly"]).await;
    let mut csv = open(&path, stores, receipt).await.unwrap();
    let keys: Vec<String> = (0..60_000).map(|i| format!("{i:0200}")).collect();
    write(&mut csv, NOON + MINUTE, &keys).await;
    let objects = [
        "0000000000-20161014T120000Z.csv",
        "0000000001-20161014T120100Z.csv",
    ];
    assert_eq!(names(&folder, stores).await, objects);
    assert_eq!(
        keys_of(&text(&format!("{folder}/{}", objects[0]), stores).await),
        ["a"]
    );
    assert_eq!(
        keys_of(&text(&format!("{folder}/{}", objects[1]), stores).await),
        keys
    );
    let aside = names(&format!("{folder}.unacknowledged"), stores).await;
    assert_eq!(aside, [objects[1]]);
}

/// A server that is away is tried again.
pub(crate) async fn findings_wait_for_the_server(
    root: &str,
    stores: &Stores,
    server: &mut Service,
) {
    let path = format!("{root}/waiting.csv");
    let mut csv = open(&path, stores, None).await.unwrap();
    let windows = [batch(NOON, &["a"])];
    server.stop();
    let outcome = csv.write(&windows).await;
    assert!(matches!(outcome, Outcome::Again(_)), "{outcome:?}");
    server.start_again();
    let mut outcome = csv.write(&windows).await;
    // The file system may still be in its safe mode.
    while matches!(outcome, Outcome::Again(_)) {
        outcome = csv.write(&windows).await;
    }
    assert!(matches!(outcome, Outcome::Safe), "{outcome:?}");
    assert_eq!(names(&format!("{root}/waiting"), stores).await.len(), 1);
}
