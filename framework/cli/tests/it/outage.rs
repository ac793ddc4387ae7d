//! A broker that is away for so long that the group is lost, while an output has not taken anything yet.

use crate::hits::{CONF, Counts, QUERY, Writer, broker, rows};
use crate::http::start_at;
use crate::shark::{Folder, wait_until};

#[test]
fn what_was_read_before_the_group_was_lost_makes_no_row_twice() {
    let Some(mut broker) = broker() else { return };
    let bootstrap = broker.value("bootstrap").to_owned();
    let folder = Folder::new();
    let conf = CONF.replace("BROKER", &bootstrap);
    // Nobody is there: nothing is committed, however much the csv has.
    let conf = conf.replace("output = csv", "output = csv, elasticsearch");
    let conf = format!("{conf}[out_elasticsearch]\nhosts = http://127.0.0.1:1\n");
    folder.write("conf/hits/hits.conf", conf);
    folder.write("conf/hits/hits.sql", QUERY);
    folder.write("datashark.conf", "[engine]\nlog = info\n");
    let mut writer = Writer::to(&bootstrap);
    (0..3).for_each(|_| writer.minute());
    let (mut running, _) = start_at(&folder, "127.0.0.1:0");
    // Of 210 seconds the last 30 are in a window that is still open.
    wait_until("three windows are out", || rows(&folder).len() >= 600);

    broker.kill();
    wait_until("the group is lost", || {
        running.stderr().contains("Kafka takes hits[0]")
    });
    broker.start_again();
    (0..3).for_each(|_| writer.minute());
    writer.close_windows();
    wait_until("all windows are out", || {
        assert!(!running.has_ended(), "{}", running.stderr());
        rows(&folder).len() >= writer.counts.len()
    });
    running.kill();
    let rows = rows(&folder);
    assert_eq!(rows.len(), writer.counts.len(), "each row once");
    let found: Counts = rows
        .into_iter()
        .map(|(window, source, count)| ((window, source), count))
        .collect();
    assert!(found == writer.counts, "the rows are the expected ones");
}
