//! The conservation test: whatever is killed meanwhile, every window of a topic is found once, and no
//! record is unaccounted for.
//!
//! Records with known results are written for as long as the test lasts. The daemon is killed again and
//! again, now and then the broker or the search server with it. `DATASHARK_KILLS` and
//! `DATASHARK_MINUTES` (7,000 records each) say how often and how much: 200 and 2,900 for a night.

use std::thread;
use std::time::Duration;

use datashark_test_services::SearchServer;

use crate::hits::{CONF, Counts, QUERY, Writer, broker, rows};
use crate::http::{ask as get, start_at};
use crate::search::{address, ask, asked};
use crate::shark::{Folder, Running, is_so_in_time, wait_until};

const N_KILLS: usize = 10;
const N_MINUTES: usize = 145;

/// Where the moments of death come from; the same in each run.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> Duration {
        // The steps of a linear congruential generator, by Knuth's constants.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((self.0 >> 33) % 1500)
    }
}

/// Starts the daemon and waits until it reads; gives the address of its metrics, too.
fn start(folder: &Folder) -> (Running, String) {
    let (running, http) = start_at(folder, "127.0.0.1:0");
    wait_until("its use case is shown", || is_accounted_for(&http));
    (running, http)
}

/// Whether a run is shown; then all that it has read is accounted for.
pub(crate) fn is_accounted_for(http: &str) -> bool {
    let (_, metrics) = get(http, "/metrics", None);
    let gaps = metrics.lines().filter_map(|line| {
        let (name, value) = line.rsplit_once(' ')?;
        let is_gap = name.starts_with("datashark_conservation_gap{");
        is_gap.then_some(value)
    });
    let gaps: Vec<&str> = gaps.collect();
    assert!(gaps.iter().all(|gap| *gap == "0"), "{gaps:?}");
    !gaps.is_empty()
}

/// How many documents there are, and the sum of their scores; `None` where the server is away.
fn counted(index: &str) -> Option<(u64, f64)> {
    ask(index, "POST", "/hits/_refresh", "");
    let query = r#"{"size": 0, "track_total_hits": true, "aggs": {"all": {"sum": {"field": "anomaly_score"}}}}"#;
    let found = ask(index, "POST", "/hits/_search", query)?;
    let n_documents = found["hits"]["total"]["value"].as_u64()?;
    Some((n_documents, found["aggregations"]["all"]["value"].as_f64()?))
}

#[test]
fn every_window_is_found_once_whatever_is_killed() {
    let Some(mut broker) = broker() else { return };
    let Some(mut search) = SearchServer::one().start("") else {
        return;
    };
    let (n_kills, n_minutes) = (
        asked("DATASHARK_KILLS", N_KILLS),
        asked("DATASHARK_MINUTES", N_MINUTES),
    );
    let bootstrap = broker.value("bootstrap").to_owned();
    let index = address(&search);
    let folder = Folder::new();
    let conf = CONF
        .replace("BROKER", &bootstrap)
        .replace("output = csv", "output = csv, elasticsearch")
        // Who comes again has its partitions again.
        .replace("[[options]]", "[[options]]\ngroup.instance.id = one");
    let conf = format!(
        "{conf}[out_elasticsearch]\nhosts = http://{index}\nindex_name = hits\nbulk_age = 0s\n"
    );
    folder.write("conf/hits/hits.conf", conf);
    folder.write("conf/hits/hits.sql", QUERY);

    let writing = thread::spawn(move || {
        let mut writer = Writer::to(&bootstrap);
        (0..n_minutes).for_each(|_| writer.minute());
        writer.close_windows();
        writer.counts
    });
    let mut moments = Moments(42);
    let (mut running, mut http) = start(&folder);
    for kill in 1..=n_kills {
        thread::sleep(moments.next());
        is_accounted_for(&http);
        if kill % 10 == 7 {
            // While the daemon reads.
            broker.kill();
            thread::sleep(moments.next());
            broker.start_again();
            thread::sleep(moments.next());
            is_accounted_for(&http);
        }
        if kill % 4 == 0 {
            search.kill();
        }
        if kill % 5 == 0 {
            broker.kill();
        }
        running.kill();
        if kill % 5 == 0 {
            broker.start_again();
        }
        (running, http) = start(&folder);
        if kill % 4 == 0 {
            thread::sleep(moments.next());
            search.start_again();
        }
    }
    let expected = writing.join().unwrap();
    let found = is_so_in_time(|| {
        assert!(!running.has_ended(), "{}", running.stderr());
        is_accounted_for(&http);
        rows(&folder).len() >= expected.len()
    });
    assert!(
        found,
        "waited in vain until all {} rows are there; there are {}\n{}\n{}",
        expected.len(),
        rows(&folder).len(),
        get(&http, "/metrics", None).1,
        running.stderr()
    );
    let wanted = (expected.len() as u64, expected.values().sum::<u64>() as f64);
    wait_until("the search server has all of it", || {
        counted(&index).is_some_and(|(n_documents, _)| n_documents >= wanted.0)
    });
    running.signal("TERM");
    running.finish().ends(0);
    assert_eq!(
        counted(&index),
        Some(wanted),
        "documents, and the sum of their scores"
    );
    let rows = rows(&folder);
    assert_eq!(rows.len(), expected.len(), "each row once");
    let found: Counts = rows
        .into_iter()
        .map(|(window, source, count)| ((window, source), count))
        .collect();
    assert!(
        found == expected,
        "the rows are not those that were expected"
    );
}
