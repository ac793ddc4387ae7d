//! What a plugin's process may: limits that it sets itself before it loads the library, and that cannot
//! be taken back. All of it works for anybody, not just for root. What this system lacks is told.
//!
//! | what | by |
//! |---|---|
//! | memory | `RLIMIT_AS`: what the process has by itself and `memory` |
//! | processors | the set of processors that it may run on |
//! | files | Landlock: the library, the system's libraries, what is granted |
//! | network | seccomp: no sockets; with `network = yes` all of it |
//! | other processes | seccomp: none is started, traced or signalled; no core file, no new privileges |

use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::conf::Sandbox;

/// Limits this process; gives what could not be limited.
pub(super) fn enter(library: &Path, sandbox: &Sandbox) -> Vec<String> {
    let mut unguarded = Vec::new();
    let mut note = |what: &str, limited: Result<(), String>| {
        if let Err(why) = limited {
            unguarded.push(format!("{what} ({why})"));
        }
    };
    note("memory", memory(sandbox.memory));
    note("core files", limit(Resource::Core, 0));
    note("processors", processors(sandbox.cpus));
    #[cfg(target_os = "linux")]
    {
        let privileges = rustix::thread::set_no_new_privs(true);
        note("privileges", privileges.map_err(|error| error.to_string()));
        note("files", linux::files(library, sandbox));
        note("network and processes", linux::calls(sandbox.network));
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = library;
        note(
            "files, network and processes",
            Err("only Linux has what it takes".to_owned()),
        );
    }
    unguarded
}

fn limit(resource: Resource, to: u64) -> Result<(), String> {
    // Lower than the hard limit is always possible.
    let hard = getrlimit(resource).maximum;
    let to = hard.map_or(to, |hard| hard.min(to));
    let both = Rlimit {
        current: Some(to),
        maximum: Some(to),
    };
    setrlimit(resource, both).map_err(|error| error.to_string())
}

/// What the process has by itself, most of it the binary, and what the plugin may take.
fn memory(bytes: u64) -> Result<(), String> {
    let statm = std::fs::read_to_string("/proc/self/statm").map_err(|error| error.to_string())?;
    let pages = statm
        .split(' ')
        .next()
        .and_then(|pages| pages.parse::<u64>().ok());
    let pages = pages.ok_or("no number of pages")?;
    let own = pages * rustix::param::page_size() as u64;
    limit(Resource::As, own.saturating_add(bytes))
}

