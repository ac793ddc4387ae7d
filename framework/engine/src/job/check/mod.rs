//! Checks a conf whole, before anything starts: every mistake at once.

mod files;
mod plugins;
mod query;
mod reading;

use std::path::{Path, PathBuf};

use datashark_conf::{Code, Conf, Diagnostics, Global};
use datashark_sdk::conf::{Problem, Problems};
use datashark_sdk::{Files, Ranking};

use super::columns::columns;
use super::records::known;
use super::run::quoted;
use super::{BATCH_INPUT, Job, Registry, sharing};
use crate::run::pipeline::Records;

/// What a check gives: the job if there is no mistake, and all that is to be said.
pub struct Checked {
    /// The use case, ready to run; `None` where there is a mistake.
    pub job: Option<Job>,
    /// Mistakes and warnings.
    pub diagnostics: Diagnostics,
}

/// What is to be otherwise than a conf says.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Keys of the use case's own and their values.
    pub set: Vec<(String, String)>,
    /// Whether the use case is to leave out no finding for its score: see
    /// [`Ranking::everything`](datashark_sdk::Ranking::everything).
    pub everything: bool,
}

/// Checks a conf and everything it names.
pub async fn check(path: &Path, global: &Global, registry: &Registry) -> Checked {
    check_changed(path, &Changes::default(), global, registry).await
}

/// Checks a conf with changes and everything it names.
pub async fn check_changed(
    path: &Path,
    changes: &Changes,
    global: &Global,
    registry: &Registry,
) -> Checked {
    let read = datashark_conf::check(path);
    let mut diagnostics = read.diagnostics;
    let (Some(mut conf), Some(source)) = (read.conf, read.source) else {
        return Checked {
            job: None,
            diagnostics,
        };
    };
    let ranking = ranking(&conf, registry);
    let everything = ranking.everything.iter().filter(|_| changes.everything);
    let set = changes
        .set
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    for (key, value) in set.chain(everything.copied()) {
        conf.own.insert(key, quoted(value));
    }
    let mut check = Check {
        conf,
        ranking,
        global,
        registry,
        folder: source.folder().to_path_buf(),
        problems: Problems::new(),
        diagnostics: Diagnostics::new(),
        files: Files::default(),
    };
    let job = check.job().await;
    diagnostics.extend(source.diagnose(check.problems));
    diagnostics.extend(check.diagnostics);
    let job = job.filter(|_| !diagnostics.has_errors());
    Checked { job, diagnostics }
}

/// How the findings of a conf's use case rank.
fn ranking(conf: &Conf, registry: &Registry) -> Ranking {
    let Code::Named(name) = &conf.code else {
        return Ranking::HIGHEST_FIRST;
    };
    let entry = registry.use_cases.iter().find(|entry| entry.name == name);
    entry.map_or(Ranking::HIGHEST_FIRST, |entry| entry.ranking)
}

struct Check<'a> {
    conf: Conf,
    ranking: Ranking,
    global: &'a Global,
    registry: &'a Registry,
    folder: PathBuf,
    problems: Problems,
    /// What does not point into the conf.
    diagnostics: Diagnostics,
    /// What the use case's own keys name.
    files: Files,
}

impl Check<'_> {
    async fn job(&mut self) -> Option<Job> {
        let use_case = self.use_case();
        let input = self.input();
        let (outputs, output_files) = self.outputs();
        self.paths();
        let windowing = self.windowing();
        // Without these two nothing can be said of the records.
        let (use_case, input) = (use_case?, input?);
        self.training(use_case.as_ref());
        let source = self.source(&input)?;
        let known = match known(
            &self.conf,
            &self.folder,
            &use_case.input(),
            &source,
            input.0.beside(),
        ) {
            Ok(known) => known,
            Err(problems) => {
                self.problems.extend(problems);
                return None;
            }
        };
        known.check_typed(&mut self.problems);
        let (filter, filter_columns) = self.filter(&known);
        let time = known.time(&self.conf, &mut self.problems);
        let session = self.session()?;
        self.tables(&session).await;
        let view = self.view(use_case.as_ref(), &known, &session).await?;
        let planned = self
            .aggregation(use_case.as_ref(), &known, view.as_ref(), &session)
            .await?;
        let columns = columns(&known, view.as_ref(), &planned.aggregation, &time);
        let parameters = self.parameters(use_case.as_ref());
        let records = Records {
            format: known.format.clone(),
            filter,
            filter_columns,
            columns,
            time,
            view,
            windowing: windowing?,
            aggregation: planned.aggregation,
        };
        let batch_input = self.find_input(BATCH_INPUT);
        let mut notes = planned.warnings;
        notes.extend(sharing::notes(&input.0, &records.time));
        Some(Job {
            conf: self.conf.clone(),
            global: self.global.clone(),
            use_case: use_case.into(),
            stream: self.stream(&input),
            input,
            joined: None,
            batch_input,
            outputs,
            records,
            known,
            ranking: self.ranking,
            parameters,
            session,
            output_files,
            notes,
        })
    }

    fn problem<const N: usize>(&mut self, path: [&str; N], message: impl Into<String>) {
        self.problems.push(Problem::at(path, message));
    }
}

fn at(problem: Problem, key: &str) -> Problem {
    Problem {
        path: vec![key.to_owned()],
        ..problem
    }
}
