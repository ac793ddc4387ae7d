//! What a use case keeps to.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, new_null_array};
use arrow::compute::{concat_batches, filter_record_batch, sort_to_indices, take_record_batch};
use arrow::datatypes::{Field, Schema};
use datashark_sdk::conf::{Problems, Section};
use datashark_sdk::{
    Aggregate, Batches, DynReduce, DynUseCase, Error, Files, Findings, Model, Result, UseCaseEntry,
    Window,
};

use super::Wrongs;

/// As many rows as a large window has.
const HUGE: usize = 200_000;

/// What a use case is tried with.
#[derive(Debug, Clone, Default)]
pub struct UseCaseSample {
    /// Its keys, all right.
    pub conf: Section,
    /// What is in the files that they name.
    pub files: Files,
    /// Records, where it reduces in code: the rows are made of them.
    pub records: Option<RecordBatch>,
    /// Rows as its query gives them, where it has one; at least two, of different keys.
    pub rows: Option<RecordBatch>,
}

/// Tries a use case: it refuses unknown keys; it takes no rows, very many and null columns without a
/// panic; it gives the same for the same rows, however they are cut into batches, and for a model that was
/// saved and loaded; it learns the same from the same rows; no finding is without a key, and their columns
/// do not depend on the rows. Its reduce, and what screens with its model, gives the same in whatever order
/// records come, and after a state was saved and loaded, and refuses a record whatever others are with it.
pub fn use_case(entry: UseCaseEntry, sample: &UseCaseSample) -> Vec<String> {
    let mut wrongs = Wrongs::default();
    let build = |section: &Section| entry.build_with(section, &sample.files);
    wrongs.refuses_unknown(&sample.conf, |section| match build(section) {
        Err(Error::Conf(problems)) => problems,
        _ => Problems::new(),
    });
    let Some(made) = wrongs.must("making it of its conf", || build(&sample.conf)) else {
        return wrongs.0;
    };
    let rows = match (&sample.records, &sample.rows, made.aggregate()) {
        (Some(records), _, Aggregate::Reduce(reduce)) => {
            reduces(&mut wrongs, reduce.as_ref(), records)
        }
        (_, Some(rows), _) => Some(rows.clone()),
        _ => {
            wrongs.say("the sample has no records for its reduce, or no rows for its score");
            None
        }
    };
    if let Some(rows) = rows {
        scores(&mut wrongs, entry, sample, made.as_ref(), &rows);
    }
    wrongs.0
}

fn scores(
    wrongs: &mut Wrongs,
    entry: UseCaseEntry,
    sample: &UseCaseSample,
    made: &dyn DynUseCase,
    rows: &RecordBatch,
) {
    let training = rows.clone();
    let learn = |use_case: &dyn DynUseCase| match use_case.trains() {
        true => use_case.train(Batches::new(
            &training.schema(),
            std::slice::from_ref(&training),
        )),
        false => use_case.load(&serde_json::Value::Null),
    };
    let Some(model) = wrongs.must("training", || learn(made)) else {
        return;
    };
    let screen = wrongs.must("asking what screens with the model", || made.screen(&model));
    let screened = match (screen.flatten(), &sample.records) {
        (Some(screen), Some(records)) => reduces(wrongs, screen.as_ref(), records),
        _ => None,
    };
    let rows = screened.as_ref().unwrap_or(rows);
    let Some(found) = wrongs.must("scoring", || {
        score(made, &model, std::slice::from_ref(rows))
    }) else {
        return;
    };
    let keys = found.keys();
    wrongs.unless(
        keys.null_count() == 0 && keys.iter().flatten().all(|key| !key.is_empty()),
        "a finding has no key",
    );
    let same = |wrongs: &mut Wrongs, what: &str, again: Option<Findings>| {
        let is_same = again.is_none_or(|again| again.batch() == found.batch());
        wrongs.unless(is_same, &format!("{what} gives other findings"));
    };
    let again = wrongs.must("scoring once more", || {
        score(made, &model, std::slice::from_ref(rows))
    });
    same(wrongs, "the same window, scored once more,", again);
    let cut = rows.num_rows() / 2;
    let halves = [rows.slice(0, cut), rows.slice(cut, rows.num_rows() - cut)];
    let again = wrongs.must("scoring two batches", || score(made, &model, &halves));
    same(wrongs, "the same window in two batches", again);
    let again = wrongs.must("scoring with a model that was saved", || {
        let loaded = made.load(model.to_json())?;
        score(made, &loaded, std::slice::from_ref(rows))
    });
    same(wrongs, "a model that was saved and loaded", again);
    let again = wrongs.must("making and training it again", || {
        let again = entry.build_with(&sample.conf, &sample.files)?;
        let learned = learn(again.as_ref())?;
        Ok((
            learned.to_json().clone(),
            score(again.as_ref(), &learned, std::slice::from_ref(rows))?,
        ))
    });
    if let Some((json, again)) = again {
        let what = "the same training gives another model: its seed must come from the conf";
        wrongs.unless(&json == model.to_json(), what);
        same(wrongs, "another one of the same conf", Some(again));
    }
    extremes(wrongs, made, &model, rows, &found);
}

