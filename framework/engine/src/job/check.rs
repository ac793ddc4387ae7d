//! Checks a conf whole, before anything starts: every mistake at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::Field;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::SessionContext;
use datashark_conf::{Code, Conf, Diagnostic, Diagnostics, Global, Kind};
use datashark_sdk::conf::{Problem, Problems, Section, Value, nearest};
use datashark_sdk::input::{InputEntry, Source};
use datashark_sdk::output::OutputEntry;
use datashark_sdk::{Aggregate, DynUseCase, Error, Files, Findings};

use super::columns::{columns, missing, reduce_columns, select};
use super::records::{Known, known, no_column};
use super::run::quoted;
use super::sql_use_case::SqlUseCase;
use super::{BATCH_INPUT, Job, Registry, sharing};
use crate::aggregate::{self, Aggregation, Planned, View};
use crate::filter::Filter;
use crate::model::is_pattern;
use crate::run::lane;
use crate::run::micros;
use crate::window::{Windowing, Windows};

/// A streaming use case's window where its conf says none: what web anomaly detection always had.
const DEFAULT_WINDOW_MICROS: i64 = 60_000_000;

/// What a check gives: the job if there is no mistake, and all that is to be said.
pub struct Checked {
    /// The use case, ready to run; `None` where there is a mistake.
    pub job: Option<Job>,
    /// Mistakes and warnings.
    pub diagnostics: Diagnostics,
}

