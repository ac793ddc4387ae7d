//! `datashark sql`, `datashark store` and a day of a store for `datashark ml`.

use std::fs;

use crate::ingest::{asked, store};
use crate::shark::{Folder, root};

/// A store with requests of two days.
fn stored() -> Folder {
    let folder = Folder::new();
    let line = |day: u32, path: &str| {
        format!(
            "192.0.2.1 - - [{day}/Aug/2016:10:00:00 +0000] \"GET {path} HTTP/1.1\" 200 7 \"-\" \"a \\\"b\\\"\"\n"
        )
    };
    folder.write(
        "a.log",
        line(26, "/a,b") + &line(27, "http://x.example/c?d=1"),
    );
    folder.run(&["ingest", "proxy", "a.log"]).ends(0);
    folder
}

#[test]
fn rows_are_printed_as_a_table_csv_or_json() {
    let folder = stored();
    let sql = "SELECT host, uripath, scbytes, username FROM proxy ORDER BY d";
    let table = folder.run(&["sql", sql]).ends(0).says(&["2 rows"]);
    let expected = "\
+-----------+---------+---------+----------+
| host      | uripath | scbytes | username |
+-----------+---------+---------+----------+
|           | /a,b    | 7       |          |
| x.example | /c      | 7       |          |
+-----------+---------+---------+----------+
";
    assert_eq!(table.stdout, expected);
    let csv = folder.run(&["sql", sql, "--format", "csv"]).ends(0);
    assert_eq!(
        csv.stdout,
        "host,uripath,scbytes,username\n,\"/a,b\",7,\nx.example,/c,7,\n"
    );
    let json = folder.run(&["sql", sql, "--format", "json"]).ends(0);
    let expected = "{\"host\":\"\",\"uripath\":\"/a,b\",\"scbytes\":7}\n{\"host\":\"x.example\",\"uripath\":\"/c\",\"scbytes\":7}\n";
    assert_eq!(json.stdout, expected);
    let none = folder
        .run(&[
            "sql",
            "SELECT host FROM proxy WHERE y = 1",
            "--format",
            "csv",
        ])
        .ends(0);
    assert_eq!(none.stdout, "host\n");
    let event = "SELECT event_time, prx_method, http_request_uri, src_ip4_str FROM event WHERE p_dt = '2016-08-27'";
    assert_eq!(
        asked(&folder, event),
        "1472292000,GET,x.example/c?d=1,192.0.2.1"
    );
}

#[test]
fn a_wrong_query_ends_with_what_was_probably_meant() {
    let folder = stored();
    let cases = [
        (
            "SELECT hots FROM proxy",
            "error: there is no column `hots`; did you mean `host`?",
        ),
        (
            "SELECT host FROM proxi",
            "error: there is no table `proxi`; did you mean `proxy`?",
        ),
        ("DELETE FROM proxy", "error: a query only reads"),
        ("SELEC 1", "error: the query cannot be read: "),
    ];
    for (sql, said) in cases {
        folder
            .run(&["sql", sql])
            .ends(2)
            .says(&[said])
            .prints_nothing();
    }
    folder
        .run(&["sql", "SELECT 1", "--store", "elsewhere"])
        .ends(1)
        .says(&["error: there is no store in `elsewhere`: `datashark ingest` makes one"]);
}