fn extremes(
    wrongs: &mut Wrongs,
    made: &dyn DynUseCase,
    model: &Model,
    rows: &RecordBatch,
    found: &Findings,
) {
    let none = wrongs.must("scoring no rows", || {
        score(made, model, &[rows.slice(0, 0)])
    });
    if let Some(none) = none {
        wrongs.unless(none.is_empty(), "no rows give findings");
        wrongs.unless(
            none.batch().schema() == found.batch().schema(),
            "the columns of the findings depend on the rows",
        );
    }
    let n_times = HUGE.div_ceil(rows.num_rows().max(1));
    wrongs.must("scoring very many rows", || {
        score(made, model, &vec![rows.clone(); n_times])
    });
    for at in 1..rows.num_columns() {
        let name = rows.schema().field(at).name().clone();
        let what = format!("scoring rows whose column `{name}` is null");
        wrongs.may_fail(&what, || score(made, model, &[with_nulls(rows, at)?]));
    }
}

fn score(made: &dyn DynUseCase, model: &Model, rows: &[RecordBatch]) -> Result<Findings> {
    let schema = rows
        .first()
        .map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    let window = Window {
        start: 0,
        end: 60_000_000,
    };
    made.score(model, &window, Batches::new(&schema, rows))
}

fn with_nulls(rows: &RecordBatch, at: usize) -> Result<RecordBatch> {
    let schema = rows.schema();
    let fields = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(i, field)| match i == at {
            true => Arc::new(Field::new(field.name(), field.data_type().clone(), true)),
            false => Arc::clone(field),
        });
    let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
    columns[at] = new_null_array(columns[at].data_type(), rows.num_rows());
    let schema = Schema::new(fields.collect::<Vec<_>>());
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

/// Tries a reduce; gives its rows.
fn reduces(
    wrongs: &mut Wrongs,
    reduce: &dyn DynReduce,
    records: &RecordBatch,
) -> Option<RecordBatch> {
    let records = &wanted(wrongs, reduce, records)?;
    let halves = halves(records);
    let of = |batches: &[&RecordBatch]| -> Result<RecordBatch> {
        let mut state = reduce.empty()?;
        for batch in batches {
            reduce.add(&mut state, batch)?;
        }
        sorted(&reduce.rows(state)?)
    };
    let rows = wrongs.must("reducing records", || of(&[records]))?;
    let merged = |first: &RecordBatch, then: &RecordBatch| {
        let (mut state, mut other) = (reduce.empty()?, reduce.empty()?);
        reduce.add(&mut state, first)?;
        reduce.add(&mut other, then)?;
        let other = reduce.load(&reduce.save(&other)?)?;
        reduce.merge(&mut state, other)?;
        sorted(&reduce.rows(state)?)
    };
    let others = [
        (
            "two batches",
            wrongs.must("adding two batches", || of(&[&halves[0], &halves[1]])),
        ),
        (
            "two merged states",
            wrongs.must("merging", || merged(&halves[0], &halves[1])),
        ),
        (
            "the states merged the other way",
            wrongs.must("merging", || merged(&halves[1], &halves[0])),
        ),
    ];
    for (what, other) in others {
        let is_same = other.is_none_or(|other| other == rows);
        wrongs.unless(
            is_same,
            &format!("{what} give other rows than all records at once"),
        );
    }
    let empty = records.slice(0, 0);
    if let Some(none) = wrongs.must("reducing no records", || of(&[&empty])) {
        wrongs.unless(
            none.schema() == rows.schema(),
            "the columns of the rows depend on the records",
        );
    }
    let n_times = HUGE.div_ceil(records.num_rows().max(1));
    wrongs.must("reducing very many records", || {
        let many = concat_batches(&records.schema(), &vec![records.clone(); n_times])?;
        of(&[&many])
    });
    Some(rows)
}

/// The records that a reduce does not refuse; which these are does not depend on the others.
fn wanted(
    wrongs: &mut Wrongs,
    reduce: &dyn DynReduce,
    records: &RecordBatch,
) -> Option<RecordBatch> {
    let rows = |batch: &RecordBatch| -> Result<Vec<usize>> {
        let refused = reduce.refused(batch)?.unwrap_or_default();
        Ok(refused.into_iter().map(|refused| refused.row).collect())
    };
    let refused = wrongs.must("asking which records are refused", || rows(records))?;
    let halved = wrongs.must("asking which records are refused, in halves", || {
        let [first, second] = halves(records);
        let mut refused = rows(&first)?;
        refused.extend(rows(&second)?.into_iter().map(|row| row + first.num_rows()));
        Ok(refused)
    })?;
    wrongs.unless(
        halved == refused,
        "which records are refused depends on those beside them",
    );
    wrongs.unless(
        refused.iter().all(|row| *row < records.num_rows()),
        "a record is refused that is not there",
    );
    let is_wanted: BooleanArray = (0..records.num_rows())
        .map(|row| Some(!refused.contains(&row)))
        .collect();
    wrongs.must("leaving out what is refused", || {
        Ok(filter_record_batch(records, &is_wanted)?)
    })
}

fn halves(records: &RecordBatch) -> [RecordBatch; 2] {
    let cut = records.num_rows() / 2;
    [
        records.slice(0, cut),
        records.slice(cut, records.num_rows() - cut),
    ]
}

/// Rows in the order of their keys, as the engine gives them.
fn sorted(rows: &RecordBatch) -> Result<RecordBatch> {
    let order = sort_to_indices(rows.column(0), None, None)?;
    Ok(take_record_batch(rows, &order)?)
}
