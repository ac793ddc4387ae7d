//! The files that a conf names and that the engine itself reads.

use std::fs;
use std::path::Path;

use datashark_conf::Conf;
use datashark_sdk::conf::{Problem, Problems, Section};
use datashark_sdk::{DynUseCase, Files};

use super::{Check, at};
use crate::job::BATCH_INPUT;
use crate::job::files::{missing_file, unreadable};
use crate::job::run::quoted;
use crate::job::sql_use_case::SqlUseCase;
use crate::model::is_pattern;

impl Check<'_> {
    pub(super) fn sql_use_case(&mut self, path: &Path) -> Option<Box<dyn DynUseCase>> {
        let unknown_keys = self.conf.own.iter().map(|(key, _)| {
            let help = "a use case that is an .sql file has no keys of its own";
            Problem::at([key], format!("unknown key `{key}`")).help(help)
        });
        let unknown_keys: Problems = unknown_keys.collect();
        self.problems.extend(Conf::own_problems(unknown_keys));
        match fs::read_to_string(path) {
            Ok(text) => Some(SqlUseCase::boxed(text)),
            Err(error) => {
                let problem = missing_file(path, &error);
                self.problems.push(at(problem, "code"));
                None
            }
        }
    }

    /// What the use case's own keys name. One that is not there is no mistake: files of lists and of
    /// feedback come and go.
    pub(super) fn read_files(&mut self, keys: &[&str]) -> Files {
        let mut read = Vec::new();
        for key in keys {
            let Some(path) = self.conf.own.text(key).filter(|path| !path.is_empty()) else {
                continue;
            };
            let path = self.folder.join(path);
            match fs::read(&path) {
                Ok(content) => read.push((*key, content)),
                Err(error) => {
                    let problem = missing_file(&path, &error).warning();
                    let problem = at(problem, key);
                    self.problems.extend(Conf::own_problems(problem.into()));
                }
            }
        }
        read.into_iter().collect()
    }

    /// The training file and the tables. A table in a store is spoken of when it is read.
    pub(super) fn paths(&mut self) {
        let training = self.conf.training.clone();
        if let Some(path) = training.as_deref().filter(|path| may_be_several(path)) {
            self.training_files(path);
        }
        let training = training.iter().filter(|path| !may_be_several(path));
        let mut named: Vec<_> = training
            .map(|path| (vec!["training".to_owned()], path))
            .collect();
        for (name, path) in &self.conf.tables {
            if !datashark_store::is_url(&path.to_string_lossy()) {
                named.push((vec!["tables".to_owned(), name.clone()], path));
            }
        }
        for (key, path) in named {
            if let Some(problem) = unreadable(path, &self.global.engine.stores) {
                self.problems.push(Problem {
                    path: key,
                    ..problem
                });
            }
        }
    }

    /// A folder or a pattern to train on, as the input behind `file` reads it.
    fn training_files(&mut self, path: &Path) {
        let Some(entry) = self.find_input(BATCH_INPUT) else {
            return;
        };
        let section = Section::from_iter([("file", quoted(&path.to_string_lossy()))]);
        let problems = entry.check(&section, &self.global.engine.stores);
        let problems = problems.into_iter().map(|problem| at(problem, "training"));
        self.problems.extend(problems);
    }

    pub(super) fn training(&mut self, use_case: &dyn DynUseCase) {
        match (use_case.trains(), &self.conf.training) {
            (true, None) => {
                let help = "the use case learns: name the file that it learns from";
                self.problems
                    .push(Problem::at(["training"], "missing key `training`").help(help));
            }
            (false, Some(_)) => {
                let message = "`training` has no use: the use case does not learn";
                self.problems
                    .push(Problem::at(["training"], message).warning());
            }
            _ => {}
        }
    }
}

/// Whether what is trained on may be several files.
fn may_be_several(path: &Path) -> bool {
    path.is_dir() || is_pattern(path)
}
