//! A planned query, run in its parts; see [`split`](super::split).

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::Buffer;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::Result as DataFusionResult;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::streaming::StreamingTableExec;
use datafusion::physical_plan::{ExecutionPlan, collect, replace_children_if_necessary};
use tokio::runtime::Handle;

use super::split::{self, Fold, Split};
use super::{Bound, session, sort};
use crate::error::Result;

/// Records that are aggregated at a time: the more, the fewer partial rows there are to fold.
const RECORDS_AT_A_TIME: usize = 256 * 1024;
/// Bytes that pending records may hold on to: a few records that a filter let pass keep the whole
/// blocks that they are views into.
const PENDING_BYTES: usize = 32 << 20;

/// A query in its parts.
pub(crate) struct Query {
    columns: SchemaRef,
    rows_schema: SchemaRef,
    split: Split,
    ordered: bool,
    context: Arc<TaskContext>,
    runtime: Handle,
}

/// What one thread knows of a pane: records not yet aggregated, and partial rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct QueryState {
    pending: Vec<RecordBatch>,
    n_pending: usize,
    pending_bytes: usize,
    partial: Vec<RecordBatch>,
    n_partial: usize,
    /// Partial rows after the last fold: the next fold is due when there are twice as many.
    n_folded: usize,
    partial_bytes: usize,
}

impl QueryState {
    /// About how much memory it takes.
    pub(crate) fn size_bytes(&self) -> usize {
        self.partial_bytes + self.pending_bytes
    }
}

impl Query {
    /// Cuts a physical plan. `ordered` says that the query itself orders its rows.
    pub(crate) fn try_new(
        plan: Arc<dyn ExecutionPlan>,
        ordered: bool,
        context: Arc<TaskContext>,
        runtime: Handle,
    ) -> DataFusionResult<Self> {
        let columns = split::leaf_columns(&plan);
        let rows_schema = plan.schema();
        Ok(Query {
            columns,
            rows_schema,
            split: split::split(plan)?,
            ordered,
            context,
            runtime,
        })
    }

    /// The columns of `records` that it reads.
    pub(crate) fn columns(&self) -> &SchemaRef {
        &self.columns
    }

    /// The columns of its rows.
    pub(crate) fn rows_schema(&self) -> SchemaRef {
        Arc::clone(&self.rows_schema)
    }

    /// Whether it gives a row for each record, in their order.
    pub(crate) fn computes_columns(&self) -> bool {
        let Split { below, fold, upper } = &self.split;
        fold.is_none() && upper.is_none() && split::is_row_for_row(below)
    }

    /// The rows of some records, of a query that looks at each by itself; blocks the thread.
    pub(crate) fn row_by_row(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let rows = self.run(&self.split.below, &[batch])?;
        Ok(concat_batches(&self.rows_schema, &rows)?)
    }

    /// What bounds its memory.
    pub(crate) fn bound(&self) -> Bound {
        match (&self.split.fold, &self.split.upper) {
            (Some(_), _) => Bound::Keys,
            (None, None) => Bound::Findings,
            (None, Some(_)) => Bound::Records,
        }
    }

