//! What a process takes of the machine, as `/proc` says.

use std::fs;

/// What a process takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// What it has used of the processors.
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_bytes: u64,
    /// The most that it ever had.
    pub(crate) peak_bytes: u64,
    pub(crate) n_files: u64,
    pub(crate) n_threads: u64,
}

impl Usage {
    /// Of a process that runs.
    pub(crate) fn of(pid: u32) -> Self {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        // Behind the name, which may hold anything: the state is the first, the times are user's and system's.
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .collect();
        let ticks = |i: usize| fields[i].parse::<f64>().unwrap();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let value: u64 = line
                .unwrap()
                .split_whitespace()
                .nth(0)
                .unwrap()
                .parse()
                .unwrap();
            value
        };
        Usage {
            cpu_seconds: (ticks(11) + ticks(12)) / rustix::param::clock_ticks_per_second() as f64,
            resident_bytes: number("VmRSS:") * 1024,
            peak_bytes: number("VmHWM:") * 1024,
            n_files: fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64,
            n_threads: number("Threads:"),
        }
    }
}
