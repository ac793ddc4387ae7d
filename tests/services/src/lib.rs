//! Real servers for tests: each is a script beside this crate, `tests/services/<name>.sh`.
//!
//! The script is given a folder below the target folder and free ports of the loopback address. It
//! prints `key=value` lines and then an empty one when its server takes requests, and obeys a line
//! `stop`, `kill` or `start` on its standard input. When that input ends it stops the server and
//! removes the folder: so a server never outlives the tests, whether they pass, panic or are killed,
//! and one in a `static` is stopped as well. `service.sh` has all of this but what is a server's own.
//!
//! ```no_run
//! use datashark_test_services::Service;
//!
//! let Some(mut server) = Service::start("opensearch") else { return };
//! let url = server.value("url").to_owned();
//! server.stop();
//! server.start_again();
//! assert_eq!(server.value("url"), url);
//! ```

mod search;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

pub use search::SearchServer;

/// How many free ports a script is given.
const N_PORTS: usize = 8;
/// The status of a script that cannot give its server here, as of a skipped test in Automake.
const SKIPPED: i32 = 77;

/// A server that runs until this is dropped.
#[derive(Debug)]
pub struct Service {
    name: String,
    folder: PathBuf,
    script: Child,
    answers: BufReader<ChildStdout>,
    values: BTreeMap<String, String>,
}

impl Service {
    /// Starts the server of the script `<name>.sh` and waits until it takes requests. Where it cannot
    /// be had (a package that cannot be fetched), `None` after a line that begins with `SKIPPED:`.
    ///
    /// # Panics
    /// The server does not start; or it cannot be had, and `CI` is `true`.
    pub fn start(name: &str) -> Option<Self> {
        Service::start_with(name, &[])
    }

    /// As [`Service::start`], with variables in the script's environment.
    ///
    /// # Panics
    /// As [`Service::start`].
    pub fn start_with(name: &str, variables: &[(&str, &str)]) -> Option<Self> {
        let folder = new_folder(name);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{name}.sh"));
        let ports: Vec<String> = free_ports().iter().map(ToString::to_string).collect();
        let mut script = Command::new("bash")
            .arg(script)
            .arg("start")
            .arg(&folder)
            .args(ports)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("bash cannot be run: {error}"));
        let answers = script.stdout.take().expect("it is piped");
        let mut service = Service {
            name: name.to_owned(),
            folder,
            script,
            answers: BufReader::new(answers),
            values: BTreeMap::new(),
        };
        match service.read_answer() {
            Ok(()) => Some(service),
            Err(SKIPPED) => {
                let reason = service.values.get("skipped").map_or("", String::as_str);
                assert!(
                    std::env::var("CI").as_deref() != Ok("true"),
                    "the service {name} is needed where CI=true: {reason}"
                );
                eprintln!("SKIPPED: no {name} here: {reason}");
                None
            }
            Err(status) => panic!("{name}.sh failed with status {status}; its errors are above"),
        }
    }

    /// What the script said of its server: `url`, `pid`, …
    ///
    /// # Panics
    /// It did not say that.
    pub fn value(&self, key: &str) -> &str {
        let value = self.values.get(key);
        value.unwrap_or_else(|| panic!("{}.sh says no `{key}`: {:?}", self.name, self.values))
    }

    /// The folder of the server's files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Stops the server (SIGTERM) and waits until it is gone; its files and ports stay.
    pub fn stop(&mut self) {
        self.command("stop");
    }

    /// Kills the server (SIGKILL) and waits until it is gone; its files and ports stay.
    pub fn kill(&mut self) {
        self.command("kill");
    }

    /// Starts the server again that was stopped, on its files and ports.
    pub fn start_again(&mut self) {
        self.command("start");
    }

    fn command(&mut self, command: &str) {
        let commands = self.script.stdin.as_mut().expect("open until the drop");
        let sent = writeln!(commands, "{command}").and_then(|()| commands.flush());
        let answered = sent.map_err(|error| error.to_string()).and_then(|()| {
            let failed = |status| format!("status {status}");
            self.read_answer().map_err(failed)
        });
        if let Err(error) = answered {
            panic!("{}.sh did not {command}: {error}", self.name);
        }
    }

    /// Reads `key=value` lines up to an empty one; where the script ends before it, its status.
    fn read_answer(&mut self) -> Result<(), i32> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.answers.read_line(&mut line).unwrap_or(0) == 0 {
                let status = self.script.wait().ok().and_then(|status| status.code());
                return Err(status.unwrap_or(-1));
            }
            match line.trim_end().split_once('=') {
                Some((key, value)) => self.values.insert(key.to_owned(), value.to_owned()),
                None => return Ok(()),
            };
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // The end of its input tells the script to stop the server.
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}

