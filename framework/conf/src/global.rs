//! `datashark.conf`: the global Kafka stream and the engine's settings.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use datashark_sdk::Stores;
use datashark_sdk::conf::{Problem, Problems, Section, Value, duration, size};
use serde::Deserialize;

use crate::stream::GlobalStream;

/// The global conf. Its relative paths are resolved against its folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Global {
    /// `kafka.…` and `[in_kafka]`: the stream of every streaming use case without an `input` of its own.
    pub stream: Option<GlobalStream>,
    /// `hdfs.…`: where the file system of the cluster is.
    pub hdfs: Hdfs,
    /// `[engine]`.
    pub engine: Engine,
}

/// The cluster's file system.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hdfs {
    /// `hdfs.host`.
    pub host: Option<String>,
    /// `hdfs.port`.
    pub port: Option<u16>,
}

/// The engine's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// `state_folder`: checkpoints, models and what could not be delivered; `state` beside
    /// `datashark.conf` if not said.
    pub state_folder: PathBuf,
    /// `workers`: threads for the work itself; as many as cores if not said, at least 1.
    pub workers: usize,
    /// `memory_limit` in bytes.
    pub memory_limit_bytes: Option<u64>,
    /// `spool_limit` in bytes, 10 GB if not said: what findings for slow outputs may take on disk.
    pub spool_limit_bytes: u64,
    /// `max_record_size` in bytes, 1 MiB if not said, at most 1 GiB: longer records are counted as invalid.
    pub max_record_size_bytes: u64,
    /// `block_size` in bytes, 1 MiB if not said, at most 1 GiB: how much is read at once.
    pub block_size_bytes: u64,
    /// `shutdown_timeout`, 30 s if not said: how long the daemon waits at its end for what runs.
    pub shutdown_timeout: Duration,
    /// `log`: the least severe messages that are logged.
    pub log: Option<LogLevel>,
    /// `log_format`, `text` if not said.
    pub log_format: LogFormat,
    /// `http`: where the daemon answers, `127.0.0.1:9600` if not said; `None` is `off`. Port 0 is a
    /// free one.
    pub http: Option<SocketAddr>,
    /// `plugin_path`: where plugins are looked for, besides each conf's own folder; `plugins` beside
    /// `datashark.conf` is the last of them.
    pub plugin_path: Vec<PathBuf>,
    /// `[[object_store]]`: how object stores are reached, and with `hdfs.host` and `hdfs.port` the
    /// name node of `hdfs:///path`. Which settings there are is not known here.
    pub stores: Stores,
}

/// The severity of a log message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Data is at risk, or an operator is needed.
    Error,
    /// Something went wrong and was mended.
    Warn,
    /// The steps of a run.
    Info,
    /// Every batch.
    Debug,
    /// Everything.
    Trace,
}

/// How log messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line for a person.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

impl LogLevel {
    /// The name as the conf writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

const MIB: u64 = 1 << 20;
/// The largest block and record: a block has what is left of the one before in front, and a column of records
/// cannot point beyond 4 GiB.
const BLOCK_MAX: u64 = 1 << 30;
/// As orchestrators give a service that they stop: 30 s in Kubernetes.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// Loopback, as there is no login.
const HTTP: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9600);

/// The subsection of `[engine]` with the settings of object stores.
const OBJECT_STORE: &str = "object_store";

impl Default for Engine {
    fn default() -> Self {
        Keys::default().engine.into_engine(Path::new(""))
    }
}

impl Global {
    /// The settings where there is no `datashark.conf` in this folder.
    pub fn default_in(folder: &Path) -> Global {
        Global {
            engine: Keys::default().engine.into_engine(folder),
            ..Global::default()
        }
    }