#[test]
fn a_store_is_shown_and_its_old_days_are_forgotten() {
    let folder = stored();
    let shown = folder.run(&["store", "show"]).ends(0);
    assert!(
        shown.stdout.starts_with("proxy: 2 rows in 2 files, "),
        "{}",
        shown.stdout
    );
    folder
        .run(&["store", "show", "proxi"])
        .ends(2)
        .says(&["error: there is no table `proxi`; did you mean `proxy`?"]);
    folder
        .run(&["store", "forget", "--older-than", "0d", "proxy"])
        .ends(0);
    assert_eq!(asked(&folder, "SELECT count(*) FROM proxy"), "0");
    let day = "state/store/proxy/y=2016/m=8/d=26/h=10";
    assert_eq!(fs::read_dir(folder.path(day)).unwrap().count(), 1);
    folder
        .run(&["store", "vacuum", "--older-than", "0s"])
        .ends(0)
        .says(&["proxy: removed 2 files"]);
    assert_eq!(fs::read_dir(folder.path(day)).unwrap().count(), 0);
    // What was forgotten is not stored again.
    folder
        .run(&["ingest", "proxy", "a.log"])
        .ends(0)
        .says(&["it is in the store already"]);
    folder
        .run(&["store", "compact", "--store", "elsewhere"])
        .ends(1)
        .says(&["error: there is no store in `elsewhere`"]);
}

/// The shipped sample of flows, stored by a use case that is a query: the output `delta` takes them by
/// their names.
fn flows() -> Folder {
    let folder = Folder::new();
    let today = fs::read_to_string(root().join("conf/spot-flow/logs/today.csv")).unwrap();
    let names = today.lines().next().unwrap();
    folder.write("today.csv", &today);
    let seconds = "CAST(date_part('epoch', CAST(treceived AS TIMESTAMP)) AS BIGINT) AS unix_tstamp";
    let query = format!("SELECT sip AS key, 0.0 AS score, {names}, {seconds} FROM records\n");
    folder.write("keep.sql", query);
    let store = store(&folder);
    let conf = format!(
        "name = keep\ntype = batch\nenabled = true\ncode = keep.sql\nfile = today.csv\noutput = delta\n\
         [codec]\nformat = csv\n[out_delta]\nstore = \"{}\"\ntable = flow\n",
        store.display()
    );
    folder.write("keep.conf", conf);
    folder
}

#[test]
fn the_suspicious_connects_of_a_day_are_found_in_the_store() {
    let folder = flows();
    folder
        .run(&["standalone", "keep.conf"])
        .ends(0)
        .says(&["to Delta Table"]);
    let day = asked(
        &folder,
        "SELECT DISTINCT concat(y, lpad(CAST(m AS VARCHAR), 2, '0'), lpad(CAST(d AS VARCHAR), 2, '0')) FROM flow",
    );
    assert_eq!(day, "20260827");
    let args = [
        "ml",
        "20260827",
        "flow",
        "1.1",
        "3",
        "-s",
        "topics=5",
        "--spot-conf",
        "none",
        "--scored",
        "scored",
    ];
    let of_store = folder.run(&args).ends(0);
    let found = folder.read("scored/flow_results.csv");
    assert!(
        found.starts_with("2026-08-27 "),
        "{found}{}",
        of_store.stderr
    );
    // Compacted, the old files are still there, and are not read.
    folder.run(&["store", "compact"]).ends(0);
    let again = folder.run(&args).ends(0);
    assert_eq!(again.account()[0], of_store.account()[0]);
    assert_eq!(folder.read("scored/flow_results.csv"), found);
    folder
        .run(&["ml", "20260828", "flow", "--spot-conf", "none"])
        .ends(1)
        .says(&["has no records of flow of 20260828"]);
    folder
        .run(&["ml", "20260827", "dns", "--spot-conf", "none"])
        .ends(1)
        .says(&["there is neither", "nor a table `dns` in the store"]);
}

#[test]
fn a_store_in_an_object_store_is_refused_in_one_line_by_every_command() {
    let folder = Folder::new();
    folder.write("a.log", "");
    let commands: [&[&str]; 4] = [
        &["ingest", "proxy", "a.log"],
        &["sql", "SELECT 1"],
        &["store", "show"],
        &["ml", "20260827", "flow"],
    ];
    let refused =
        "error: `--store`: a store is a folder of this machine, found `s3://bucket/store`\n";
    for command in commands {
        let ran = folder.run(&[command, &["--store", "s3://bucket/store"]].concat());
        assert_eq!(ran.ends(2).stderr, refused, "{command:?}");
    }
    assert!(!folder.path("s3:").exists());
}
