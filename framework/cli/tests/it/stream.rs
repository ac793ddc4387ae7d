//! Several use cases on the global Kafka stream: one member of the group, and each finds what it would find
//! alone, whoever of them is killed, stopped, changed, added or elsewhere.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::hits::{CONF, Counts, QUERY, Writer, broker, rows_of};
use crate::shark::{Folder, Running, wait_until};

const GLOBAL: &str = "kafka.bootstrap.servers = BROKER\nkafka.queue.name = hits\n[in_kafka]\n[[options]]\nsession.timeout.ms = 6000\n";

/// Counts all, closes its windows late and counts some, reads the time as a number.
const USE_CASES: [(&str, &str, &str); 3] = [
    ("hits", "", ""),
    (
        "few",
        "allowed_lateness = 90s\n",
        "[log_filter]\n[[include]]\nsource = source 1|last\n",
    ),
    ("typed", "", "[columns]\nt = integer\n"),
];

/// A use case on the global stream.
fn write(folder: &Folder, (name, keys, sections): (&str, &str, &str)) {
    let conf = CONF
        .replace("name = Hits\n", &format!("name = {name}\n{keys}"))
        .replace("input = kafka\n", "")
        .replace("hits.sql", &format!("{name}.sql"))
        .replace("hits.csv", &format!("{name}.csv"));
    let (before, of_kafka) = conf.split_once("[in_kafka]").unwrap();
    let (_, of_csv) = of_kafka.split_once("[out_csv]").unwrap();
    let conf = format!("{before}{sections}[out_csv]{of_csv}");
    folder.write(&format!("conf/{name}/{name}.conf"), conf);
    folder.write(&format!("conf/{name}/{name}.sql"), QUERY);
}

/// A folder with all three.
fn with_use_cases(bootstrap: &str) -> Folder {
    let folder = Folder::new();
    folder.write("datashark.conf", GLOBAL.replace("BROKER", bootstrap));
    USE_CASES.iter().for_each(|it| write(&folder, *it));
    folder
}

/// What a use case is to find of what was written.
fn expected(name: &str, writer: &Writer) -> Counts {
    let mut counts = writer.counts.clone();
    counts.retain(|(_, source), _| name != "few" || source.starts_with("source 1"));
    counts
}

/// What a use case has found in these folders; a window of a source may be there twice if `again`.
fn found(name: &str, folders: &[&Folder], again: bool) -> Counts {
    let mut found = Counts::new();
    let rows = folders
        .iter()
        .flat_map(|folder| rows_of(folder, &format!("{name}.csv")));
    for (window, source, count) in rows {
        let place = (window, source);
        if let Some(before) = found.insert(place.clone(), count) {
            assert!(
                again && before == count,
                "{name}: {place:?} {before} {count}"
            );
        }
    }
    found.retain(|(_, source), _| source != "last");
    found
}

/// Writes until each use case has found something more.
fn write_until_found(writer: &mut Writer, names: &[&str], folders: &[&Folder]) {
    let n_found = |name: &&str| -> usize {
        let rows = folders
            .iter()
            .map(|folder| rows_of(folder, &format!("{name}.csv")).len());
        rows.sum()
    };
    let before: Vec<usize> = names.iter().map(n_found).collect();
    wait_until("each has found more", || {
        writer.minute();
        names
            .iter()
            .map(n_found)
            .zip(&before)
            .all(|(now, before)| now > *before)
    });
}

fn all_is_found(writer: &Writer, names: &[&str], folders: &[&Folder], again: bool) {
    for name in names {
        let expected = expected(name, writer);
        wait_until("all of it is found", || {
            found(name, folders, again).len() >= expected.len()
        });
        let found = found(name, folders, again);
        let wrong: Vec<_> = found
            .iter()
            .filter(|(place, count)| expected.get(*place) != Some(*count))
            .collect();
        assert!(
            wrong.is_empty(),
            "{name}: {} are wrong: {wrong:?}",
            wrong.len()
        );
    }
}

/// How many members the group of the global stream has.
fn n_members(bootstrap: &str) -> usize {
    let mut config = ClientConfig::new();
    let consumer: BaseConsumer = config.set("bootstrap.servers", bootstrap).create().unwrap();
    let groups = consumer.fetch_group_list(Some("datashark"), Duration::from_secs(30));
    let groups = groups.unwrap();
    groups
        .groups()
        .iter()
        .map(|group| group.members().len())
        .sum()
}

fn stop(running: Running) {
    running.signal("TERM");
    running.finish().ends(0);
}

fn say(running: &Running, text: &str, n_times: usize) {
    wait_until(&format!("`{text}` is said"), || {
        running.stderr().matches(text).count() >= n_times
    });
}

