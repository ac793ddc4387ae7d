//! What is made of the records: the use case's query, planned.

use std::sync::Arc;

use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::SessionContext;
use datashark_conf::{Code, Diagnostic};
use datashark_sdk::conf::Problem;
use datashark_sdk::{Aggregate, DynUseCase, Findings};

use super::Check;
use crate::aggregate::{self, Aggregation, Planned, View};
use crate::job::columns::{missing, reduce_columns, select};
use crate::job::records::Known;
use crate::model::digest_of;

impl Check<'_> {
    pub(super) fn session(&mut self) -> Option<SessionContext> {
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

    pub(super) async fn tables(&mut self, session: &SessionContext) {
        for (name, path) in self.conf.tables.clone() {
            if name == "records" {
                self.problem(
                    ["tables", "records"],
                    "`records` is the table of the records",
                );
                continue;
            }
            let stores = &self.global.engine.stores;
            if let Err(problem) = aggregate::register_tables(session, &name, &path, stores).await {
                self.problems.push(Problem {
                    path: vec!["tables".to_owned(), name],
                    ..problem
                });
            }
        }
    }

    /// The query that the use case reads the records through; `Some(None)` where it does not.
    pub(super) async fn view(
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

    pub(super) async fn aggregation(
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
    pub(super) fn parameters(&self, use_case: &dyn DynUseCase) -> String {
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
            text.push_str(&format!(" {key}={}", digest_of(content)));
        }
        digest_of(text)
    }
}
