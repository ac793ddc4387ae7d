//! A use case's SQL text to a planned query; errors point at the line of the `.sql` file.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{Column, DataFusionError, Diagnostic, SchemaError};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;
use tokio::runtime::Handle;

use super::session::RecordsTable;
use super::{Aggregation, Query, split};

/// Which columns the table `records` has.
#[derive(Debug, Clone)]
pub(crate) enum RecordsColumns {
    /// Just these.
    Fixed(Vec<Field>),
    /// These, and any other name as text.
    Open(Vec<Field>),
}

/// A query, planned.
pub(crate) struct Planned {
    /// How a window's records become rows.
    pub(crate) aggregation: Aggregation,
    /// What `check` should warn of.
    pub(crate) warnings: Vec<String>,
}

/// A mistake in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SqlError {
    /// What is wrong.
    pub(crate) message: String,
    /// What to write instead.
    pub(crate) help: Option<String>,
    /// The 1-based line and column in the text, where known.
    pub(crate) position: Option<(u64, u64)>,
}

/// Columns that a query may name beyond those that are known before; a limit against a query that
/// never settles.
const MAX_OPEN_COLUMNS: usize = 1000;

/// Plans a query over the table `records`.
pub(crate) async fn plan(
    context: &SessionContext,
    text: &str,
    columns: RecordsColumns,
) -> Result<Planned, SqlError> {
    let (mut fields, open) = match columns {
        RecordsColumns::Fixed(fields) => (fields, false),
        RecordsColumns::Open(fields) => (fields, true),
    };
    loop {
        match plan_over(context, text, &fields).await {
            Ok(plan) => return planned(context, plan).await,
            Err(error) => match missing_column(&error) {
                Some(column) if open && is_new(&fields, &column) => {
                    fields.push(Field::new(column.name(), DataType::Utf8View, true));
                }
                _ => return Err(explained(&error, open)),
            },
        }
    }
}

fn is_new(fields: &[Field], column: &Column) -> bool {
    // Whatever table it is said to be of: `records` may go by another name in the query. Where it
    // does not, the same column is missing once more, and is not new then.
    fields.len() < MAX_OPEN_COLUMNS && !fields.iter().any(|field| field.name() == column.name())
}

async fn plan_over(
    context: &SessionContext,
    text: &str,
    fields: &[Field],
) -> Result<LogicalPlan, DataFusionError> {
    let _ = context.deregister_table("records")?;
    let schema = Arc::new(Schema::new(fields.to_vec()));
    context.register_table("records", Arc::new(RecordsTable { schema }))?;
    let statement = context
        .state()
        .sql_to_statement(text, &context_dialect(context))?;
    let is_query = match &statement {
        Statement::Statement(statement) => matches!(statement.as_ref(), ast::Statement::Query(_)),
        _ => false,
    };
    if !is_query {
        return Err(DataFusionError::Plan(
            "expected a SELECT over the table `records`, found another kind of statement".into(),
        ));
    }
    context.state().statement_to_plan(statement).await
}

fn context_dialect(context: &SessionContext) -> datafusion::config::Dialect {
    context.state().config().options().sql_parser.dialect
}

async fn planned(context: &SessionContext, plan: LogicalPlan) -> Result<Planned, SqlError> {
    let ordered = is_ordered(&plan);
    let explain = |error: DataFusionError| explained(&error, true);
    let physical = context
        .state()
        .create_physical_plan(&plan)
        .await
        .map_err(explain)?;
    if split::n_leaves(&physical) == 0 {
        return Err(SqlError {
            message: "the query does not read the table `records`".to_owned(),
            help: Some("write `… FROM records …`: the records of a window".to_owned()),
            position: None,
        });
    }
    let task = context.task_ctx();
    let query = Query::try_new(physical, ordered, task, Handle::current()).map_err(explain)?;
    let warnings = query.warnings();
    Ok(Planned {
        aggregation: Aggregation::Query(Arc::new(query)),
        warnings,
    })
}

/// Whether the query says in which order its rows come.
fn is_ordered(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Sort(_) => true,
        LogicalPlan::Limit(limit) => is_ordered(&limit.input),
        LogicalPlan::Projection(projection) => is_ordered(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => is_ordered(&alias.input),
        _ => false,
    }
}

