//! The parent's side: a child started, asked with a time limit, and ended.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use datashark_sdk::ffi::host::{About, Kind};
use datashark_sdk::ffi::wire::to_text;
use datashark_sdk::{Error, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;
use serde::de::DeserializeOwned;
use tracing::{info, warn};

use super::frame::{Frame, Part};
use super::message::{Answer, Request, Started};
use crate::conf::Sandbox;

/// What a pipe holds: a batch of some size goes through in one piece.
const PIPE_BYTES: usize = 1 << 20;
/// Lines of the plugin's standard error that are kept for the message on its end.
const LAST_LINES: usize = 3;
/// A longer line is cut.
const LINE_BYTES: u64 = 4096;

/// How to start a plugin's process.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    /// The binary, and what makes it such a process.
    pub(crate) program: (PathBuf, Vec<OsString>),
    pub(crate) library: PathBuf,
    pub(crate) kind: Kind,
    pub(crate) sandbox: Sandbox,
    /// Variables of our environment that the plugin may see.
    pub(crate) env: Vec<String>,
}

/// Why a call gave nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The plugin answered with an error.
    Plugin(Error),
    /// The process has ended, by itself or by us; why.
    Died(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Plugin(error)
    }
}

/// A plugin's process.
#[derive(Debug)]
pub(crate) struct Connection {
    child: Child,
    to: OwnedFd,
    from: OwnedFd,
    said: Said,
    timeout: Duration,
    about: About,
}