/// Ports of the loopback address that are free for both TCP and UDP.
fn free_ports() -> Vec<u16> {
    // All are held until the last is found, so that none comes twice.
    let mut held = Vec::with_capacity(N_PORTS);
    while held.len() < N_PORTS {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = tcp.local_addr().expect("it is bound").port();
        if let Ok(udp) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)) {
            held.push((port, tcp, udp));
        }
    }
    held.iter().map(|(port, ..)| *port).collect()
}

/// `target/services/<name>-<process>-<n>`; the target folder is where the test's binary is.
fn new_folder(name: &str) -> PathBuf {
    static N_STARTED: AtomicU32 = AtomicU32::new(0);
    let n = N_STARTED.fetch_add(1, Ordering::Relaxed);
    let binary = std::env::current_exe().expect("a test has a binary");
    // target/debug/deps/it-0123
    let target = binary.ancestors().nth(3).expect("cargo's target folder");
    let folder = target
        .join("services")
        .join(format!("{name}-{}-{n}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_running(pid: &str) -> bool {
        Path::new("/proc").join(pid).exists()
    }

    #[test]
    fn a_service_runs_until_it_is_dropped_and_leaves_nothing() {
        let service = Service::start_with("self-test", &[("GREETING", "a=b")]).unwrap();
        let (pid, folder) = (service.value("pid").to_owned(), service.folder().to_owned());
        assert!(is_running(&pid) && folder.join("log").exists());
        assert_eq!(service.value("greeting"), "a=b");
        drop(service);
        assert!(!is_running(&pid) && !folder.exists());
    }

    #[test]
    fn a_stopped_service_starts_again_on_its_port() {
        let mut service = Service::start("self-test").unwrap();
        let (first, port) = (
            service.value("pid").to_owned(),
            service.value("port").to_owned(),
        );
        service.stop();
        assert!(!is_running(&first));
        service.start_again();
        let second = service.value("pid").to_owned();
        assert!(is_running(&second) && second != first);
        assert_eq!(service.value("port"), port);
        service.kill();
        assert!(!is_running(&second));
    }

    #[test]
    fn what_cannot_be_had_is_skipped_unless_the_gate_runs() {
        let start = || Service::start_with("self-test", &[("MISSING", "no package")]).is_none();
        let skipped = std::panic::catch_unwind(start);
        match std::env::var("CI").as_deref() {
            Ok("true") => assert!(skipped.is_err()),
            _ => assert!(skipped.unwrap()),
        }
    }

    #[test]
    fn a_server_that_ends_at_once_fails_the_test() {
        let started =
            std::panic::catch_unwind(|| Service::start_with("self-test", &[("SLEEP", "0")]));
        assert!(started.is_err());
    }

    #[test]
    fn a_panic_stops_the_server() {
        let pid = std::sync::Mutex::new(String::new());
        let panicked = std::panic::catch_unwind(|| {
            let service = Service::start("self-test").unwrap();
            *pid.lock().unwrap() = service.value("pid").to_owned();
            panic!("as a failing assertion does");
        });
        assert!(panicked.is_err());
        assert!(!is_running(&pid.into_inner().unwrap()));
    }
}
