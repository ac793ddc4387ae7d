//! `datashark.conf` as its user meets it.

use std::path::{Path, PathBuf};

use datashark_conf::{Checked, Global, LogFormat, LogLevel, check_global_bytes};
use datashark_sdk::conf::Problem;

fn check(text: &str) -> Checked<Global> {
    check_global_bytes(text.as_bytes(), Path::new("/opt/ds/datashark.conf"))
}

/// The messages, a line each, without the file's name.
fn messages(text: &str) -> Vec<String> {
    let diagnostics = check(text).diagnostics;
    let strip = |message: String| message.replace("/opt/ds/datashark.conf:", "");
    diagnostics
        .sorted()
        .iter()
        .map(|d| strip(d.to_string()))
        .collect()
}

#[test]
fn every_setting_is_read() {
    let global = check(
        "kafka.bootstrap.servers = a:9092, b:9093\nkafka.consumer.name = consumer\n\
         kafka.queue.name = logs\nkafka.partitions = 2\nhdfs.host = h\nhdfs.port = 8020\n\
         [engine]\nstate_folder = /var/ds\nworkers = 3\nmemory_limit = 1GiB\n\
         max_record_size = 64KB\nblock_size = 4096\nlog = debug\nlog_format = json\nhttp = [::1]:80\n",
    );
    let global = global.into_result().unwrap().conf;
    let stream = global.stream.unwrap();
    let of_stream = |key| stream.section.text(key).map(|text| text.to_string());
    assert_eq!(stream.input, "kafka");
    assert_eq!(
        of_stream("bootstrap_servers").as_deref(),
        Some("a:9092, b:9093")
    );
    assert_eq!(of_stream("group").as_deref(), Some("consumer"));
    assert_eq!(of_stream("topic").as_deref(), Some("logs"));
    assert_eq!(of_stream("partitions").as_deref(), Some("2"));
    assert_eq!(
        (global.hdfs.host.as_deref(), global.hdfs.port),
        (Some("h"), Some(8020))
    );
    let engine = global.engine;
    assert_eq!(
        (engine.state_folder, engine.workers),
        (PathBuf::from("/var/ds"), 3)
    );
    assert_eq!(engine.memory_limit_bytes, Some(1 << 30));
    assert_eq!(
        (engine.max_record_size_bytes, engine.block_size_bytes),
        (64_000, 4096)
    );
    assert_eq!(engine.log, Some(LogLevel::Debug));
    assert_eq!(engine.log_format, LogFormat::Json);
    assert_eq!(engine.http, Some("[::1]:80".parse().unwrap()));
}

#[test]
fn an_empty_one_has_the_defaults() {
    let global = check("# nothing\n").into_result().unwrap().conf;
    assert_eq!(global, Global::default_in(Path::new("/opt/ds")));
    assert_eq!(global.engine.state_folder, PathBuf::from("/opt/ds/state"));
    assert_eq!(global.engine.max_record_size_bytes, 1_048_576);
    assert_eq!(global.engine.block_size_bytes, 1_048_576);
    assert!(global.engine.workers >= 1);
    assert_eq!(global.engine.log_format, LogFormat::Text);
    assert_eq!(global.engine.http, Some("127.0.0.1:9600".parse().unwrap()));
    assert_eq!(global.stream, None);
}

#[test]
fn http_is_an_address_or_off() {
    let off = check("[engine]\nhttp = off\n").into_result().unwrap().conf;
    assert_eq!(off.engine.http, None);
    assert_eq!(
        messages("[engine]\nhttp = localhost\nlog_format = jsn\n"),
        [
            "2: expected an address such as `127.0.0.1:9600`, or `off`, found `localhost`",
            "3: unknown log_format `jsn`, did you mean `json`? (expected one of `text`, `json`)",
        ]
    );
}

#[test]
fn zookeeper_is_told_the_key_to_write_instead_and_spark_is_ignored_with_one_warning() {
    let instead = "is not used: Kafka is reached without ZooKeeper (write \
                   `kafka.bootstrap.servers = host:port`, with commas between several)";
    assert_eq!(
        messages(
            "zookeeper.host = localhost\nzookeeper.port = 2181\nkafka.queue.name = q\n\
             [spark_config]\nspark.executor.memory = 2g\n[spark_conf]\n"
        ),
        [
            format!("1: `zookeeper.host` {instead}"),
            format!("2: `zookeeper.port` {instead}"),
            "4: section `[spark_config]` is ignored: there is no Spark here (settings of the \
             engine stand in `[engine]`)"
                .to_owned(),
        ]
    );
    let loaded = check("[spark_conf]\na = 1\n").into_result().unwrap();
    assert_eq!(loaded.warnings.warnings().count(), 1);
}

#[test]
fn a_memory_limit_that_the_process_alone_would_pass_is_warned_of() {
    let warned = "2: the process will take more than this: some 60 MB of its own do not count against \
                  `memory_limit` (from 256MB on it stays within a tenth of the limit)";
    assert_eq!(messages("[engine]\nmemory_limit = 128MB\n"), [warned]);
    assert!(
        check("[engine]\nmemory_limit = 128MB\n")
            .into_result()
            .is_ok()
    );
    for kept in ["256MB", "256MiB", "1GiB"] {
        let conf = format!("[engine]\nmemory_limit = {kept}\n");
        assert_eq!(messages(&conf), [] as [&str; 0]);
    }
}

