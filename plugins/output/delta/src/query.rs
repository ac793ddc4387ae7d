//! Queries over a store: its tables and the view `event`, and what is said of a query that is wrong.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::{DataFusionError, SchemaError, TableReference};
use datafusion::dataframe::DataFrame;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::resolve::resolve_table_references;
use datashark_sdk::conf::nearest;

use crate::error::{Result, StoreError};
use crate::event;
use crate::kind::Kind;
use crate::store::{INVALID, Store};

/// What a query may use.
#[derive(Debug, Clone, Copy, Default)]
pub struct QueryLimits {
    /// How much memory; beyond it is spilled to disk. `None` is no limit.
    pub memory_bytes: Option<usize>,
}

/// A session in which a store is queried.
pub struct Queries {
    session: SessionContext,
    tables: Vec<String>,
}

/// The rows that a query gives, as they come.
pub struct Answer {
    /// Their columns.
    pub columns: SchemaRef,
    /// The rows.
    pub rows: SendableRecordBatchStream,
}

impl Queries {
    /// Opens the tables of a store.
    ///
    /// # Errors
    /// There is no table of a store in the folder, or one cannot be read.
    pub async fn open(store: &Store, limits: QueryLimits) -> Result<Self> {
        let session = session(limits)?;
        let mut tables: Vec<String> = Kind::ALL
            .iter()
            .map(|kind| kind.name().to_owned())
            .collect();
        tables.push(INVALID.to_owned());
        let others = store
            .tables()
            .into_iter()
            .filter(|name| !tables.contains(name));
        tables.extend(others.collect::<Vec<_>>());
        let mut is_store = false;
        for name in &tables {
            let (table, is_there) = store.provider(name).await?;
            is_store |= is_there;
            session.register_table(TableReference::bare(name.as_str()), table)?;
        }
        if !is_store {
            let folder = store.folder().display();
            return Err(StoreError::Data(format!(
                "there is no store in `{folder}`: `datashark ingest` makes one, `--store` names another"
            )));
        }
        let event = session.sql(&event::view()).await?;
        session.register_table(event::NAME, event.into_view())?;
        tables.push(event::NAME.to_owned());
        Ok(Queries { session, tables })
    }

    /// Runs a query.
    ///
    /// # Errors
    /// It is wrong; the message says what was probably meant.
    pub async fn run(&self, sql: &str) -> Result<Answer> {
        let frame = self.plan(sql).await?;
        let columns = Arc::clone(frame.schema().inner());
        let rows = frame.execute_stream().await;
        let rows = rows.map_err(|error| self.explained(error))?;
        Ok(Answer { columns, rows })
    }

    async fn plan(&self, sql: &str) -> Result<DataFrame> {
        let state = self.session.state();
        let dialect = state.config().options().sql_parser.dialect;
        let statement = state
            .sql_to_statement(sql, &dialect)
            .map_err(|error| self.explained(error))?;
        // Before planning, since its error has the table's name only in its text.
        if let Ok((named, _)) = resolve_table_references(&statement, true) {
            let missing = |name: &&TableReference| {
                name.schema().is_none() && !self.tables.iter().any(|it| it == name.table())
            };
            if let Some(missing) = named.iter().find(missing) {
                return Err(self.no_table(missing.table()));
            }
        }
        let options = datafusion::execution::context::SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false);
        let plan = state.statement_to_plan(statement).await;
        let plan = plan.map_err(|error| self.explained(error))?;
        options.verify_plan(&plan).map_err(|_| {
            StoreError::Query("a query only reads: `datashark ingest` writes tables".to_owned())
        })?;
        let frame = self.session.execute_logical_plan(plan).await;
        frame.map_err(|error| self.explained(error))
    }

    fn no_table(&self, name: &str) -> StoreError {
        let tables = self.tables.iter().map(String::as_str);
        let tables: Vec<&str> = tables.collect();
        let help = match nearest(name, tables.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", tables.join(", ")),
        };
        StoreError::Query(format!("there is no table `{name}`; {help}"))
    }

    /// An error as the author of a query reads it.
    fn explained(&self, error: DataFusionError) -> StoreError {
        match error.find_root() {
            DataFusionError::SchemaError(schema, _) => {
                if let SchemaError::FieldNotFound {
                    field,
                    valid_fields,
                } = schema.as_ref()
                {
                    let names = valid_fields.iter().map(|field| field.name.as_str());
                    return StoreError::Query(no_column(&field.name, names.collect()));
                }
            }
            DataFusionError::SQL(error, _) => {
                return StoreError::Query(format!("the query cannot be read: {error}"));
            }
            DataFusionError::Plan(message) => return StoreError::Query(message.clone()),
            _ => {}
        }
        StoreError::Run(Box::new(error))
    }
}

fn no_column(name: &str, mut known: Vec<&str>) -> String {
    known.dedup();
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there are none here".to_owned(),
        None => format!("there are {}", known.join(", ")),
    };
    format!("there is no column `{name}`; {help}")
}

fn session(limits: QueryLimits) -> Result<SessionContext> {
    let mut runtime = RuntimeEnvBuilder::new();
    if let Some(bytes) = limits.memory_bytes {
        runtime = runtime.with_memory_pool(Arc::new(FairSpillPool::new(bytes)));
    }
    let state = SessionStateBuilder::new()
        .with_config(SessionConfig::new().with_information_schema(true))
        .with_runtime_env(runtime.build_arc()?)
        .with_default_features()
        .build();
    let session = SessionContext::new_with_state(state);
    for function in datashark_functions::all() {
        session.register_udf(function);
    }
    Ok(session)
}
