//! The files that a conf names and that the engine itself reads.

use std::fs;
use std::path::Path;

use datashark_conf::Conf;
use datashark_sdk::DynUseCase;
use datashark_sdk::conf::{Problem, Problems, nearest};

use super::{Check, at};
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

    /// The training file and the tables.
    pub(super) fn paths(&mut self) {
        let mut named = vec![(vec!["training".to_owned()], self.conf.training.clone())];
        for (name, path) in &self.conf.tables {
            named.push((vec!["tables".to_owned(), name.clone()], Some(path.clone())));
        }
        for (key, path) in named {
            let Some(path) = path else { continue };
            if let Err(error) = fs::File::open(&path) {
                let problem = missing_file(&path, &error);
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

fn missing_file(path: &Path, error: &std::io::Error) -> Problem {
    let problem = Problem::new(format!("cannot read {}: {error}", path.display()));
    // That of a bare name is here.
    let folder = path
        .parent()
        .map(|folder| match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        });
    let names = folder
        .and_then(|folder| fs::read_dir(folder).ok())
        .map(|entries| {
            let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            names.collect::<Vec<String>>()
        });
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    match nearest(name, names.unwrap_or_default().iter().map(String::as_str)) {
        Some(meant) if error.kind() == std::io::ErrorKind::NotFound => {
            problem.help(format!("did you mean `{meant}`?"))
        }
        _ => problem,
    }
}