#[test]
fn a_block_that_records_could_not_point_into_is_refused() {
    assert_eq!(
        messages("[engine]\nmax_record_size = 2GiB\nblock_size = 4GiB\n"),
        [
            "2: `max_record_size` is at most 1GiB, found 2GiB",
            "3: `block_size` is at most 1GiB, found 4GiB",
        ]
    );
    assert_eq!(messages("[engine]\nblock_size = 1GiB\n"), [] as [&str; 0]);
}

#[test]
fn unknown_keys_and_wrong_values_are_reported_with_the_nearest_name() {
    let keys = "(the keys here are `state_folder`, `workers`, `memory_limit`, `spool_limit`, `max_record_size`, \
                `block_size`, `shutdown_timeout`, `log`, `log_format`, `http`, `plugin_path`, `object_store`)";
    assert_eq!(
        messages(
            "kafka.queue.nme = q\nkafka.bootstrap.servers = a:b, c, d:1\n[engine]\nworkrs = 1\n\
             workers = 0\nmemory_limit = lots\nlog = inf\nstate = x\n[engin]\n"
        ),
        [
            "1: unknown key `kafka.queue.nme`, did you mean `kafka.queue.name`? (the keys here \
             are `kafka.bootstrap.servers`, `kafka.consumer.name`, `kafka.queue.name`, \
             `kafka.partitions`, `in_kafka`, `hdfs.host`, `hdfs.port`, `engine`)"
                .to_owned(),
            "2: expected `host:port`, found `a:b`".to_owned(),
            "2: expected `host:port`, found `c`".to_owned(),
            format!("4: unknown key `workrs`, did you mean `workers`? {keys}"),
            "5: `workers` is at least 1, found `0`".to_owned(),
            "6: expected a size such as `64MB`, `1GiB` or `4096` (bytes), found `lots`".to_owned(),
            "7: unknown log `inf`, did you mean `info`? (expected one of `error`, `warn`, `info`, \
             `debug`, `trace`)"
                .to_owned(),
            format!("8: unknown key `state`, did you mean `state_folder`? {keys}"),
            "9: unknown key `engin`, did you mean `engine`? (the keys here are \
             `kafka.bootstrap.servers`, `kafka.consumer.name`, `kafka.queue.name`, \
             `kafka.partitions`, `in_kafka`, `hdfs.host`, `hdfs.port`, `engine`)"
                .to_owned(),
        ]
    );
}

#[test]
fn settings_of_object_stores_are_read_for_all_urls_and_for_some() {
    let global = check(
        "hdfs.host = h\nhdfs.port = 8020\n[engine]\nworkers = 1\n[[object_store]]\n\
         AWS_Region = eu-central-1\n[[[s3://b]]]\naws_region = us-east-1\nallow_http = true\n",
    );
    let stores = global.into_result().unwrap().conf.engine.stores;
    assert_eq!(stores.name_node(), Some("h:8020"));
    let region = |url| stores.settings(url)["aws_region"].reveal().to_owned();
    assert_eq!(region("s3://b/a.log"), "us-east-1");
    assert_eq!(region("s3://c/a.log"), "eu-central-1");
}

#[test]
fn mistakes_in_settings_of_object_stores_have_their_lines() {
    let text = "[engine]\n[[object_store]]\naws_token = ${env:NO_SUCH_VARIABLE_HERE}\n[[[b]]]\n";
    let found = messages(text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("3: ") && found[0].contains("`NO_SUCH_VARIABLE_HERE`"),
        "{found:?}"
    );
    assert_eq!(
        found[1],
        "4: expected how a url begins, found `b` (as `[[[s3://bucket]]]` or `[[[hdfs://namenode:8020]]]`)"
    );
}

#[test]
fn the_global_stream_is_what_the_two_places_say_and_each_mistake_is_shown_where_it_stands() {
    let text = "kafka.queue.name = logs\n[in_kafka]\ntls = true\ntopic = other\n";
    assert_eq!(
        messages(text),
        ["1: `[in_kafka] topic` says the same: leave one of the two out"]
    );
    let global = check("kafka.queue.name = logs\n[in_kafka]\ntls = true\n");
    let stream = global.into_result().unwrap().conf.stream.unwrap();
    let of_stream = |key| stream.section.text(key).map(|text| text.to_string());
    assert_eq!(of_stream("tls").as_deref(), Some("true"));
    assert_eq!(of_stream("group").as_deref(), Some("datashark"));
    let found = ["topic", "tls"].map(|key| Problem::at([key], "wrong"));
    let placed = stream.placed(found.into_iter().collect());
    let paths: Vec<&[String]> = placed
        .iter()
        .map(|problem| problem.path.as_slice())
        .collect();
    assert_eq!(paths, [&["kafka.queue.name"][..], &["in_kafka", "tls"]]);
}