fn processors(n: usize) -> Result<(), String> {
    if n == 0 {
        return Ok(());
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let ours = sched_getaffinity(None).map_err(|error| error.to_string())?;
        let ids: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|id| ours.is_set(*id)).collect();
        // Not all plugins on the first ones.
        let first = std::process::id() as usize % ids.len().max(1);
        let mut theirs = CpuSet::new();
        for id in ids.iter().cycle().skip(first).take(n.min(ids.len())) {
            theirs.set(*id);
        }
        sched_setaffinity(None, &theirs).map_err(|error| error.to_string())
    }
    #[cfg(not(target_os = "linux"))]
    Err("only Linux has it".to_owned())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use landlock::{
        ABI, Access, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
        RulesetStatus,
    };
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, TargetArch,
    };

    use crate::conf::Sandbox;

    /// What the loader and the C library read.
    const SYSTEM: [&str; 12] = [
        "/lib",
        "/lib64",
        "/usr/lib",
        "/usr/lib64",
        "/usr/local/lib",
        "/etc/ld.so.cache",
        "/etc/localtime",
        "/usr/share/zoneinfo",
        "/dev/null",
        "/dev/zero",
        "/dev/random",
        "/dev/urandom",
    ];
    /// What it takes to find and trust a server.
    const NETWORK: [&str; 10] = [
        "/etc/resolv.conf",
        "/etc/hosts",
        "/etc/host.conf",
        "/etc/nsswitch.conf",
        "/etc/gai.conf",
        "/etc/services",
        "/etc/ssl",
        "/etc/pki",
        "/usr/share/ca-certificates",
        "/run/systemd/resolve",
    ];

    /// Lets this process open the library, what the system needs and what is granted, and nothing else.
    pub(super) fn files(library: &Path, sandbox: &Sandbox) -> Result<(), String> {
        // Later versions add what this crate cannot know; of earlier kernels all that they have is taken.
        let abi = ABI::V5;
        let readable = AccessFs::from_read(abi);
        let mut paths: Vec<(PathBuf, _)> = vec![(library.to_owned(), readable)];
        paths.extend(SYSTEM.map(|path| (PathBuf::from(path), readable)));
        if sandbox.network {
            paths.extend(NETWORK.map(|path| (PathBuf::from(path), readable)));
        }
        paths.extend(sandbox.read.iter().map(|path| (path.clone(), readable)));
        let all = AccessFs::from_all(abi);
        paths.extend(sandbox.write.iter().map(|path| (path.clone(), all)));
        let restricted = || {
            let mut ruleset = Ruleset::default().handle_access(all)?.create()?;
            for (path, access) in paths {
                // What is not there cannot be opened.
                let Ok(opened) = PathFd::new(&path) else {
                    continue;
                };
                let access = match path.is_dir() {
                    true => access,
                    false => access & AccessFs::from_file(abi),
                };
                ruleset = ruleset.add_rule(PathBeneath::new(opened, access))?;
            }
            ruleset.restrict_self()
        };
        let status = restricted().map_err(|error: landlock::RulesetError| error.to_string())?;
        match status.ruleset {
            RulesetStatus::NotEnforced => Err("this kernel has no Landlock".to_owned()),
            _ => Ok(()),
        }
    }

    /// Calls that start, watch or stop another process, change what this one is, or reach the kernel by
    /// a way that no rule here sees.
    const FORBIDDEN: [libc::c_long; 27] = [
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_kill,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_pidfd_send_signal,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_io_uring_setup,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_kexec_load,
        libc::SYS_sched_setaffinity,
        libc::SYS_prlimit64,
    ];

    /// Forbids calls to this process.
    pub(super) fn calls(network: bool) -> Result<(), String> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
            FORBIDDEN.iter().map(|call| (*call, Vec::new())).collect();
        // The C library reads its limits by this call; only setting them is forbidden.
        rules.insert(libc::SYS_prlimit64, vec![rule(2, SeccompCmpOp::Ne, 0)?]);
        // A thread is a process that shares all with its own; others are not started.
        let thread = SeccompCmpOp::MaskedEq(libc::CLONE_THREAD as u64);
        rules.insert(libc::SYS_clone, vec![rule(0, thread, 0)?]);
        #[cfg(target_arch = "x86_64")]
        rules.extend([libc::SYS_fork, libc::SYS_vfork].map(|call| (call, Vec::new())));
        if !network {
            rules.insert(libc::SYS_socket, Vec::new());
        }
        apply(rules, libc::EPERM)?;
        // Its flags are in memory, where no rule sees them. The C library then takes `clone`.
        apply(
            BTreeMap::from([(libc::SYS_clone3, Vec::new())]),
            libc::ENOSYS,
        )
    }

    fn rule(argument: u8, is: SeccompCmpOp, value: u64) -> Result<SeccompRule, String> {
        let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Qword, is, value);
        let rule = condition.and_then(|condition| SeccompRule::new(vec![condition]));
        rule.map_err(|error| error.to_string())
    }

    fn apply(rules: BTreeMap<i64, Vec<SeccompRule>>, error: i32) -> Result<(), String> {
        let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|e| e.to_string())?;
        let refuse = SeccompAction::Errno(error as u32);
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch);
        let program = filter
            .and_then(BpfProgram::try_from)
            .map_err(|e| e.to_string())?;
        seccompiler::apply_filter(&program).map_err(|e| e.to_string())
    }
}
