//! The files that a conf names and that the engine itself reads.

use std::fs;
use std::path::Path;

use datashark_conf::Conf;
use datashark_sdk::DynUseCase;
use datashark_sdk::conf::{Problem, Problems};

use super::{Check, at};
use crate::job::files::{missing_file, unreadable};
use crate::job::sql_use_case::SqlUseCase;

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

    /// The training file and the tables. A table in a store is spoken of when it is read.
    pub(super) fn paths(&mut self) {
        let training = self.conf.training.iter();
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
