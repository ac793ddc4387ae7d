//! The DataFusion session that queries are planned in: one partition, so that a plan is a chain
//! that can be cut, and the optimizer rules that keep it so.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result as DataFusionResult;
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SessionStateBuilder, SessionStateDefaults};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::ensure_requirements::EnsureRequirements;
use datafusion::physical_optimizer::join_selection::JoinSelection;
use datafusion::physical_optimizer::output_requirements::OutputRequirements;
use datafusion::physical_optimizer::projection_pushdown::ProjectionPushdown;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use datafusion::prelude::{SessionConfig, SessionContext};

/// A session for planning use cases' queries and running their parts.
///
/// The rules that push limits and dynamic filters into a scan are left out: the scan of `records`
/// is one micro-batch of many, and a limit holds for a window, not for a batch.
pub(crate) fn session(runtime: Arc<RuntimeEnv>) -> SessionContext {
    let mut config = SessionConfig::new()
        .with_target_partitions(1)
        .with_information_schema(false);
    let options = config.options_mut();
    options.sql_parser.enable_ident_normalization = false;
    options.sql_parser.collect_spans = true;
    options
        .execution
        .skip_partial_aggregation_probe_rows_threshold = usize::MAX;
    options.optimizer.enable_dynamic_filter_pushdown = false;
    let rules: Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> = vec![
        Arc::new(OutputRequirements::new_add_mode()),
        Arc::new(JoinSelection::new()),
        Arc::new(EnsureRequirements::new()),
        Arc::new(ProjectionPushdown::new()),
        Arc::new(OutputRequirements::new_remove_mode()),
    ];
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        .with_scalar_functions(SessionStateDefaults::default_scalar_functions())
        .with_higher_order_functions(SessionStateDefaults::default_higher_order_functions())
        .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
        .with_window_functions(SessionStateDefaults::default_window_functions())
        .with_physical_optimizer_rules(rules)
        .build();
    let session = SessionContext::new_with_state(state);
    for function in datashark_functions::all() {
        session.register_udf(function);
    }
    session
}

/// The table `records` while a query is planned: columns without rows.
#[derive(Debug)]
pub(crate) struct RecordsTable {
    pub(crate) schema: SchemaRef,
}

#[async_trait]
impl TableProvider for RecordsTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let rows = Arc::new(Rows {
            schema: Arc::clone(&self.schema),
            batches: Vec::new(),
        });
        Ok(Arc::new(StreamingTableExec::try_new(
            Arc::clone(&self.schema),
            vec![rows],
            projection,
            [],
            false,
            None,
        )?))
    }
}

/// Rows in memory as a plan's leaf; also the mark by which a leaf is found again.
pub(crate) struct Rows {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rows({} batches)", self.batches.len())
    }
}

impl PartitionStream for Rows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches = self.batches.clone();
        let rows = futures::stream::iter(batches.into_iter().map(Ok));
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            rows,
        ))
    }
}

/// A leaf that gives these rows.
pub(crate) fn leaf(
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
    let rows = Arc::new(Rows {
        schema: Arc::clone(&schema),
        batches,
    });
    Ok(Arc::new(StreamingTableExec::try_new(
        schema,
        vec![rows],
        None,
        [],
        false,
        None,
    )?))
}
