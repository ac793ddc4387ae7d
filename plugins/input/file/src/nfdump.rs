//! The tool `nfdump`, which reads what `nfcapd` writes: its files have many layouts, and it knows them all.
//!
//! It is started with a list of arguments, never by a shell, and prints in UTC a layout that all its releases
//! know. Its exit code alone does not decide: some releases end with 0 after a file that they could not read,
//! and only say so.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use datashark_codec::nfcapd::LAYOUT;

/// What it is called.
const TOOL: &str = "nfdump";

/// Why a pipe or an object cannot be read.
pub(crate) const NEEDS_A_FILE: &str = "a file of nfcapd has to lie on this machine, not packed otherwise: the tool `nfdump` opens it itself";

/// How much of what it says on its error output is kept.
const SAID_BYTES: u64 = 4 << 10;

/// What it says of a file that it cannot read.
const FAILURES: [&str; 5] = [
    "Open file",
    "GetNextFile() error",
    "ReadBlock() error",
    "Corrupt",
    "corrupt",
];

/// `nfdump` at work over a file.
pub(crate) struct Nfdump {
    child: Child,
    lines: ChildStdout,
    said: Option<JoinHandle<String>>,
}

impl Nfdump {
    /// Starts it.
    pub(crate) fn start(path: &Path) -> io::Result<Self> {
        start(TOOL, path)
    }

    /// It has printed all: whether it says that this was all there is.
    fn finish(&mut self) -> io::Result<()> {
        let Some(said) = self.said.take() else {
            return Ok(());
        };
        let status = self.child.wait()?;
        let said = said.join().unwrap_or_default();
        let failure = said
            .lines()
            .find(|line| FAILURES.iter().any(|it| line.contains(it)));
        match failure.or_else(|| said.lines().next()) {
            Some(reason) if failure.is_some() || !status.success() => Err(io::Error::other(
                format!("`nfdump` cannot read it: {reason}"),
            )),
            None if !status.success() => Err(io::Error::other(format!(
                "`nfdump` cannot read it: {status}"
            ))),
            said => {
                if let Some(said) = said {
                    tracing::info!(said, "nfdump");
                }
                Ok(())
            }
        }
    }
}

fn start(tool: &str, path: &Path) -> io::Result<Nfdump> {
    let mut command = Command::new(tool);
    command
        .arg("-r")
        .arg(path)
        .args(["-q", "-N", "-6", "-o", LAYOUT]);
    command
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => io::Error::other(format!(
                "the tool `{tool}` is not installed: it is in the package `nfdump` of Debian and Ubuntu"
            )),
            _ => error,
        })?;
    let missing = || io::Error::other("`nfdump` has no output");
    let lines = child.stdout.take().ok_or_else(missing)?;
    let mut errors = child.stderr.take().ok_or_else(missing)?;
    // What it says has to be read while it prints, or it would wait for us.
    let said = std::thread::Builder::new()
        .name("nfdump".to_owned())
        .spawn(move || {
            let mut said = Vec::new();
            let read = (&mut errors).take(SAID_BYTES).read_to_end(&mut said);
            let _ = read.and_then(|_| io::copy(&mut errors, &mut io::sink()));
            String::from_utf8_lossy(&said).into_owned()
        })?;
    Ok(Nfdump {
        child,
        lines,
        said: Some(said),
    })
}

impl Read for Nfdump {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.lines.read(buffer)?;
        if n_read == 0 && !buffer.is_empty() {
            self.finish()?;
        }
        Ok(n_read)
    }
}

impl Drop for Nfdump {
    fn drop(&mut self) {
        if self.said.is_some() {
            // It may have ended by itself.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_is_not_there_is_named_with_its_package() {
        let error = start("nfdump-of-nobody", Path::new("x")).err().unwrap();
        assert_eq!(
            error.to_string(),
            "the tool `nfdump-of-nobody` is not installed: it is in the package `nfdump` of Debian and Ubuntu"
        );
    }
}
