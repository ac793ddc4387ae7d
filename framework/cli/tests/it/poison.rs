//! Records that are none, one in a thousand: each is in the quarantine with its offset, once, and the
//! windows of the others are as if it had not been there, though the daemon is killed on the way.

use std::collections::BTreeMap;

use crate::chaos::is_accounted_for;
use crate::hits::{CONF, Counts, N_PARTITIONS, QUERY, Writer, broker, rows};
use crate::http::start_at;
use crate::shark::{Folder, wait_until};

const N_POISONED: usize = 40;
/// One in so many.
const EVERY: usize = 1000;
const LARGE: usize = 20_000_000;
/// Of a record that is too large, its beginning is kept.
const KEPT: usize = 4096;

/// What is kept of a record, by its partition and offset: whether it is cut, and as it is written.
type Kept = BTreeMap<(String, u64), (bool, serde_json::Value)>;

/// The n-th record that is none, as it is written and as it is kept.
fn poison(n: usize) -> (Option<Vec<u8>>, bool, serde_json::Value) {
    match n % 5 {
        0 => {
            let cut_off = r#"{"t": 1772323200, "source": "source 1"#;
            (Some(cut_off.into()), false, cut_off.into())
        }
        1 => {
            let bytes = b"{\"t\": 1772323200, \xff\xfe: 1}".to_vec();
            let base64 = "eyJ0IjogMTc3MjMyMzIwMCwg//46IDF9";
            (Some(bytes), false, base64.into())
        }
        2 => (Some(vec![b'x'; LARGE]), true, "x".repeat(KEPT).into()),
        3 => (Some(Vec::new()), false, "".into()),
        _ => (None, false, "".into()),
    }
}

/// Writes good records with some that are none between them.
fn write(writer: &mut Writer, numbers: std::ops::Range<usize>, kept: &mut Kept) {
    for n in numbers {
        writer.write(EVERY);
        let (payload, is_cut, shown) = poison(n);
        let partition = n % N_PARTITIONS;
        let offset = writer.put(partition, payload.as_deref());
        kept.insert((format!("hits[{partition}]"), offset), (is_cut, shown));
    }
    writer.flush();
}

#[test]
fn poison_is_in_the_quarantine_with_its_offset_and_changes_no_window() {
    let Some(broker) = broker() else { return };
    let bootstrap = broker.value("bootstrap");
    let folder = Folder::new();
    folder.write("conf/hits/hits.conf", CONF.replace("BROKER", bootstrap));
    folder.write("conf/hits/hits.sql", QUERY);
    let (mut writer, mut expected) = (Writer::to(bootstrap), Kept::new());
    write(&mut writer, 0..N_POISONED / 2, &mut expected);
    let (running, _) = start_at(&folder, "127.0.0.1:0");
    wait_until("some of it is kept", || {
        !rows(&folder).is_empty() && folder.has_quarantined("state/hits")
    });
    running.kill();
    let (mut running, http) = start_at(&folder, "127.0.0.1:0");
    write(&mut writer, N_POISONED / 2..N_POISONED, &mut expected);
    writer.close_windows();
    wait_until("all of it is found", || {
        assert!(!running.has_ended(), "{}", running.stderr());
        is_accounted_for(&http);
        rows(&folder).len() >= writer.counts.len()
    });
    running.signal("TERM");
    running.finish().ends(0);

    let kept = folder.quarantined("state/hits");
    assert_eq!(kept.len(), expected.len(), "each once");
    for line in kept {
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        let place = (
            line["partition"].as_str().unwrap().to_owned(),
            line["offset"].as_u64().unwrap(),
        );
        let (is_cut, shown) = expected
            .get(&place)
            .unwrap_or_else(|| panic!("{place:?} was a good record: {line}"));
        assert_eq!(
            line["is_cut"].as_bool().unwrap_or_default(),
            *is_cut,
            "{line}"
        );
        let text = line.get("record").or_else(|| line.get("record_base64"));
        assert_eq!(text, Some(shown), "{line}");
    }
    let rows = rows(&folder);
    assert_eq!(rows.len(), writer.counts.len(), "each row once");
    let row = |(window, source, count)| ((window, source), count);
    let found: Counts = rows.into_iter().map(row).collect();
    assert!(found == writer.counts, "the rows are not those expected");
}