impl Connection {
    /// Starts a process and has it load the library.
    ///
    /// # Errors
    /// It cannot be started, or the library not loaded.
    pub(crate) fn open(start: &Start) -> Result<Connection, Failure> {
        let failed =
            |error: io::Error| Failure::Plugin(Error::io("starting a plugin's process", error));
        let (program, args) = &start.program;
        let mut command = Command::new(program);
        command.args(args).current_dir("/").env_clear();
        let kept = ["RUST_BACKTRACE", "TZ", "LANG"];
        let named = start.env.iter().map(String::as_str);
        for name in kept.into_iter().chain(named) {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(Failure::Plugin(Error::internal("a process without pipes")));
        };
        let name = start
            .library
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let said = Said::listen(stderr, name.into_owned());
        let (to, from) = (OwnedFd::from(stdin), OwnedFd::from(stdout));
        for pipe in [&to, &from] {
            rustix::io::ioctl_fionbio(pipe, true).map_err(|error| failed(error.into()))?;
            #[cfg(target_os = "linux")]
            // A smaller one is slower, and no more than that.
            let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_BYTES);
        }
        let mut connection = Connection {
            child,
            to,
            from,
            said,
            timeout: start.sandbox.timeout,
            about: About {
                kind: start.kind,
                name: String::new(),
                about: String::new(),
                version: String::new(),
                author: String::new(),
                interface: (0, 0),
                files: Vec::new(),
            },
        };
        let request = Request::Start {
            library: start.library.clone(),
            kind: start.kind,
            sandbox: start.sandbox.clone(),
        };
        let (started, _): (Started, _) = connection.ask(&request, &[])?;
        if !started.unguarded.is_empty() {
            warn!(
                plugin = started.about.name,
                "what this system does not guard against the plugin: {}",
                started.unguarded.join(", ")
            );
        }
        connection.about = started.about;
        Ok(connection)
    }

    /// What the plugin says of itself.
    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// Asks, and waits for the answer for as long as a call may take. After [`Failure::Died`] the
    /// process is gone.
    pub(crate) fn ask<T: DeserializeOwned>(
        &mut self,
        request: &Request,
        parts: &[Part],
    ) -> Result<(T, Vec<Part>), Failure> {
        let frame = match self.exchange(request, parts) {
            Ok(frame) => frame,
            Err(error) => return Err(Failure::Died(self.died(&error))),
        };
        match serde_json::from_slice(&frame.text) {
            Ok(Answer::Done(answer)) => Ok((answer, frame.parts)),
            Ok(Answer::Failed { status, fault }) => Err(fault.into_error(status).into()),
            Err(error) => {
                let error = io::Error::new(io::ErrorKind::InvalidData, error);
                Err(Failure::Died(self.died(&error)))
            }
        }
    }

    fn exchange(&mut self, request: &Request, parts: &[Part]) -> io::Result<Frame> {
        let until = now() + self.timeout;
        Frame::write(
            &to_text(request),
            parts,
            &mut Timed {
                pipe: &self.to,
                until,
            },
        )?;
        Frame::read(&mut Timed {
            pipe: &self.from,
            until,
        })
    }

    /// Ends the process, if it has not ended by itself; says why it did.
    fn died(&mut self, error: &io::Error) -> String {
        let why = match error.kind() {
            io::ErrorKind::TimedOut => {
                self.end();
                return format!("it took longer than {:?}, and was ended", self.timeout);
            }
            io::ErrorKind::InvalidData => {
                self.end();
                return format!("it wrote to dataShark's pipe what makes no sense: {error}");
            }
            _ => self.how_it_ended(),
        };
        let said = self.said.last();
        match said.is_empty() {
            true => why,
            false => format!("{why}; it said: {said}"),
        }
    }

    /// How the process ended: its pipe is closed, so it does so soon, or is made to.
    fn how_it_ended(&mut self) -> String {
        const SOON: Duration = Duration::from_secs(2);
        let until = now() + SOON;
        while now() < until {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    return match (status.signal(), status.code()) {
                        (Some(signal), _) => format!("it was ended by {}", signal_name(signal)),
                        (None, Some(code)) => format!("it ended itself, with status {code}"),
                        (None, None) => "it ended".to_owned(),
                    };
                }
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                Err(error) => return format!("it cannot be waited for: {error}"),
            }
        }
        self.end();
        "it closed dataShark's pipe, and was ended".to_owned()
    }

    fn end(&mut self) {
        // It may have ended just now; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a signal says of a process that it has ended.
fn signal_name(signal: i32) -> String {
    let names = [
        (
            Signal::SEGV,
            "SIGSEGV: it read or wrote where nothing is, or its stack was full",
        ),
        (
            Signal::ABORT,
            "SIGABRT: it gave up, as with no memory left below its limit",
        ),
        (
            Signal::BUS,
            "SIGBUS: it read or wrote where nothing is, or its file was cut off",
        ),
        (Signal::ILL, "SIGILL: it ran what is no code"),
        (Signal::FPE, "SIGFPE: it divided by zero"),
        (
            Signal::KILL,
            "SIGKILL: somebody ended it, perhaps the system for want of memory",
        ),
        (Signal::SYS, "SIGSYS: it made a call that it may not"),
        (
            Signal::XCPU,
            "SIGXCPU: it used more processor time than it may",
        ),
    ];
    let known = names.iter().find(|(known, _)| known.as_raw() == signal);
    known.map_or_else(
        || format!("signal {signal}"),
        |(_, name)| (*name).to_owned(),
    )
}

/// What a plugin writes to its standard error: it goes to the log, and the last lines are kept.
#[derive(Debug)]
struct Said {
    lines: Arc<Mutex<VecDeque<String>>>,
    reader: JoinHandle<()>,
}

impl Said {
    fn listen(stderr: ChildStderr, plugin: String) -> Said {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            let mut reader = BufReader::new(stderr);
            let mut line = Vec::new();
            loop {
                line.clear();
                let read = (&mut reader).take(LINE_BYTES).read_until(b'\n', &mut line);
                if read.is_err() || line.is_empty() {
                    return;
                }
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end().replace(char::is_control, " ");
                if text.is_empty() {
                    continue;
                }
                info!(plugin, "{text}");
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == LAST_LINES {
                    kept.pop_front();
                }
                kept.push_back(text);
            }
        });
        Said { lines, reader }
    }

    /// The last lines of a process that has ended.
    fn last(&self) -> String {
        // What it wrote last may be on its way.
        let until = now() + Duration::from_millis(200);
        while !self.reader.is_finished() && now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        lines.join(" / ")
    }
}

/// A pipe that is read and written until some time.
struct Timed<'a> {
    pipe: &'a OwnedFd,
    until: Instant,
}

impl Timed<'_> {
    fn wait(&self, flags: PollFlags) -> io::Result<()> {
        let left = self.until.saturating_duration_since(now());
        let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
        let mut pipes = [PollFd::new(self.pipe, flags)];
        match poll(&mut pipes, Some(&timeout)) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match rustix::io::read(self.pipe, &mut *bytes) {
                Err(rustix::io::Errno::AGAIN) => self.wait(PollFlags::IN)?,
                Err(rustix::io::Errno::INTR) => {}
                read => return Ok(read?),
            }
        }
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::io::write(self.pipe, bytes) {
                Err(rustix::io::Errno::AGAIN) => self.wait(PollFlags::OUT)?,
                Err(rustix::io::Errno::INTR) => {}
                written => return Ok(written?),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a plugin may take is real time; no result depends on it"
)]
fn now() -> Instant {
    Instant::now()
}
