//! `datashark doctor`: a line for everything that an operator would ask.

use crate::shark::Folder;

const WORDS: &str = "name = Words\ntype = batch\nenabled = true\ncode = wordcount\nfile = words.txt\noutput = csv\n[out_csv]\npath = words.csv\n";

fn with_words() -> Folder {
    let folder = Folder::new();
    folder.write("conf/words/words.conf", WORDS);
    folder.write("conf/words/words.txt", "one two\n");
    folder.write("datashark.conf", "[engine]\nspool_limit = 1MB\n");
    folder
}

#[test]
fn where_all_is_right_every_line_says_so() {
    let folder = with_words();
    folder.run(&["standalone", "conf/words/words.conf"]).ends(0);
    let doctor = folder.run(&["doctor"]).ends(0);
    let lines: Vec<&str> = doctor.stdout.lines().collect();
    assert!(
        lines.iter().all(|line| line.starts_with("ok      ")),
        "{lines:#?}"
    );
    for part in [
        "datashark.conf",
        "conf/words/words.conf: Words",
        "state: ",
        "state/words/checkpoint.json: how far it has come, version ",
        "words.csv can be written",
    ] {
        assert!(
            doctor.stdout.contains(part),
            "`{part}` is not in {lines:#?}"
        );
    }
}

#[test]
fn what_is_wrong_is_told_with_the_way_out() {
    let folder = with_words();
    folder.write(
        "conf/bad/bad.conf",
        WORDS
            .replace("wordcount", "wordcont")
            .replace("Words", "Bad"),
    );
    // A server that is not there: the port was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let syslog = format!("[out_syslog]\ntransport = tcp\nport = {port}\n");
    let to_syslog = WORDS.replace("output = csv", "output = csv, syslog") + &syslog;
    folder.write("conf/words/words.conf", to_syslog);
    let doctor = folder.run(&["doctor"]).ends(1).says(&["2 things wrong\n"]);
    let wrong: Vec<&str> = doctor
        .stdout
        .lines()
        .filter(|line| line.starts_with("wrong"))
        .collect();
    assert_eq!(
        wrong[0],
        "wrong   conf/bad/bad.conf: `datashark check conf/bad/bad.conf` says what is wrong"
    );
    let unreachable = format!("wrong   Words: syslog does not reach 127.0.0.1:{port}: ");
    assert!(wrong[1].starts_with(&unreachable), "{wrong:?}");
}

#[test]
fn a_folder_that_a_run_has_is_looked_at_and_not_mended() {
    let folder = with_words();
    folder.script("mkfifo pipe").ends(0);
    let piped = WORDS.replace("words.txt", "../../pipe");
    folder.write("conf/words/words.conf", piped);
    let running = folder.start(&["standalone", "conf/words/words.conf"]);
    crate::shark::wait_until("the run has its folder", || {
        folder.path("state/words/checkpoint.json").exists()
    });
    let doctor = folder.run(&["doctor"]).ends(0);
    assert!(
        doctor
            .stdout
            .contains("state/words/lock: locked by a run, 0 bytes; a run has the folder"),
        "{doctor:?}"
    );
    folder.write("state/words/model.json", "{");
    let refused = folder.run(&["doctor", "--repair"]).ends(1);
    assert!(
        refused.stdout.contains("wrong   state/words: not mended: "),
        "{refused:?}"
    );
    assert_eq!(folder.read("state/words/model.json"), "{");
    running.kill();
    let mended = folder.run(&["doctor", "--repair"]).ends(0);
    assert!(
        mended
            .stdout
            .contains("mended  state/words/model.json: put aside as "),
        "{mended:?}"
    );
    assert_eq!(folder.read("state/words/model.json.damaged"), "{");
}
