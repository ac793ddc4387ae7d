//! What is made of the records: the use case's query, planned.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::SessionContext;
use datashark_conf::{Code, Diagnostic};
use datashark_sdk::conf::Problem;
use datashark_sdk::{Aggregate, DynUseCase, Findings};

use super::Check;
use crate::aggregate::{self, Aggregation, Planned};
use crate::job::records::Known;
use crate::run::lane::TimeSource;

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

    pub(super) async fn aggregation(
        &mut self,
        use_case: &dyn DynUseCase,
        known: &Known,
        session: &SessionContext,
    ) -> Option<Planned> {
        let (text, columns) = match use_case.aggregate() {
            Aggregate::Sql(text) => (text, known.columns()),
            Aggregate::None => (select(&use_case.input().columns), known.columns()),
            Aggregate::Reduce(reduce) => {
                let columns = reduce_columns(known, &use_case.input().columns);
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
        crate::model::digest_of(&format!(
            "{:?} {:?} {:?} {:?} {aggregate} {:?}",
            conf.own, conf.codec, conf.columns, conf.log_filter, conf.tables
        ))
    }
}

/// The columns to decode: what the aggregation and the event time need, as the format gives them.
pub(super) fn columns(known: &Known, aggregation: &Aggregation, time: &TimeSource) -> Vec<Field> {
    let mut names: Vec<&str> = aggregation
        .columns()
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    if let TimeSource::Column { name, .. } = time
        && !names.contains(&name.as_str())
    {
        names.push(name);
    }
    names
        .into_iter()
        .filter_map(|name| known.column(name).ok())
        .collect()
}

/// The query of a use case that reads records as they are.
fn select(columns: &[Field]) -> String {
    let quoted = |field: &Field| format!("\"{}\"", field.name().replace('"', "\"\""));
    match columns {
        [] => "SELECT * FROM records".to_owned(),
        columns => {
            let columns: Vec<String> = columns.iter().map(quoted).collect();
            format!("SELECT {} FROM records", columns.join(", "))
        }
    }
}

fn reduce_columns(known: &Known, wanted: &[Field]) -> Arc<Schema> {
    let fields = match (wanted, &known.fixed) {
        ([], Some(fixed)) => fixed.clone(),
        (wanted, _) => wanted.to_vec(),
    };
    Arc::new(Schema::new(fields))
}
