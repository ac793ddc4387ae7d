//! `datashark start`: what is enabled runs, is mended, reloaded and stopped.

use crate::shark::{Folder, Running, wait_until};

/// A stream of hits per source and minute, by event time.
const STREAM: &str = "name = NAME\ntype = streaming\nenabled = true\ncode = query.sql\ninput = file\noutput = csv\nwindow = 60s\ntimestamp_field = time\ntimestamp_format = rfc3339\n[codec]\nformat = json\n[in_file]\nfolder_path = ../../logs\n[out_csv]\npath = NAME.csv\n";
const QUERY: &str = "SELECT source AS key, count(*) AS score FROM records GROUP BY source";
const WORDS: &str = "name = Words\ntype = batch\nenabled = true\ncode = wordcount\nfile = words.txt\noutput = csv\n[out_csv]\npath = words.csv\n";

fn hit(time: &str, source: &str) -> String {
    format!("{{\"time\": \"2026-03-01T12:{time}Z\", \"source\": \"{source}\"}}\n")
}

/// Adds a stream to the confs.
fn add_stream(folder: &Folder, name: &str) {
    folder.write(
        &format!("conf/{name}/{name}.conf"),
        STREAM.replace("NAME", name),
    );
    folder.write(&format!("conf/{name}/query.sql"), QUERY);
}

/// A folder with a stream, and two windows of its log: the first is due, the second open.
fn with_stream(name: &str) -> Folder {
    let folder = Folder::new();
    let log = [hit("00:01", "a"), hit("00:02", "a"), hit("01:30", "b")];
    folder.write("logs/a.json", log.concat());
    add_stream(&folder, name);
    folder
}

/// Starts the daemon and waits for a file to have these rows.
fn start(folder: &Folder, file: &str, rows: &[&str]) -> Running {
    let running = folder.start(&["start"]);
    wait_for_rows(folder, file, rows);
    running
}

fn wait_for_rows(folder: &Folder, file: &str, rows: &[&str]) {
    wait_until(&format!("{file} is {rows:?}"), || {
        let text = folder.read(file);
        // The last row may be half written.
        (text.is_empty() || text.ends_with('\n')) && folder.rows(file) == rows
    });
}

fn wait_to_say(running: &Running, text: &str) {
    wait_until(&format!("`{text}` is said"), || {
        running.stderr().contains(text)
    });
}

#[test]
fn batches_and_streams_run_and_a_stop_leaves_open_windows_for_the_next_start() {
    let folder = with_stream("hits");
    folder.write("conf/words/words.conf", WORDS);
    folder.write("conf/words/words.txt", "one two two\n");
    let off = WORDS
        .replace("enabled = true", "enabled = false")
        .replace("Words", "Off");
    folder.write("conf/off/off.conf", off.replace("wordcount", "nonsense"));
    for signal in ["TERM", "INT"] {
        let running = start(&folder, "hits.csv", &["a,2"]);
        wait_until("the words are counted", || folder.len("words.csv") > 0);
        wait_to_say(&running, "(Words) - ended: ");
        running.signal(signal);
        let ran = running.finish().ends(0).prints_nothing();
        ran.says(&[
            "Loaded Confs: ['conf/hits/hits.conf', 'conf/words/words.conf']\n",
            "stopping; once more to stop at once\n",
            "stopped\n",
        ]);
        assert_eq!(
            folder.rows("hits.csv"),
            ["a,2"],
            "the second window is open"
        );
    }
    assert_eq!(
        folder.rows("words.csv"),
        ["one,1", "one,1", "two,2", "two,2"]
    );
    // The window that was left open twice comes out whole.
    folder.append("logs/a.json", &(hit("01:40", "b") + &hit("02:10", "c")));
    let running = start(&folder, "hits.csv", &["a,2", "b,2"]);
    running.signal("TERM");
    running.finish().ends(0);
}

#[test]
fn with_a_mistake_in_any_conf_nothing_is_started() {
    let folder = with_stream("hits");
    folder.write(
        "conf/words/words.conf",
        WORDS.replace("wordcount", "wordcont"),
    );
    let twice = STREAM
        .replace("name = NAME", "name = HITS")
        .replace("NAME", "other");
    folder.write("conf/twice/twice.conf", twice);
    folder.write("conf/twice/query.sql", QUERY);
    let ran = folder.run(&["start"]).ends(2);
    let said = &ran.stderr;
    assert!(said.contains("did you mean `wordcount`?"), "{said}");
    assert!(said.contains("`name` is that of "), "{said}");
    assert!(folder.read("hits.csv").is_empty());
    let empty = Folder::new();
    empty
        .run(&["start"])
        .ends(2)
        .says(&["the folder of the confs cannot be read"]);
    std::fs::create_dir(empty.path("conf")).unwrap();
    empty
        .run(&["start"])
        .ends(2)
        .says(&["no use case below conf is enabled"]);
}

#[test]
fn one_that_fails_runs_again_while_the_others_go_on() {
    let folder = with_stream("hits");
    // A folder in the place of a file: what can be mended while the daemon runs.
    folder.write("broken.csv/x", "");
    add_stream(&folder, "broken");
    let running = start(&folder, "hits.csv", &["a,2"]);
    wait_to_say(&running, "(broken) - failed: ");
    assert!(
        running.stderr().contains("broken.csv"),
        "{}",
        running.stderr()
    );
    std::fs::remove_dir_all(folder.path("broken.csv")).unwrap();
    wait_for_rows(&folder, "broken.csv", &["a,2"]);
    running.signal("TERM");
    running.finish().ends(0);
}