    /// What `check` should warn of: aggregate functions whose state for every key is wide, and
    /// those whose result depends on the order of the records, which nothing fixes.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let aggregate = self.split.fold.as_ref().and_then(Fold::aggregate);
        let functions = aggregate.map(AggregateExec::aggr_expr).unwrap_or_default();
        let mut warnings = Vec::new();
        for function in functions {
            let name = function.name();
            if ORDER_DEPENDENT.contains(&function.fun().name()) {
                warnings.push(format!(
                    "`{name}` depends on the order of the records, which is not fixed"
                ));
            }
            if is_wide(function) {
                warnings.push(format!(
                    "`{name}` keeps a state for every key that may be large"
                ));
            }
        }
        warnings
    }

    /// Adds records.
    pub(crate) fn add(&self, state: &mut QueryState, batch: RecordBatch) -> Result<()> {
        state.n_pending += batch.num_rows();
        state.pending_bytes += held_bytes(&batch);
        state.pending.push(batch);
        if state.n_pending >= RECORDS_AT_A_TIME || state.pending_bytes >= PENDING_BYTES {
            self.aggregate_pending(state)?;
        }
        Ok(())
    }

    /// Aggregates what is pending and folds.
    pub(crate) fn settle(&self, state: &mut QueryState) -> Result<()> {
        self.aggregate_pending(state)?;
        self.fold(state)
    }

    fn aggregate_pending(&self, state: &mut QueryState) -> Result<()> {
        let pending = std::mem::take(&mut state.pending);
        (state.n_pending, state.pending_bytes) = (0, 0);
        if pending.is_empty() {
            return Ok(());
        }
        let plan = match &self.split.fold {
            Some(fold) => &fold.partial,
            None => &self.split.below,
        };
        let rows = self.run(plan, &pending)?;
        state.n_partial += n_rows(&rows);
        match &self.split.fold {
            Some(_) => state.partial.extend(rows),
            None => state.partial.extend(rows.iter().map(compacted)),
        }
        if self.split.fold.is_some() && state.n_partial > 2 * state.n_folded + RECORDS_AT_A_TIME {
            self.fold(state)?;
        }
        state.partial_bytes = state
            .partial
            .iter()
            .map(RecordBatch::get_array_memory_size)
            .sum();
        Ok(())
    }

    fn fold(&self, state: &mut QueryState) -> Result<()> {
        let aggregate = self.split.fold.as_ref().and_then(Fold::aggregate);
        let Some(aggregate) = aggregate.filter(|_| state.partial.len() > 1) else {
            return Ok(());
        };
        let partial = std::mem::take(&mut state.partial);
        let leaf = session::leaf(aggregate.schema(), partial)?;
        let plan = split::reduce_plan(aggregate, leaf)?;
        state.partial = self.collect(plan)?;
        state.n_partial = n_rows(&state.partial);
        state.n_folded = state.n_partial;
        state.partial_bytes = state
            .partial
            .iter()
            .map(RecordBatch::get_array_memory_size)
            .sum();
        Ok(())
    }

    /// The rows of a window from all its states.
    pub(crate) fn finish(&self, mut states: Vec<QueryState>) -> Result<Vec<RecordBatch>> {
        for state in &mut states {
            self.aggregate_pending(state)?;
        }
        let partial: Vec<RecordBatch> =
            states.into_iter().flat_map(|state| state.partial).collect();
        let (rows, schema) = match &self.split.fold {
            Some(fold) => (self.run(&fold.finish, &partial)?, fold.finish.schema()),
            None => (partial, self.split.below.schema()),
        };
        let n_sorted = match &self.split.fold {
            Some(fold) => fold.n_group_columns,
            None => schema.fields().len(),
        };
        let rows = sort::by_first_columns(&concat_batches(&schema, &rows)?, n_sorted)?;
        let Some(upper) = &self.split.upper else {
            return Ok(vec![rows]);
        };
        let rows = concat_batches(&self.rows_schema, &self.run(upper, &[rows])?)?;
        if self.ordered {
            return Ok(vec![rows]);
        }
        Ok(vec![sort::by_first_columns(&rows, rows.num_columns())?])
    }

    /// Runs a part over these rows in place of its leaf.
    fn run(&self, part: &Arc<dyn ExecutionPlan>, rows: &[RecordBatch]) -> Result<Vec<RecordBatch>> {
        self.collect(with_leaf(part, rows)?)
    }

    fn collect(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Vec<RecordBatch>> {
        Ok(self
            .runtime
            .block_on(collect(plan, Arc::clone(&self.context)))?)
    }
}