/// Checks a conf and everything it names.
pub async fn check(path: &Path, global: &Global, registry: &Registry) -> Checked {
    let read = datashark_conf::check(path);
    let mut diagnostics = read.diagnostics;
    let (Some(conf), Some(source)) = (read.conf, read.source) else {
        return Checked {
            job: None,
            diagnostics,
        };
    };
    let mut check = Check {
        conf,
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

struct Check<'a> {
    conf: Conf,
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
        let known = match known(&self.conf, &use_case.input(), &source, input.0.beside()) {
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
        let records = lane::Records {
            format: known.format,
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
            input,
            batch_input,
            outputs,
            records,
            parameters,
            _session: session,
            output_files,
            notes,
        })
    }

    fn problem<const N: usize>(&mut self, path: [&str; N], message: impl Into<String>) {
        self.problems.push(Problem::at(path, message));
    }

    fn use_case(&mut self) -> Option<Box<dyn DynUseCase>> {
        match self.conf.code.clone() {
            Code::Named(name) => self.named_use_case(&name),
            Code::Sql(path) => self.sql_use_case(&path),
            Code::Library(path) => {
                let message = format!(
                    "shared libraries are not loaded by this version: `{}`",
                    path.display()
                );
                self.problem(["code"], message);
                None
            }
        }
    }

    fn named_use_case(&mut self, name: &str) -> Option<Box<dyn DynUseCase>> {
        let Some(entry) = self
            .registry
            .use_cases
            .iter()
            .find(|entry| entry.name == name)
        else {
            // Python files have been spoken of already.
            if !self.conf_speaks_of_python(name) {
                let names = self.registry.use_cases.iter().map(|entry| entry.name);
                let problem = unknown("use case", name, names.collect());
                self.problems.push(at(problem, "code"));
            }
            return None;
        };
        self.files = self.read_files(entry.files);
        match entry.build_with(&self.conf.own, &self.files) {
            Ok(use_case) => Some(use_case),
            Err(Error::Conf(problems)) => {
                self.problems.extend(Conf::own_problems(problems));
                None
            }
            Err(error) => {
                self.problem(["code"], error.to_string());
                None
            }
        }
    }

    /// What the use case's own keys name. One that is not there is no mistake: files of lists and of
    /// feedback come and go.
    fn read_files(&mut self, keys: &[&str]) -> Files {
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

    fn conf_speaks_of_python(&self, name: &str) -> bool {
        Path::new(name)
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("py"))
    }

    fn sql_use_case(&mut self, path: &Path) -> Option<Box<dyn DynUseCase>> {
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

    fn find_input(&self, name: &str) -> Option<InputEntry> {
        self.registry
            .inputs
            .iter()
            .find(|entry| entry.name == name)
            .copied()
    }

    fn input(&mut self) -> Option<(InputEntry, Section)> {
        let (entry, section, below) = match (&self.conf.input, &self.conf.file) {
            (Some(plugin), _) => {
                let Some(entry) = self.find_input(&plugin.name) else {
                    let problem = unknown("input", &plugin.name, self.input_names());
                    self.problems.push(at(problem, "input"));
                    return None;
                };
                let section = with_folder(&plugin.section, &self.folder);
                (entry, section, Some(plugin.section_name.clone()))
            }
            (None, Some(file)) => {
                let entry = self.find_input(BATCH_INPUT)?;
                let section = Section::from_iter([("file", quoted(&file.to_string_lossy()))]);
                (entry, section, None)
            }
            (None, None) => {
                self.no_input();
                return None;
            }
        };
        let problems = entry.check(&section, &self.global.engine.stores);
        let is_right = !problems.has_errors();
        match below {
            Some(name) => self.problems.extend(problems.below([name])),
            None => self.problems.extend(problems),
        }
        is_right.then_some((entry, section))
    }

    /// A streaming use case without an input; a batch one has been spoken of already.
    fn no_input(&mut self) {
        if self.conf.kind == Kind::Streaming {
            let help = "write `input = file` and `[in_file]` with `folder_path = …`: \
                        the folder that is watched for logs";
            self.problems
                .push(Problem::new("the use case has no input").help(help));
        }
    }

    fn input_names(&self) -> Vec<&'static str> {
        let names = self.registry.inputs.iter().map(|entry| entry.name);
        names.filter(|name| *name != BATCH_INPUT).collect()
    }

    fn outputs(&mut self) -> (Vec<(OutputEntry, Section)>, Vec<PathBuf>) {
        let (mut outputs, mut files) = (Vec::new(), Vec::new());
        for plugin in self.conf.outputs.clone() {
            let entries = &self.registry.outputs;
            let Some(entry) = entries.iter().find(|entry| entry.name == plugin.name) else {
                let names = entries.iter().map(|entry| entry.name).collect();
                let problem = unknown("output", &plugin.name, names);
                self.problems.push(at(problem, "output"));
                continue;
            };
            let problems = entry.check(&plugin.section);
            self.problems
                .extend(problems.below([plugin.section_name.as_str()]));
            files.extend(entry.files(&plugin.section).unwrap_or_default());
            outputs.push((*entry, plugin.section));
        }
        (outputs, files)
    }

    /// Files that the engine itself reads.
    fn paths(&mut self) {
        let (training, training_files) = match self.conf.training.clone() {
            Some(path) if path.is_dir() || is_pattern(&path) => (None, Some(path)),
            training => (training, None),
        };
        self.training_files(training_files.as_deref());
        let mut named = vec![(vec!["training".to_owned()], training)];
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

    /// A folder or a pattern to train on, as the input behind `file` reads it.
    fn training_files(&mut self, path: Option<&Path>) {
        let (Some(path), Some(entry)) = (path, self.find_input(BATCH_INPUT)) else {
            return;
        };
        let section = Section::from_iter([("file", quoted(&path.to_string_lossy()))]);
        let problems = entry.check(&section, &self.global.engine.stores);
        let problems = problems.into_iter().map(|problem| at(problem, "training"));
        self.problems.extend(problems);
    }

    fn training(&mut self, use_case: &dyn DynUseCase) {
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

    fn windowing(&mut self) -> Option<Windowing> {
        if self.conf.kind == Kind::Batch {
            if self.conf.window.is_some() {
                let message = "`window` has no use in a batch: it is one window over everything";
                self.problems
                    .push(Problem::at(["window"], message).warning());
            }
            return Some(Windowing::Whole);
        }
        let size = self.conf.window.map_or(DEFAULT_WINDOW_MICROS, micros);
        let slide = self.conf.slide.map_or(size, micros);
        let windows = Windows::try_new(size, slide);
        if windows.is_none() {
            self.problem(["window"], "a window of this length cannot be kept");
        }
        windows.map(Windowing::Timed)
    }

    fn source(&mut self, (entry, section): &(InputEntry, Section)) -> Option<Source> {
        match entry.source(section, &self.global.engine.stores) {
            Ok(source) => Some(source),
            Err(error) => {
                let key = if entry.name == BATCH_INPUT {
                    "file"
                } else {
                    "input"
                };
                self.problem([key], error.to_string());
                None
            }
        }
    }

    fn filter(&mut self, known: &Known) -> (Filter, Vec<Field>) {
        let mut filter = Filter::default();
        let log_filter = self.conf.log_filter.clone();
        if log_filter.is_empty() {
            return (filter, Vec::new());
        }
        if !known.has_fields() {
            let help = "say with `[codec]` `format = …` how a line becomes fields";
            let message = "`[log_filter]` needs named fields, and these records are plain lines";
            self.problems
                .push(Problem::at(["log_filter"], message).help(help));
            return (filter, Vec::new());
        }
        let include = log_filter
            .include
            .iter()
            .map(|pattern| ("include", pattern));
        let exclude = log_filter
            .exclude
            .iter()
            .map(|pattern| ("exclude", pattern));
        let mut columns: Vec<Field> = Vec::new();
        for (part, pattern) in include.chain(exclude) {
            let added = match part {
                "include" => filter.include(&pattern.key, &pattern.regex),
                _ => filter.exclude(&pattern.key, &pattern.regex),
            };
            if let Err(error) = added {
                self.problem(["log_filter", part, &pattern.key], error.to_string());
            }
            match known.filter_column(&pattern.key) {
                Ok(column) if columns.contains(&column) => {}
                Ok(column) => columns.push(column),
                Err(known) => {
                    let path = ["log_filter", part, &pattern.key];
                    self.problems.push(no_column(path, &pattern.key, &known));
                }
            }
        }
        (filter, columns)
    }

    fn session(&mut self) -> Option<SessionContext> {
        let mut runtime = RuntimeEnvBuilder::new();
        if let Some(limit) = self.global.engine.memory_limit_bytes {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            runtime = runtime.with_memory_pool(Arc::new(GreedyMemoryPool::new(limit)));
        }
        match runtime.build_arc() {
            Ok(runtime) => Some(aggregate::session(runtime)),
            Err(error) => {
                self.problems.push(Problem::new(error.strip_backtrace()));
                None
            }
        }
    }

    async fn tables(&mut self, session: &SessionContext) {
        for (name, path) in self.conf.tables.clone() {
            if name == "records" {
                self.problem(
                    ["tables", "records"],
                    "`records` is the table of the records",
                );
                continue;
            }
            if let Err(error) = aggregate::register_tables(session, &name, &path).await {
                self.problem(["tables", &name], error.strip_backtrace());
            }
        }
    }

    /// The query that the use case reads the records through; `Some(None)` where it does not.
    async fn view(
        &mut self,
        use_case: &dyn DynUseCase,
        known: &Known,
        session: &SessionContext,
    ) -> Option<Option<View>> {
        let Some(text) = use_case.input().view else {
            return Some(None);
        };
        if !matches!(use_case.aggregate(), Aggregate::Reduce(_)) {
            let message = "the use case has a view, and does not aggregate by code";
            self.problem(["code"], message);
            return None;
        }
        let planned = aggregate::plan(session, &text, known.columns()).await;
        match planned.map(|planned| View::of(planned.aggregation)) {
            Ok(Some(view)) => Some(Some(view)),
            Ok(None) => {
                let message = "the use case's view filters, groups or sorts: it may only compute";
                self.problem(["code"], message);
                None
            }
            Err(error) => {
                self.sql_problem(&text, error);
                None
            }
        }
    }

    async fn aggregation(
        &mut self,
        use_case: &dyn DynUseCase,
        known: &Known,
        view: Option<&View>,
        session: &SessionContext,
    ) -> Option<Planned> {
        let (text, columns) = match use_case.aggregate() {
            Aggregate::Sql(text) => (text, known.columns()),
            Aggregate::None => (select(&use_case.input().columns), known.columns()),
            Aggregate::Reduce(reduce) => {
                let columns = reduce_columns(known, &use_case.input().columns);
                let missing = missing(known, view, &columns);
                if missing.has_errors() {
                    self.problems.extend(missing);
                    return None;
                }
                let aggregation = Aggregation::Reduce { reduce, columns };
                return Some(Planned {
                    aggregation,
                    warnings: Vec::new(),
                });
            }
        };
        match aggregate::plan(session, &text, columns).await {
            Ok(planned) => self.rows_are_findings(planned),
            Err(error) => {
                self.sql_problem(&text, error);
                None
            }
        }
    }

    /// The rows of an `.sql` use case are its findings as they are.
    fn rows_are_findings(&mut self, planned: Planned) -> Option<Planned> {
        let Code::Sql(path) = &self.conf.code else {
            return Some(planned);
        };
        let rows = planned.aggregation.rows_schema().ok()?;
        if let Err(error) = Findings::schema_of(&rows) {
            let help = "the first column is the key, the second the score, the rest is metadata";
            let diagnostic = Diagnostic::of_file(path.display(), error.to_string()).with_help(help);
            self.diagnostics.push(diagnostic);
            return None;
        }
        Some(planned)
    }

    fn sql_problem(&mut self, text: &str, error: aggregate::SqlError) {
        let Code::Sql(path) = &self.conf.code else {
            self.problem(["code"], format!("the use case's query: {}", error.message));
            return;
        };
        let place = |n: u64| usize::try_from(n).unwrap_or(1);
        let diagnostic = match error.position {
            Some((line, column)) => {
                let position = (place(line), place(column));
                Diagnostic::at_place(path.display(), text, position, error.message)
            }
            None => Diagnostic::of_file(path.display(), error.message),
        };
        self.diagnostics.push(match error.help {
            Some(help) => diagnostic.with_help(help),
            None => diagnostic,
        });
    }

    /// All that decides which rows a model is trained on, and how.
    fn parameters(&self, use_case: &dyn DynUseCase) -> String {
        let aggregate = match use_case.aggregate() {
            Aggregate::Sql(text) => text,
            Aggregate::None | Aggregate::Reduce(_) => String::new(),
        };
        let conf = &self.conf;
        let mut text = format!(
            "{:?} {:?} {:?} {:?} {aggregate} {:?}",
            conf.own, conf.codec, conf.columns, conf.log_filter, conf.tables
        );
        for (key, content) in self.files.iter() {
            text.push_str(&format!(" {key}={}", crate::model::digest_of(content)));
        }
        crate::model::digest_of(text)
    }
}

fn unknown(kind: &str, name: &str, known: Vec<&str>) -> Problem {
    let message = format!("unknown {kind} `{name}`");
    match nearest(name, known.iter().copied()) {
        Some(meant) => Problem::new(format!("{message}, did you mean `{meant}`?")),
        None => Problem::new(message).help(format!("there is {}", known.join(", "))),
    }
}

fn at(problem: Problem, key: &str) -> Problem {
    Problem {
        path: vec![key.to_owned()],
        ..problem
    }
}

fn missing_file(path: &Path, error: &std::io::Error) -> Problem {
    let problem = Problem::new(format!("cannot read {}: {error}", path.display()));
    let names = path
        .parent()
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

/// A section with its folder resolved: paths in a conf start from the conf's folder.
fn with_folder(section: &Section, folder: &Path) -> Section {
    let mut section = section.clone();
    if let Some(path) = section.text("folder_path") {
        let path = folder.join(path);
        section.insert("folder_path", Value::Text(quoted(&path.to_string_lossy())));
    }
    section
}
