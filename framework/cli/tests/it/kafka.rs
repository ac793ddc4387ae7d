//! Into a topic of a real Kafka and out of it again, by the binary alone.

use datashark_test_services::Service;

use crate::shark::{Folder, wait_until};

const WORDS: &str = "name = Words\ntype = batch\nenabled = true\ncode = wordcount\nfile = words.txt\noutput = kafka\n[out_kafka]\nbootstrap_servers = BROKER\ntopic = words\npkey = word\nscore = n\n";
const TOTALS: &str = "name = Totals\ntype = streaming\nenabled = true\ncode = totals.sql\ninput = kafka\noutput = csv\nwindow = 1s\n[codec]\nformat = json\n[columns]\nn = float\n[log_filter]\n[[include]]\nword = t\n[in_kafka]\nbootstrap_servers = BROKER\ntopic = words\n[out_csv]\npath = totals.csv\n";

#[test]
fn findings_go_into_a_topic_and_come_out_of_it_as_records() {
    let settings = [("SETTINGS", "auto.create.topics.enable=true")];
    let Some(broker) = Service::start_with("kafka", &settings) else {
        return;
    };
    let folder = Folder::new();
    let with_broker = |conf: &str| conf.replace("BROKER", broker.value("bootstrap"));
    folder.write("words.conf", with_broker(WORDS));
    folder.write("words.txt", "one two two\nthree three three\n");
    let totals = "SELECT _key AS key, sum(n) AS score FROM records GROUP BY _key";
    folder.write("totals.sql", totals);
    folder.write("totals.conf", with_broker(TOTALS));

    let ran = folder.run(&["standalone", "words.conf"]).ends(0);
    assert_eq!(ran.account(), [2, 0, 0, 0, 2]);
    let once = ["standalone", "--once", "totals.conf"];
    let ran = folder.run(&once).ends(0);
    assert_eq!(ran.account(), [3, 1, 0, 0, 2]);
    assert_eq!(folder.rows("totals.csv"), ["three,3", "two,2"]);
    // What was delivered is committed.
    assert_eq!(folder.run(&once).ends(0).account(), [0; 5]);

    // What comes while it runs.
    let running = folder.start(&["standalone", "totals.conf"]);
    folder.run(&["standalone", "words.conf"]).ends(0);
    wait_until("the new records are counted", || {
        folder.rows("totals.csv") == ["three,3", "three,3", "two,2", "two,2"]
    });
    running.signal("TERM");
    running.finish().ends(0);
}