    /// Reads the global conf that lies at `path`.
    ///
    /// With errors among the problems it holds made-up values.
    pub fn from_section(section: &Section, path: &Path) -> (Option<Global>, Problems) {
        let mut section = section.clone();
        let mut problems = Problems::new();
        retire(&mut section, &mut problems);
        let stores = take_stores(&mut section, &mut problems);
        let stream = GlobalStream::take(&mut section, &mut problems);
        let (keys, found) = section.parse_partial::<Keys>();
        problems.extend(found);
        let Some(keys) = keys else {
            return (None, problems);
        };
        check(&keys, &mut problems);
        let mut global = keys.into_global(path.parent().unwrap_or(Path::new("")));
        global.engine.stores = stores.with_name_node(global.hdfs.name_node());
        global.stream = stream;
        (Some(global), problems)
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Keys {
    #[serde(rename = "kafka.bootstrap.servers", default)]
    bootstrap_servers: Vec<String>,
    // Read as they stand by the stream; here only so that their names are known.
    #[serde(rename = "kafka.consumer.name")]
    _consumer_name: Option<String>,
    #[serde(rename = "kafka.queue.name")]
    _queue_name: Option<String>,
    #[serde(rename = "kafka.partitions")]
    _partitions: Option<u32>,
    /// Taken out before, where it is what it should be.
    #[serde(default, rename = "in_kafka")]
    _in_kafka: Empty,
    #[serde(rename = "hdfs.host")]
    hdfs_host: Option<String>,
    #[serde(rename = "hdfs.port")]
    hdfs_port: Option<u16>,
    #[serde(default)]
    engine: EngineKeys,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct EngineKeys {
    state_folder: Option<PathBuf>,
    workers: Option<usize>,
    #[serde(default, with = "size::option")]
    memory_limit: Option<u64>,
    #[serde(default, with = "size::option")]
    spool_limit: Option<u64>,
    #[serde(default, with = "size::option")]
    max_record_size: Option<u64>,
    #[serde(default, with = "size::option")]
    block_size: Option<u64>,
    #[serde(default, with = "duration::option")]
    shutdown_timeout: Option<Duration>,
    log: Option<LogLevel>,
    log_format: Option<LogFormat>,
    http: Option<String>,
    #[serde(default)]
    plugin_path: Vec<PathBuf>,
    /// Taken out before, where it is what it should be.
    #[serde(default, rename = "object_store")]
    _object_store: Empty,
}

/// A section without keys.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Empty {}

impl Keys {
    fn into_global(self, folder: &Path) -> Global {
        Global {
            stream: None,
            hdfs: Hdfs {
                host: self.hdfs_host,
                port: self.hdfs_port,
            },
            engine: self.engine.into_engine(folder),
        }
    }
}

impl EngineKeys {
    fn into_engine(self, folder: &Path) -> Engine {
        let n_cores = || available_parallelism().map_or(1, |n| n.get());
        Engine {
            state_folder: folder.join(self.state_folder.unwrap_or_else(|| "state".into())),
            workers: self.workers.unwrap_or_else(n_cores),
            memory_limit_bytes: self.memory_limit,
            spool_limit_bytes: self.spool_limit.unwrap_or(10_000_000_000),
            max_record_size_bytes: self.max_record_size.unwrap_or(MIB),
            block_size_bytes: self.block_size.unwrap_or(MIB),
            shutdown_timeout: self.shutdown_timeout.unwrap_or(SHUTDOWN_TIMEOUT),
            log: self.log,
            log_format: self.log_format.unwrap_or_default(),
            http: match self.http {
                Some(http) => address(&http).unwrap_or_default(),
                None => Some(HTTP),
            },
            plugin_path: {
                let folders = self
                    .plugin_path
                    .into_iter()
                    .chain([PathBuf::from("plugins")]);
                folders.map(|path| folder.join(path)).collect()
            },
            stores: Stores::default(),
        }
    }
}

/// Reads where to answer: `off`, or an address and a port.
///
/// # Errors
/// It is neither.
pub fn address(text: &str) -> Result<Option<SocketAddr>, String> {
    if text.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    let wrong =
        |_| format!("expected an address such as `127.0.0.1:9600`, or `off`, found `{text}`");
    text.parse().map(Some).map_err(wrong)
}

impl Hdfs {
    /// The name node as a url has it; `None` where there is none.
    fn name_node(&self) -> Option<String> {
        let host = self.host.as_deref()?;
        Some(match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        })
    }
}

/// Takes out the settings of object stores, whose names are not known here.
fn take_stores(section: &mut Section, problems: &mut Problems) -> Stores {
    let engine = section.section_mut("engine");
    let Some(Value::Section(settings)) =
        engine.and_then(|engine| match engine.get(OBJECT_STORE)? {
            Value::Section(_) => engine.remove(OBJECT_STORE),
            // The parser says what it found.
            Value::Text(_) => None,
        })
    else {
        return Stores::default();
    };
    let (stores, found) = Stores::from_section(&settings);
    problems.extend(found.below(["engine", OBJECT_STORE]));
    stores
}

/// Takes out what dataShark 1 had and this one has not.
fn retire(section: &mut Section, problems: &mut Problems) {
    let keys: Vec<String> = section.keys().map(str::to_owned).collect();
    let mut is_warned = false;
    for key in keys {
        let is_spark = key == "spark_config" || key == "spark_conf";
        if is_spark && matches!(section.get(&key), Some(Value::Section(_))) {
            section.remove(&key);
            if !std::mem::replace(&mut is_warned, true) {
                let message = format!("section `[{key}]` is ignored: there is no Spark here");
                let help = "settings of the engine stand in `[engine]`";
                problems.push(Problem::at([key], message).help(help).warning());
            }
        } else if key.starts_with("zookeeper.") {
            section.remove(&key);
            let message = format!("`{key}` is not used: Kafka is reached without ZooKeeper");
            let help = "write `kafka.bootstrap.servers = host:port`, with commas between several";
            problems.push(Problem::at([key], message).help(help).of_key());
        }
    }
}

/// A lower `memory_limit` is one that the process will not keep to within a tenth: its code, its
/// threads and the blocks that are on their way take some 60 MB that do not count against it.
const MEMORY_LIMIT_KEPT: u64 = 256_000_000;

/// Checks what the types cannot.
fn check(keys: &Keys, problems: &mut Problems) {
    for server in &keys.bootstrap_servers {
        let port = server.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        if port.is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
            let message = format!("expected `host:port`, found `{server}`");
            problems.push(Problem::at(["kafka.bootstrap.servers"], message));
        }
    }
    if let Some(Err(message)) = keys.engine.http.as_deref().map(address) {
        problems.push(Problem::at(["engine", "http"], message));
    }
    let counts = [
        ("workers", keys.engine.workers.map(|n| n as u64)),
        ("memory_limit", keys.engine.memory_limit),
        ("max_record_size", keys.engine.max_record_size),
        ("block_size", keys.engine.block_size),
    ];
    for (key, count) in counts {
        if count == Some(0) {
            problems.push(Problem::at(
                ["engine", key],
                format!("`{key}` is at least 1, found `0`"),
            ));
        }
    }
    for (key, size) in [
        ("max_record_size", keys.engine.max_record_size),
        ("block_size", keys.engine.block_size),
    ] {
        if let Some(size) = size.filter(|size| *size > BLOCK_MAX) {
            let (max, size) = (size::format(BLOCK_MAX), size::format(size));
            let message = format!("`{key}` is at most {max}, found {size}");
            problems.push(Problem::at(["engine", key], message));
        }
    }
    let limit = keys.engine.memory_limit;
    if limit.is_some_and(|limit| (1..MEMORY_LIMIT_KEPT).contains(&limit)) {
        let message = "the process will take more than this: some 60 MB of its own do not count against \
                       `memory_limit`";
        let help = "from 256MB on it stays within a tenth of the limit";
        let problem = Problem::at(["engine", "memory_limit"], message).help(help);
        problems.push(problem.warning());
    }
}