/// The column that a query names and the table lacks.
fn missing_column(error: &DataFusionError) -> Option<Column> {
    match error {
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound { field, .. } => Some(field.as_ref().clone()),
            _ => None,
        },
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            missing_column(inner)
        }
        DataFusionError::Collection(errors) => errors.iter().find_map(missing_column),
        _ => None,
    }
}

fn explained(error: &DataFusionError, open: bool) -> SqlError {
    if let Some(column) = missing_column(error) {
        return unknown_column(error, &column, open);
    }
    let text = error.strip_backtrace();
    let message = text.lines().next().unwrap_or_default();
    let message = ["Error during planning: ", "SQL error: ", "Schema error: "]
        .iter()
        .fold(message, |message, prefix| {
            message.strip_prefix(prefix).unwrap_or(message)
        });
    let (message, parsed) = parser_position(message);
    let position = diagnostic(error).and_then(position).or(parsed);
    SqlError {
        message,
        help: help_for(error),
        position,
    }
}

fn unknown_column(error: &DataFusionError, column: &Column, open: bool) -> SqlError {
    let known = known_columns(error);
    let nested = column.relation.as_ref().filter(|table| {
        table.table() != "records"
            && !known
                .iter()
                .any(|known| known.relation.as_ref() == Some(*table))
    });
    if let Some(table) = nested.filter(|_| open) {
        let name = format!("{table}.{}", column.name);
        return SqlError {
            message: format!("no table `{table}`"),
            help: Some(format!(
                "a nested field is written in double quotes: \"{name}\""
            )),
            position: diagnostic(error).and_then(position),
        };
    }
    // Those of its table, where it is said of which.
    let of_table = |known: &&Column| column.relation.is_none() || column.relation == known.relation;
    let known: Vec<&str> = known.iter().filter(of_table).map(Column::name).collect();
    let help = match datashark_sdk::conf::nearest(&column.name, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => {
            let table = column
                .relation
                .as_ref()
                .map_or("records", |table| table.table());
            format!("`{table}` has {}", known.join(", "))
        }
    };
    SqlError {
        message: format!("no column `{}`", column.name),
        help: Some(help),
        position: diagnostic(error).and_then(position),
    }
}

fn known_columns(error: &DataFusionError) -> Vec<Column> {
    match error {
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound { valid_fields, .. } => valid_fields.clone(),
            _ => Vec::new(),
        },
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            known_columns(inner)
        }
        DataFusionError::Collection(errors) => {
            errors.first().map(known_columns).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// A numeric function over a text column is the commonest mistake over JSON and CSV.
fn help_for(error: &DataFusionError) -> Option<String> {
    let text = error.strip_backtrace();
    let over_text = text.contains("Utf8View") || text.contains("String");
    (over_text
        && (text.contains("coercion") || text.contains("coerce") || text.contains("signature")))
    .then(|| {
        "a column is text unless the conf gives it a type: `[columns]` `bytes = integer`".to_owned()
    })
}

fn diagnostic(error: &DataFusionError) -> Option<&Diagnostic> {
    match error {
        DataFusionError::Diagnostic(diagnostic, _) => Some(diagnostic),
        DataFusionError::Context(_, inner) => diagnostic(inner),
        DataFusionError::Collection(errors) => errors.iter().find_map(diagnostic),
        _ => None,
    }
}

fn position(diagnostic: &Diagnostic) -> Option<(u64, u64)> {
    diagnostic
        .span
        .map(|span| (span.start.line, span.start.column))
}

/// The SQL parser puts the place into its message: `… at Line: 3, Column: 5`.
fn parser_position(message: &str) -> (String, Option<(u64, u64)>) {
    let message = message.strip_prefix("ParserError(\"").unwrap_or(message);
    let message = message.strip_suffix("\")").unwrap_or(message);
    let Some((text, place)) = message.rsplit_once(" at Line: ") else {
        return (message.to_owned(), None);
    };
    let Some((line, column)) = place.split_once(", Column: ") else {
        return (message.to_owned(), None);
    };
    let digits: String = column.chars().take_while(char::is_ascii_digit).collect();
    match (line.parse(), digits.parse()) {
        (Ok(line), Ok(column)) => (text.to_owned(), Some((line, column))),
        _ => (message.to_owned(), None),
    }
}
