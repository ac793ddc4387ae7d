//! What did not parse is kept, can be looked at, and gets another try once its reason is mended.

use crate::shark::Folder;

const CONF: &str = "name = Names\ntype = batch\nenabled = true\ncode = names.sql\nfile = names.json\noutput = csv\n[columns]\nname = integer\n[out_csv]\npath = out.csv\n";

/// A run after which two records are in quarantine and one row is out.
fn ran() -> Folder {
    let folder = Folder::new();
    folder.write("names.conf", CONF);
    folder.write(
        "names.sql",
        "SELECT name AS key, count(*) AS score FROM records GROUP BY name",
    );
    folder.write(
        "names.json",
        "{\"name\": \"x\"}\n{\"name\": 7}\n{\"name\": \"x\"}\n",
    );
    folder.run(&["standalone", "names.conf"]).ends(0);
    assert_eq!(folder.rows("out.csv"), ["7,1"]);
    folder
}

const LIST: [&str; 2] = ["quarantine", "list"];

#[test]
fn what_is_kept_is_listed_with_its_reasons_and_shown() {
    let folder = ran();
    let list = folder.run(&LIST).ends(0);
    assert!(
        list.stdout.starts_with("names: 2 records, kept 20"),
        "{list:?}"
    );
    assert!(
        list.stdout
            .contains("2  `name` is `x`, expected an integer\n"),
        "{list:?}"
    );
    let shown = folder.run(&["quarantine", "show", "names.conf"]).ends(0);
    let lines: Vec<&str> = shown.stdout.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[1].contains("\"line\":3,") && lines[1].contains(r#""record":"{\"name\": \"x\"}""#)
    );
    let findings = ["quarantine", "show", "--findings", "names.conf"];
    folder.run(&findings).ends(0).prints_nothing();
}

#[test]
fn records_are_replayed_through_the_use_case_as_it_is_now() {
    let folder = ran();
    let replay = ["quarantine", "replay", "names.conf"];
    let again = folder.run(&replay).ends(1);
    again.says(&["2 records read again: 2 again invalid, 0 findings"]);
    assert_eq!(folder.quarantined("state/names").len(), 2, "they stay");
    // What was wrong is mended.
    folder.write(
        "names.conf",
        CONF.replace("[columns]\nname = integer\n", ""),
    );
    let mended = folder.run(&replay).ends(0);
    mended.says(&["2 records read again: 0 again invalid, 1 finding"]);
    assert_eq!(folder.rows("out.csv"), ["7,1", "x,2"]);
    let list = folder.run(&LIST).ends(0).prints_nothing();
    list.says(&["nothing is in quarantine"]);
    // And once more there is nothing to do.
    let nothing = folder.run(&replay).ends(0);
    nothing.says(&["0 records read again"]);
    assert_eq!(folder.rows("out.csv"), ["7,1", "x,2"]);
}

#[test]
fn what_is_dropped_is_gone() {
    let folder = ran();
    folder
        .run(&["quarantine", "drop", "--findings", "names.conf"])
        .ends(0);
    assert_eq!(folder.quarantined("state/names").len(), 2);
    folder.run(&["quarantine", "drop", "names.conf"]).ends(0);
    assert!(folder.quarantined("state/names").is_empty());
    folder.run(&["standalone", "names.conf"]).ends(0);
    assert_eq!(
        folder.quarantined("state/names").len(),
        2,
        "new ones are kept"
    );
}