#[test]
fn use_cases_that_share_a_stream_find_what_each_would_find_alone() {
    let Some(broker) = broker() else { return };
    let bootstrap = broker.value("bootstrap");
    let mut writer = Writer::to(bootstrap);
    writer.minute();
    let folder = with_use_cases(bootstrap);
    let names = USE_CASES.map(|(name, ..)| name);
    let all = [&folder];

    let running = folder.start(&["start"]);
    write_until_found(&mut writer, &names, &all);
    assert_eq!(n_members(bootstrap), 1, "all read with one consumer");
    running.kill();
    let running = folder.start(&["start"]);
    write_until_found(&mut writer, &names, &all);

    // One is changed and has its windows made anew, the others go on; then one goes for a while.
    let (name, keys, sections) = USE_CASES[1];
    write(
        &folder,
        (name, &format!("{keys}keep_late = true\n"), sections),
    );
    running.signal("HUP");
    say(&running, "reloaded: 2 as before, 1 stopped, 1 started", 1);
    write_until_found(&mut writer, &names, &all);
    let off = folder.read("conf/typed/typed.conf");
    folder.write(
        "conf/typed/typed.conf",
        off.replace("enabled = true", "enabled = false"),
    );
    running.signal("HUP");
    say(&running, "reloaded: 2 as before, 1 stopped, 0 started", 1);
    write_until_found(&mut writer, &["hits", "few"], &all);
    folder.write("conf/typed/typed.conf", off);
    running.signal("HUP");
    say(&running, "reloaded: 2 as before, 0 stopped, 1 started", 1);
    write_until_found(&mut writer, &names, &all);
    stop(running);

    let running = folder.start(&["start"]);
    write_until_found(&mut writer, &names, &all);
    writer.close_windows();
    all_is_found(&writer, &names, &all, false);
    stop(running);
}

#[test]
fn a_stream_that_goes_to_another_instance_goes_on_for_each_use_case_where_that_one_was() {
    let Some(broker) = broker() else { return };
    let bootstrap = broker.value("bootstrap");
    let mut writer = Writer::to(bootstrap);
    let folders = [with_use_cases(bootstrap), with_use_cases(bootstrap)];
    let names = USE_CASES.map(|(name, ..)| name);
    let [first, second] = [&folders[0], &folders[1]];
    let all = [first, second];

    let a = first.start(&["start"]);
    write_until_found(&mut writer, &names, &[first]);
    let b = second.start(&["start"]);
    write_until_found(&mut writer, &names, &[second]);
    a.kill();
    write_until_found(&mut writer, &names, &[second]);
    let a = first.start(&["start"]);
    write_until_found(&mut writer, &names, &[first]);
    stop(b);
    writer.minute();
    writer.close_windows();
    all_is_found(&writer, &names, &all, true);
    stop(a);
}

#[test]
fn what_is_wrong_with_the_global_stream_is_said_of_the_line_that_is_wrong() {
    let folder = Folder::new();
    write(&folder, USE_CASES[0]);
    let conf = "conf/hits/hits.conf";
    let ran = folder.run(&["check", conf]).ends(2);
    ran.says(&["the use case has no input", "`kafka.queue.name"]);
    let wrong = [
        (
            "kafka.queue.name = no topic\n",
            ["found `no topic`", "datashark.conf:1:"],
        ),
        (
            "kafka.queue.name = hits\n[in_kafka]\ntlss = true\n",
            ["did you mean `tls`?", "datashark.conf:3:"],
        ),
    ];
    for (stream, said) in wrong {
        folder.write("datashark.conf", stream);
        folder.run(&["check", conf]).ends(2).says(&said);
    }
}

#[test]
fn use_cases_that_read_together_are_named_and_those_that_would_part_a_group_are_refused() {
    let folder = with_use_cases("127.0.0.1:9");
    let [hits, few, typed] = USE_CASES.map(|(name, ..)| format!("conf/{name}/{name}.conf"));
    let ran = folder.run(&["check", &hits, &few, &typed]).ends(0);
    assert!(
        ran.stdout.contains("read together with few, typed\n"),
        "{}",
        ran.stdout
    );
    let own = CONF.replace("BROKER", "127.0.0.1:9");
    let own = own.replace("topic = hits\n", "topic = hits\ngroup = datashark\n");
    folder.write("conf/own/own.conf", own);
    folder.write("conf/own/hits.sql", QUERY);
    let ran = folder.run(&["check", &typed, "conf/own/own.conf"]).ends(2);
    ran.says(&["own.conf: the group `datashark` is that of conf/typed/typed.conf too"]);
}
