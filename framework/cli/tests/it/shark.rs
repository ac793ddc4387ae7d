//! Runs the binary in a folder of its own.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tempfile::TempDir;

/// How long a condition is waited for: long, for a machine that is busy.
const N_POLLS: u32 = 6_000;
const POLL: Duration = Duration::from_millis(20);

/// A folder that dataShark runs in; its state is below `state`.
pub(crate) struct Folder(TempDir);

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: Option<i32>,
}

/// A run that goes on; killed where the test ends before it.
pub(crate) struct Running {
    child: Child,
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

/// The project's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Asks until it is so.
pub(crate) fn wait_until(what: &str, is_so: impl FnMut() -> bool) {
    assert!(is_so_in_time(is_so), "waited in vain until {what}");
}

/// Asks until it is so, or for too long.
pub(crate) fn is_so_in_time(mut is_so: impl FnMut() -> bool) -> bool {
    for _ in 0..N_POLLS {
        if is_so() {
            return true;
        }
        thread::sleep(POLL);
    }
    false
}

impl Folder {
    pub(crate) fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, with the folders that it lies in.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Appends to a file.
    pub(crate) fn append(&self, name: &str, text: &str) {
        use std::io::Write;
        let file = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.path(name));
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// A file's text; empty where there is none.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Whether there is something in a use case's quarantine; also while it is written to.
    pub(crate) fn has_quarantined(&self, state: &str) -> bool {
        let entries = fs::read_dir(self.path(state).join("quarantine"));
        let mut files = entries.into_iter().flatten().flatten();
        files.any(|file| file.metadata().is_ok_and(|it| it.len() > 0))
    }

    /// The records in a use case's quarantine, a line each, in order.
    pub(crate) fn quarantined(&self, state: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(state).join("quarantine")) else {
            return Vec::new();
        };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let unpacked = files.iter().flat_map(|file| {
            let file = zstd::Decoder::new(fs::File::open(file).unwrap());
            let text = std::io::read_to_string(file.unwrap()).unwrap();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        });
        unpacked.collect()
    }

    pub(crate) fn len(&self, name: &str) -> u64 {
        fs::metadata(self.path(name)).map_or(0, |metadata| metadata.len())
    }

    /// The lines of a csv file without the first field, the time, and sorted.
    pub(crate) fn rows(&self, name: &str) -> Vec<String> {
        let text = self.read(name);
        let rows = text
            .lines()
            .map(|line| line.split_once(',').unwrap().1.to_owned());
        let mut rows: Vec<String> = rows.collect();
        rows.sort();
        rows
    }

    /// A copy of a shipped use case's folder, with its csv file in this folder.
    pub(crate) fn with_shipped(&self, name: &str) -> PathBuf {
        copy(&root().join("conf").join(name), &self.path(name));
        let conf = self.path(name).join(format!("{name}.conf"));
        let text = fs::read_to_string(&conf).unwrap();
        fs::write(&conf, text.replace("/tmp/", "")).unwrap();
        conf
    }

    /// The binary, to be run here: nothing of the tester's environment reaches it. A daemon answers
    /// by HTTP only where the test says so: two tests cannot have the same port.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let is_daemon = args.first() == Some(&"start") && !args.contains(&"--http");
        let off: &[&str] = if is_daemon { &["--http", "off"] } else { &[] };
        self.command_as_is(&[args, off].concat())
    }

    fn command_as_is(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_datashark"));
        self.settle(command.args(args));
        command
    }

    /// A shell script, run here with the binary as `$datashark`.
    pub(crate) fn script(&self, script: &str) -> Ran {
        ran(&mut self.shell(script))
    }

    fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("bash");
        command
            .args(["-c", script])
            .env("datashark", env!("CARGO_BIN_EXE_datashark"));
        self.settle(&mut command);
        command
    }

    fn settle(&self, command: &mut Command) {
        command
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .env("TZ", "UTC");
        for variable in [
            "DATASHARK_HOME",
            "RUST_LOG",
            "RUST_BACKTRACE",
            "NO_COLOR",
            "NOTIFY_SOCKET",
            "WATCHDOG_USEC",
            "WATCHDOG_PID",
        ] {
            command.env_remove(variable);
        }
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        ran(&mut self.command(args))
    }

    /// As [`Folder::run`], with HTTP as the conf says.
    pub(crate) fn run_as_is(&self, args: &[&str]) -> Ran {
        ran(&mut self.command_as_is(args))
    }

    /// Starts the binary.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        start(self.command(args))
    }

    /// Starts a shell script with the binary as `$datashark`.
    pub(crate) fn start_script(&self, script: &str) -> Running {
        start(self.shell(script))
    }
}

/// Starts a command.
pub(crate) fn start(mut command: Command) -> Running {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (stdout, stderr) = (Arc::default(), Arc::default());
    let readers = vec![
        gather(child.stdout.take().unwrap(), &stdout),
        gather(child.stderr.take().unwrap(), &stderr),
    ];
    Running {
        child,
        stdout,
        stderr,
        readers,
    }
}

fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        status: output.status.code(),
    }
}

fn gather(mut from: impl Read + Send + 'static, into: &Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    let into = Arc::clone(into);
    thread::spawn(move || {
        let mut block = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut block) {
            into.lock().unwrap().extend_from_slice(&block[..n]);
        }
    })
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true => copy(&from, &to),
            false => drop(fs::copy(from, to).unwrap()),
        }
    }
}

impl Running {
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout.lock().unwrap()).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr.lock().unwrap()).into_owned()
    }

    /// All that it has shown.
    pub(crate) fn output(&self) -> String {
        self.stdout() + &self.stderr()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends a signal, as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("bash")
            .args(["-c", &format!("kill -{name} {pid}")])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Kills it, as a power failure would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Ran {
        let mut status = None;
        wait_until("the run ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let status = status.unwrap().code();
        Ran {
            stdout: self.stdout(),
            stderr: self.stderr(),
            status,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ran {
    /// Asserts how it ended.
    #[track_caller]
    pub(crate) fn ends(self, status: i32) -> Self {
        assert_eq!(
            self.status,
            Some(status),
            "{}\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts that standard error has these, in this order.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        let mut rest = self.stderr.as_str();
        for part in parts {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => panic!("`{part}` is not, or not in this order, in\n{}", self.stderr),
            }
        }
        self
    }

    /// Asserts that standard output is empty.
    #[track_caller]
    pub(crate) fn prints_nothing(self) -> Self {
        assert_eq!(self.stdout, "", "{}", self.stderr);
        self
    }

    /// The account that a run ends with: read, filtered, invalid, late, aggregated.
    #[track_caller]
    pub(crate) fn account(&self) -> [u64; 5] {
        assert!(
            self.stderr.contains("conservation gap 0"),
            "{}",
            self.stderr
        );
        let line = self
            .stderr
            .lines()
            .find(|line| line.starts_with("Read "))
            .unwrap();
        let (read, rest) = line
            .strip_prefix("Read ")
            .unwrap()
            .split_once(" record")
            .unwrap();
        let number = |text: &str| text.replace(',', "").parse::<u64>().unwrap();
        let of = |name: &str| {
            let before = rest.split(&format!(" {name}")).next().unwrap();
            number(before.rsplit(' ').next().unwrap())
        };
        let account = [
            number(read),
            of("filtered"),
            of("invalid"),
            of("late"),
            of("aggregated"),
        ];
        assert_eq!(
            account[0],
            account[1..].iter().sum::<u64>() + of("in flight"),
            "{line}"
        );
        account
    }
}
