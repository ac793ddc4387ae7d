//! `file = http://…`.

use datashark_sdk::Stores;

use crate::input::{assert_lines, gz, numbered, once, only, problems, read};
use crate::server::web;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_web_server_is_read_with_ranges_or_without() {
    let text = numbered(80_000);
    let packed = gz(&text);
    let files = [("a b/access.log", text.as_bytes()), ("a.log.gz", &packed)];
    let files = files.map(|(path, bytes)| (path.replace(' ', "%20"), bytes));
    let files: Vec<_> = files
        .iter()
        .map(|(path, bytes)| (path.as_str(), *bytes))
        .collect();
    for ranges in [true, false] {
        let root = web(&files, ranges).await;
        for file in ["a%20b/access.log", "a.log.gz"] {
            let read = read(&format!("{root}/{file}"), once(&Stores::default())).await;
            assert_lines(only(&read), &text, 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_there_is_told() {
    let root = web(&[("a.log", b"x\n")], true).await;
    let url = format!("{root}/b.log");
    let expected = (format!("`{url}` does not exist"), None);
    assert_eq!(problems(&url, &Stores::default()).await, [expected]);
    let found = problems(&format!("{root}/*.log"), &Stores::default()).await;
    assert!(
        found[0].0.ends_with("is more than the path of a file"),
        "{found:?}"
    );
}
