//! Cuts a query's physical plan into the part that runs on every micro-batch, the aggregation that
//! folds their results together, and the part that runs once when the window closes.
//!
//! ```text
//!   upper      Sort, Projection, HAVING …            once per window
//!   finish     Aggregate Final                       once per window
//!   fold       Aggregate PartialReduce               when the state has doubled
//!   partial    Aggregate Partial                     per micro-batch
//!   below      Filter, Projection, joins with tables per micro-batch
//!   leaf       records
//! ```
//! What lies between the leaf and the aggregation must give the same rows batch by batch as all at
//! once. Where something else stands there (a window function, a sort, a self-join), the rows
//! below it are kept until the window closes and everything above runs then.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::{JoinType, Result as DataFusionResult};
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::scalar_subquery::ScalarSubqueryExec;
use datafusion::physical_plan::streaming::StreamingTableExec;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::{ExecutionPlan, replace_children_if_necessary};

use super::session;

/// A plan in its parts; see the module.
#[derive(Debug, Clone)]
pub(crate) struct Split {
    /// Runs on every micro-batch; ends below the aggregation.
    pub(crate) below: Arc<dyn ExecutionPlan>,
    /// The aggregation, if there is one that can be folded.
    pub(crate) fold: Option<Fold>,
    /// Runs once per window, on the aggregated or the kept rows.
    pub(crate) upper: Option<Arc<dyn ExecutionPlan>>,
}

/// An aggregation: its first half, from which the others are made, and its second half.
#[derive(Debug, Clone)]
pub(crate) struct Fold {
    /// `Partial`, as DataFusion planned it.
    pub(crate) partial: Arc<dyn ExecutionPlan>,
    /// `Final`, as DataFusion planned it, over a leaf of the partial's rows.
    pub(crate) finish: Arc<dyn ExecutionPlan>,
    /// How many of the first columns are the group's.
    pub(crate) n_group_columns: usize,
}

impl Fold {
    /// The aggregation as planned.
    pub(crate) fn aggregate(&self) -> Option<&AggregateExec> {
        self.partial.downcast_ref::<AggregateExec>()
    }
}

/// Cuts a plan whose only leaf of our own is `records`.
pub(crate) fn split(plan: Arc<dyn ExecutionPlan>) -> DataFusionResult<Split> {
    let path = path_to_leaf(&plan);
    if n_leaves(&plan) != 1 || path.is_empty() || has_scalar_subquery(&plan) {
        return everything_above(plan);
    }
    // From the leaf upwards.
    let path: Vec<Step> = path.into_iter().rev().collect();
    let n_below = path
        .iter()
        .skip(1)
        .take_while(|step| is_row_wise(step))
        .count();
    let below = Arc::clone(&path[n_below].plan);
    let Some(next) = path.get(n_below + 1) else {
        return Ok(Split {
            below,
            fold: None,
            upper: None,
        });
    };
    if let Some((fold, n_used)) = fold_at(&path[n_below + 1..])? {
        let finish_schema = fold.finish.schema();
        let upper = above(&path[n_below + 1 + n_used..], finish_schema)?;
        return Ok(Split {
            below,
            fold: Some(fold),
            upper,
        });
    }
    let upper = above(&path[n_below + 1..], below.schema())?;
    debug_assert!(next.child_idx.is_some());
    Ok(Split {
        below,
        fold: None,
        upper,
    })
}

/// A node on the way from the root to the leaf, and which of its children leads on.
#[derive(Debug, Clone)]
struct Step {
    plan: Arc<dyn ExecutionPlan>,
    child_idx: Option<usize>,
}

/// Nothing runs before the window closes.
fn everything_above(plan: Arc<dyn ExecutionPlan>) -> DataFusionResult<Split> {
    let columns = leaf_columns(&plan);
    Ok(Split {
        below: session::leaf(columns, Vec::new())?,
        fold: None,
        upper: Some(plan),
    })
}

/// The columns that all leaves of a plan read together, in the order they are first read.
pub(crate) fn leaf_columns(plan: &Arc<dyn ExecutionPlan>) -> SchemaRef {
    let mut fields: Vec<arrow::datatypes::FieldRef> = Vec::new();
    visit_leaves(plan, &mut |leaf| {
        for field in leaf.schema().fields() {
            if !fields.iter().any(|known| known.name() == field.name()) {
                fields.push(Arc::clone(field));
            }
        }
    });
    Arc::new(arrow::datatypes::Schema::new(fields))
}

fn visit_leaves(plan: &Arc<dyn ExecutionPlan>, visit: &mut impl FnMut(&Arc<dyn ExecutionPlan>)) {
    if plan.is::<StreamingTableExec>() {
        visit(plan);
    }
    for child in plan.children() {
        visit_leaves(child, visit);
    }
}

/// How many leaves of ours a plan has: how often the query names `records`.
pub(crate) fn n_leaves(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let mut n = 0;
    visit_leaves(plan, &mut |_| n += 1);
    n
}

/// Whether a plan computes a scalar subquery first. The node that does so stands at the root and
/// what it found is looked at further down, so that such a plan cannot be cut.
fn has_scalar_subquery(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.is::<ScalarSubqueryExec>() || plan.children().into_iter().any(has_scalar_subquery)
}

