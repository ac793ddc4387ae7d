//! Which use cases read one stream together, and which cannot.

use std::path::PathBuf;

use datashark_conf::Diagnostic;
use datashark_engine::{Job, MOST_USE_CASES};
use datashark_sdk::conf::Section;

/// The names of the others that read the stream of this use case; `None` where it has none or nobody does.
pub(super) fn others(job: &Job, jobs: &[(PathBuf, Job)]) -> Option<String> {
    let stream = job.stream()?;
    let is_other = |other: &&Job| other.name() != job.name() && other.stream() == Some(stream);
    let others = jobs.iter().map(|(_, other)| other).filter(is_other);
    let names: Vec<&str> = others.map(Job::name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Use cases of one group that do not read together: each would be given a part of the records alone; and
/// those that are too many for one.
pub(super) fn parted(jobs: &[(PathBuf, Job)]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (n, (path, job)) in jobs.iter().enumerate() {
        let Some(stream) = job.stream() else { continue };
        let before = || jobs[..n].iter();
        let differs = |other: &&(PathBuf, Job)| {
            let same_group = |other: (&str, &Section)| is_same_group(stream, other);
            other
                .1
                .stream()
                .is_some_and(|it| it != stream && same_group(it))
        };
        if let Some((first, _)) = before().find(differs) {
            let group = stream.1.text("group").unwrap_or_default();
            let message = format!(
                "the group `{group}` is that of {} too, whose `[in_kafka]` differs: each would be given a part of the records; give them groups of their own, or the same section",
                first.display()
            );
            found.push(Diagnostic::of_file(path.display(), message));
        }
        let n_before = before()
            .filter(|(_, it)| it.stream() == Some(stream))
            .count();
        if n_before == MOST_USE_CASES {
            let message = format!(
                "more than {MOST_USE_CASES} use cases share a stream; give this one an `input` of its own"
            );
            found.push(Diagnostic::of_file(path.display(), message));
        }
    }
    found
}

fn is_same_group((input, section): (&str, &Section), (other, of_other): (&str, &Section)) -> bool {
    let keys = ["group", "bootstrap_servers", "host", "port"];
    input == other
        && keys
            .iter()
            .all(|key| section.text(key) == of_other.text(key))
}