/// Aggregate functions whose result depends on which record comes first.
const ORDER_DEPENDENT: [&str; 5] = [
    "first_value",
    "last_value",
    "nth_value",
    "array_agg",
    "string_agg",
];

/// Whether a function's state grows with more than the number of keys.
fn is_wide(function: &AggregateFunctionExpr) -> bool {
    let name = function.fun().name();
    let is_distinct_count = function.is_distinct() && name == "count";
    is_distinct_count || name.starts_with("approx_") || name.ends_with("_agg") || name == "median"
}

/// What a batch keeps in memory. Columns of text may be views into the same blocks.
fn held_bytes(batch: &RecordBatch) -> usize {
    let mut blocks: Vec<&Buffer> = Vec::new();
    let mut n_bytes = 0;
    for column in batch.columns() {
        let Some(text) = column.as_string_view_opt() else {
            n_bytes += column.get_array_memory_size();
            continue;
        };
        n_bytes += text.views().inner().capacity();
        blocks.extend(text.data_buffers());
    }
    blocks.sort_by_key(|block| block.as_ptr());
    blocks.dedup_by_key(|block| block.as_ptr());
    n_bytes + blocks.iter().map(|block| block.capacity()).sum::<usize>()
}

fn n_rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

/// A plan whose leaves of ours give these rows, each the columns that it asks for. Nothing of an
/// earlier run is left in it: a node may hold on to what it has seen, as a join does to its build
/// side and a sort with a limit to the least that still counts.
fn with_leaf(
    plan: &Arc<dyn ExecutionPlan>,
    rows: &[RecordBatch],
) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
    if plan.is::<StreamingTableExec>() {
        let schema = plan.schema();
        let rows = rows.iter().map(|batch| project(batch, &schema));
        let rows = rows.collect::<DataFusionResult<_>>()?;
        return session::leaf(schema, rows);
    }
    if split::n_leaves(plan) == 0 {
        return Ok(Arc::clone(plan));
    }
    let fresh = match split::may_keep_build_side(plan) {
        true => Arc::clone(plan),
        false => Arc::clone(plan).reset_state()?,
    };
    let children = fresh
        .children()
        .into_iter()
        .map(|child| with_leaf(child, rows));
    let children = children.collect::<DataFusionResult<_>>()?;
    replace_children_if_necessary(Arc::clone(&fresh), children)
}

/// The columns of a batch that a schema names.
fn project(batch: &RecordBatch, schema: &SchemaRef) -> DataFusionResult<RecordBatch> {
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    // The rows of an aggregation may have two columns of one name: then the places count.
    if batch.num_columns() == schema.fields().len() && !schema.fields().is_empty() {
        let by_place = RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec());
        if let Ok(batch) = by_place
            && same_names(&batch, schema)
        {
            return Ok(batch);
        }
    }
    let idx: HashMap<&str, usize> = {
        let fields = batch.schema_ref().fields().iter().enumerate();
        fields
            .map(|(i, field)| (field.name().as_str(), i))
            .collect()
    };
    let column = |name: &str| idx.get(name).map(|i| Arc::clone(batch.column(*i)));
    let columns: Option<Vec<ArrayRef>> = schema.fields().iter().map(|f| column(f.name())).collect();
    let columns = columns.ok_or_else(|| {
        datafusion::common::internal_datafusion_err!("a part of the plan reads other columns")
    })?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}

fn same_names(batch: &RecordBatch, schema: &SchemaRef) -> bool {
    let names = batch.schema_ref().fields().iter().map(|field| field.name());
    names.eq(schema.fields().iter().map(|field| field.name()))
}

/// Rows that are kept must not hold on to the blocks of bytes that their text points into.
fn compacted(rows: &RecordBatch) -> RecordBatch {
    let columns = rows
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()) as ArrayRef,
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()) as ArrayRef,
            _ => Arc::clone(column),
        });
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(rows.schema(), columns.collect(), &options)
        .unwrap_or_else(|_| rows.clone())
}