/// From the root to the leaf; empty where there is none.
fn path_to_leaf(plan: &Arc<dyn ExecutionPlan>) -> Vec<Step> {
    if plan.is::<StreamingTableExec>() {
        return vec![Step {
            plan: Arc::clone(plan),
            child_idx: None,
        }];
    }
    for (idx, child) in plan.children().into_iter().enumerate() {
        let rest = path_to_leaf(child);
        if !rest.is_empty() {
            let mut path = vec![Step {
                plan: Arc::clone(plan),
                child_idx: Some(idx),
            }];
            path.extend(rest);
            return path;
        }
    }
    Vec::new()
}

/// Whether a node gives for the rows of two batches what it gives for the batches one by one.
fn is_row_wise(step: &Step) -> bool {
    let plan = &step.plan;
    if plan.fetch().is_some() {
        return false;
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        return keeps_side(*join.join_type(), step.child_idx);
    }
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        return keeps_side(*join.join_type(), step.child_idx);
    }
    plan.is::<FilterExec>()
        || plan.is::<ProjectionExec>()
        || plan.is::<CooperativeExec>()
        || plan.is::<CrossJoinExec>()
        || plan.is::<UnnestExec>()
}

/// Whether a plan gives a row for each of its leaf's: nothing but projections stands above that.
pub(crate) fn is_row_for_row(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.is::<StreamingTableExec>()
        || (plan.is::<ProjectionExec>() || plan.is::<CooperativeExec>())
            && plan.children().into_iter().all(is_row_for_row)
}

/// Whether a join's result for each row of this side depends on the other side alone.
fn keeps_side(join: JoinType, child_idx: Option<usize>) -> bool {
    use JoinType::{Inner, Left, LeftAnti, LeftMark, LeftSemi};
    use JoinType::{Right, RightAnti, RightMark, RightSemi};
    match child_idx {
        Some(0) => matches!(join, Inner | Left | LeftAnti | LeftSemi | LeftMark),
        _ => matches!(join, Inner | Right | RightAnti | RightSemi | RightMark),
    }
}

/// Whether a node is a join whose build side is a table and the same for all records: it is built
/// once, and not for every micro-batch.
pub(crate) fn may_keep_build_side(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.downcast_ref::<HashJoinExec>()
        .is_some_and(|join| n_leaves(join.left()) == 0 && keeps_side(*join.join_type(), Some(1)))
}

/// The aggregation that starts a path, and how many of its nodes it takes.
fn fold_at(path: &[Step]) -> DataFusionResult<Option<(Fold, usize)>> {
    let Some(first) = path.first() else {
        return Ok(None);
    };
    let Some(aggregate) = first.plan.downcast_ref::<AggregateExec>() else {
        return Ok(None);
    };
    if aggregate.limit_options().is_some() {
        return Ok(None);
    }
    let n_group_columns = aggregate.group_expr().num_group_exprs();
    match aggregate.mode() {
        AggregateMode::Partial => {
            let second = path.get(1).map(|step| &step.plan);
            let Some(finish) = second.filter(|plan| is_final(plan)) else {
                return Ok(None);
            };
            let state = session::leaf(first.plan.schema(), Vec::new())?;
            let finish = replace_children_if_necessary(Arc::clone(finish), vec![state])?;
            let fold = Fold {
                partial: Arc::clone(&first.plan),
                finish,
                n_group_columns,
            };
            Ok(Some((fold, 2)))
        }
        AggregateMode::Single | AggregateMode::SinglePartitioned => {
            let fold = halves(aggregate, n_group_columns)?;
            Ok(Some((fold, 1)))
        }
        _ => Ok(None),
    }
}

fn is_final(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let aggregate = plan.downcast_ref::<AggregateExec>();
    aggregate.is_some_and(|aggregate| {
        matches!(
            aggregate.mode(),
            AggregateMode::Final | AggregateMode::FinalPartitioned
        ) && aggregate.limit_options().is_none()
    })
}

/// An aggregation in one step as one in two.
fn halves(single: &AggregateExec, n_group_columns: usize) -> DataFusionResult<Fold> {
    let partial = Arc::new(AggregateExec::try_new(
        AggregateMode::Partial,
        single.group_expr().clone(),
        single.aggr_expr().to_vec(),
        single.filter_expr().to_vec(),
        Arc::clone(single.input()),
        single.input_schema(),
    )?);
    let finish = Arc::new(AggregateExec::try_new(
        AggregateMode::Final,
        single.group_expr().as_final(),
        single.aggr_expr().to_vec(),
        vec![None; single.aggr_expr().len()],
        session::leaf(partial.schema(), Vec::new())?,
        single.input_schema(),
    )?);
    Ok(Fold {
        partial,
        finish,
        n_group_columns,
    })
}

/// The aggregation's middle: folds partial rows into fewer partial rows.
pub(crate) fn reduce_plan(
    partial: &AggregateExec,
    state: Arc<dyn ExecutionPlan>,
) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
    Ok(Arc::new(AggregateExec::try_new(
        AggregateMode::PartialReduce,
        partial.group_expr().as_final(),
        partial.aggr_expr().to_vec(),
        vec![None; partial.aggr_expr().len()],
        state,
        partial.input_schema(),
    )?))
}

/// What stands above a cut, over a leaf of the rows below it; `None` where nothing does.
fn above(path: &[Step], schema: SchemaRef) -> DataFusionResult<Option<Arc<dyn ExecutionPlan>>> {
    let mut plan = session::leaf(schema, Vec::new())?;
    for step in path {
        let mut children: Vec<_> = step.plan.children().into_iter().map(Arc::clone).collect();
        children[step.child_idx.unwrap_or_default()] = plan;
        plan = replace_children_if_necessary(Arc::clone(&step.plan), children)?;
    }
    Ok((!path.is_empty()).then_some(plan))
}