#[test]
fn a_second_daemon_with_the_same_state_is_refused() {
    let folder = with_stream("hits");
    let running = start(&folder, "hits.csv", &["a,2"]);
    let second = folder.run(&["start"]).ends(1);
    second.says(&[
        "another dataShark (process ",
        "runs with the state folder state",
    ]);
    running.signal("TERM");
    running.finish().ends(0);
    folder
        .run(&["reload"])
        .ends(1)
        .says(&["no daemon runs with the state folder state"]);
}

#[test]
fn a_reload_swaps_what_was_changed_and_leaves_the_rest_its_windows() {
    let folder = with_stream("hits");
    add_stream(&folder, "gone");
    add_stream(&folder, "changed");
    let running = start(&folder, "hits.csv", &["a,2"]);
    for file in ["gone.csv", "changed.csv"] {
        wait_for_rows(&folder, file, &["a,2"]);
    }
    // A mistake: all goes on.
    let conf = folder.read("conf/changed/changed.conf");
    folder.write(
        "conf/changed/changed.conf",
        conf.replace("window = 60s", "window = soon"),
    );
    folder.run(&["reload"]).ends(0);
    wait_to_say(&running, "nothing was reloaded: what ran goes on\n");
    // One is changed, one is gone, one is new.
    folder.write("conf/changed/changed.conf", conf);
    folder.write(
        "conf/changed/query.sql",
        QUERY.replace("count(*)", "count(*) * 10"),
    );
    std::fs::remove_dir_all(folder.path("conf/gone")).unwrap();
    add_stream(&folder, "new");
    running.signal("HUP");
    wait_to_say(&running, "reloaded: 1 as before, 2 stopped, 2 started\n");
    folder.append("logs/a.json", &(hit("01:40", "b") + &hit("02:10", "c")));
    wait_for_rows(&folder, "hits.csv", &["a,2", "b,2"]);
    wait_for_rows(&folder, "changed.csv", &["a,2", "b,20"]);
    wait_for_rows(&folder, "new.csv", &["a,2", "b,2"]);
    assert_eq!(folder.rows("gone.csv"), ["a,2"]);
    running.signal("TERM");
    running.finish().ends(0);
}

#[test]
fn a_daemon_of_batches_ends_with_the_last_of_them() {
    let folder = Folder::new();
    folder.write("conf/words/words.conf", WORDS);
    folder.write("conf/words/words.txt", "one\n");
    folder.run(&["start", "--local"]).ends(0);
    assert_eq!(folder.rows("words.csv"), ["one,1"]);
}

fn wait_for_runs(folder: &Folder, file: &str, n: usize) {
    wait_until(&format!("{file} was written {n} times"), || {
        let text = folder.read(file);
        text.ends_with('\n') && text.lines().count() >= n
    });
}

/// A batch over a file of its own, or a pipe, that runs every second.
fn add_every_second(folder: &Folder, name: &str) {
    let conf = WORDS.replace("Words", name).replace("words", name);
    let conf = conf.replace("enabled", "every = 1s\nenabled");
    folder.write(&format!("conf/{name}/{name}.conf"), conf);
}

#[test]
fn a_batch_with_an_interval_runs_again_and_again_and_is_kept_by_a_reload() {
    let folder = with_stream("hits");
    add_every_second(&folder, "often");
    folder.write("conf/often/often.txt", "one\n");
    let yearly = WORDS.replace("enabled", "schedule = 0 0 29 2 *\nenabled");
    folder.write("conf/words/words.conf", yearly);
    folder.write("conf/words/words.txt", "never\n");
    // The stream does not wait for the one whose time is years away.
    let running = start(&folder, "hits.csv", &["a,2"]);
    wait_to_say(&running, "(Words) - next run at 20");
    wait_for_runs(&folder, "often.csv", 3);
    folder.write("conf/often/often.txt", "two\n");
    running.signal("HUP");
    wait_to_say(&running, "reloaded: 3 as before, 0 stopped, 0 started\n");
    wait_until("it ran after the reload", || {
        folder.read("often.csv").contains("two")
    });
    running.signal("TERM");
    running.finish().ends(0);
    assert_eq!(folder.len("words.csv"), 0);
}

#[test]
fn a_turn_that_comes_while_the_last_one_runs_is_skipped_and_told() {
    let folder = Folder::new();
    add_every_second(&folder, "clock");
    folder.write("conf/clock/clock.txt", "tick\n");
    add_every_second(&folder, "slow");
    // A run of it lasts until whoever writes the pipe is done.
    folder.script("mkfifo conf/slow/slow.txt").ends(0);
    let mut running = folder.start(&["start"]);
    let n_ticks = || folder.rows("clock.csv").len();
    wait_until("the clock ticks", || n_ticks() > 0);
    let before = n_ticks();
    wait_until("seconds have passed", || n_ticks() >= before + 3);
    folder.script("echo one > conf/slow/slow.txt").ends(0);
    wait_to_say(&running, "(slow) - the run of ");
    assert!(running.stderr().contains(", which is skipped\n"));
    assert_eq!(folder.rows("slow.csv"), ["one,1"]);
    running.signal("TERM");
    // The next run may wait for a writer: a second signal ends that.
    wait_to_say(&running, "stopping; once more to stop at once\n");
    wait_until("it has ended", || {
        running.signal("TERM");
        running.has_ended()
    });
}

#[test]
fn a_scheduled_batch_that_fails_is_tried_again() {
    let folder = Folder::new();
    add_every_second(&folder, "often");
    folder.write("conf/often/often.txt", "one\n");
    folder.write("often.csv/x", "");
    let running = folder.start(&["start"]);
    wait_to_say(&running, "(often) - failed: ");
    std::fs::remove_dir_all(folder.path("often.csv")).unwrap();
    wait_for_runs(&folder, "often.csv", 2);
    running.signal("TERM");
    running.finish().ends(0);
}
