//! Records of a format to rows of a table: the expressions of [`Columns`], evaluated over batches.

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, new_null_array,
};
use arrow::compute::{CastOptions, cast_with_options, filter_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::common::{DFSchema, DataFusionError};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::{SessionConfig, SessionContext};
use datashark_codec::flow::flags_text;
use datashark_output_delta::{Kind, hours, with_partitions};

use crate::columns::Columns;
use crate::error::{IngestError, Result};

/// Seconds of an hour.
const HOUR: i64 = 3600;

/// Why a record without a time cannot be stored.
const NO_TIME: &str = "the record has no time";

/// How records of a format become rows of a table.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// What is decoded.
    fields: Vec<Field>,
    /// What the expressions read: what is decoded, and behind it what a file does not have.
    schema: SchemaRef,
    /// The table's columns; `None` is null.
    columns: Vec<(Field, Option<Arc<dyn PhysicalExpr>>)>,
    wanted: Option<Arc<dyn PhysicalExpr>>,
    seconds: Arc<dyn PhysicalExpr>,
    /// The table's columns with those that partition it.
    table: SchemaRef,
}

/// The rows of a batch.
#[derive(Debug)]
pub(crate) struct Mapped {
    /// For the table.
    pub(crate) rows: RecordBatch,
    /// The hours that they are of, counted from 1970.
    pub(crate) hours: BTreeSet<i64>,
    /// How many records are of another kind.
    pub(crate) n_others: u64,
    /// Rows that cannot be stored, by their place in the batch, and why.
    pub(crate) invalid: Vec<(usize, &'static str)>,
}

impl Mapping {
    /// The mapping of a kind's records that do not have the `absent` ones of the format's own fields.
    ///
    /// # Errors
    /// An expression is wrong: a defect.
    pub(crate) fn new(kind: Kind, columns: &Columns, absent: &HashSet<String>) -> Result<Self> {
        let failed = |error: DataFusionError| IngestError::Internal(error.to_string());
        let (missing, fields): (Vec<Field>, Vec<Field>) = columns
            .fields
            .iter()
            .cloned()
            .partition(|field| absent.contains(field.name()));
        let all: Vec<Field> = fields.iter().cloned().chain(missing).collect();
        let schema = Arc::new(Schema::new(all));
        let named = DFSchema::try_from(Arc::clone(&schema)).map_err(failed)?;
        let session = session();
        let compile = |sql: &str| {
            let context = SimplifyContext::builder().with_schema(Arc::new(named.clone()));
            let simplifier = ExprSimplifier::new(context.build());
            let expr = simplifier.coerce(session.parse_sql_expr(sql, &named)?, &named)?;
            // Some functions, such as `coalesce`, are only there to be made simpler ones.
            session.create_physical_expr(simplifier.simplify(expr)?, &named)
        };
        let column = |field: &Arc<Field>| {
            let of_field = columns.table.iter().find(|(name, _)| name == field.name());
            let expr = of_field.map(|(_, sql)| compile(sql)).transpose()?;
            Ok((field.as_ref().clone(), expr))
        };
        let table = kind.columns();
        let compiled: Result<Vec<_>, DataFusionError> = table.fields().iter().map(column).collect();
        Ok(Mapping {
            fields,
            columns: compiled.map_err(failed)?,
            wanted: columns.wanted.map(compile).transpose().map_err(failed)?,
            seconds: compile(columns.seconds).map_err(failed)?,
            table: with_partitions(&table),
            schema,
        })
    }

    /// The columns that are to be decoded.
    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The rows of decoded records.
    ///
    /// # Errors
    /// An expression fails: a defect.
    pub(crate) fn rows(&self, decoded: &RecordBatch) -> Result<Mapped> {
        self.map(decoded)
            .map_err(|error| IngestError::Internal(error.to_string()))
    }

    fn map(&self, decoded: &RecordBatch) -> Result<Mapped, DataFusionError> {
        let n_rows = decoded.num_rows();
        let n_missing = self.schema.fields().len() - decoded.num_columns();
        let missing = &self.schema.fields()[self.schema.fields().len() - n_missing..];
        let missing = missing
            .iter()
            .map(|field| new_null_array(field.data_type(), n_rows));
        let arrays = decoded.columns().iter().cloned().chain(missing).collect();
        let records = RecordBatch::try_new(Arc::clone(&self.schema), arrays)?;
        let wanted = match &self.wanted {
            Some(wanted) => Some(evaluate(wanted, &records, &DataType::Boolean)?),
            None => None,
        };
        let is_wanted = |row| match &wanted {
            Some(wanted) => {
                let wanted = wanted.as_boolean();
                wanted.is_valid(row) && wanted.value(row)
            }
            None => true,
        };
        let seconds = evaluate(&self.seconds, &records, &DataType::Int64)?;
        let seconds = seconds.as_primitive::<Int64Type>();
        let mut mapped = Mapped {
            rows: RecordBatch::new_empty(Arc::clone(&self.table)),
            hours: BTreeSet::new(),
            n_others: 0,
            invalid: Vec::new(),
        };
        let mut kept = vec![false; n_rows];
        for (row, kept) in kept.iter_mut().enumerate() {
            if !is_wanted(row) {
                mapped.n_others += 1;
            } else if seconds.is_null(row) {
                mapped.invalid.push((row, NO_TIME));
            } else {
                mapped.hours.insert(seconds.value(row).div_euclid(HOUR));
                *kept = true;
            }
        }
        mapped.rows = self.kept(records, seconds, kept)?;
        Ok(mapped)
    }

    /// The rows of the table of the records that are marked.
    fn kept(
        &self,
        records: RecordBatch,
        seconds: &Int64Array,
        kept: Vec<bool>,
    ) -> Result<RecordBatch, DataFusionError> {
        let (records, seconds) = match kept.iter().all(|kept| *kept) {
            true => (records, seconds.clone()),
            false => {
                let kept = BooleanArray::from(kept);
                let seconds = arrow::compute::filter(seconds, &kept)?;
                let seconds = seconds.as_primitive::<Int64Type>().clone();
                (filter_record_batch(&records, &kept)?, seconds)
            }
        };
        let mut arrays = Vec::with_capacity(self.table.fields().len());
        for (field, expr) in &self.columns {
            arrays.push(match expr {
                Some(expr) => evaluate(expr, &records, field.data_type())?,
                None => new_null_array(field.data_type(), records.num_rows()),
            });
        }
        arrays.extend(hours(&seconds));
        Ok(RecordBatch::try_new(Arc::clone(&self.table), arrays)?)
    }
}

/// A value for each record; one that does not fit the type is null.
fn evaluate(
    expr: &Arc<dyn PhysicalExpr>,
    records: &RecordBatch,
    data_type: &DataType,
) -> Result<ArrayRef, DataFusionError> {
    let values = expr.evaluate(records)?.into_array(records.num_rows())?;
    let options = CastOptions {
        safe: true,
        ..CastOptions::default()
    };
    Ok(cast_with_options(&values, data_type, &options)?)
}

/// A session that knows the functions of the expressions. Names keep their case: they are log fields.
fn session() -> SessionContext {
    let mut config = SessionConfig::new();
    config.options_mut().sql_parser.enable_ident_normalization = false;
    let session = SessionContext::new_with_config(config);
    for function in datashark_functions::all() {
        session.register_udf(function);
    }
    for (name, of) in OF_TEXT {
        session.register_udf(create_udf(
            name,
            vec![DataType::Utf8],
            DataType::Utf8,
            Volatility::Immutable,
            Arc::new(move |arguments: &[ColumnarValue]| {
                let arrays = ColumnarValue::values_to_arrays(arguments)?;
                let texts = arrays[0].as_string::<i32>().iter();
                let made: StringArray = texts.map(|text| of(text?)).collect();
                Ok(ColumnarValue::Array(Arc::new(made)))
            }),
        ));
    }
    session
}

/// What is made of a text; null of one that it cannot be made of.
type OfText = fn(&str) -> Option<String>;

/// Functions of a text that only these expressions have.
const OF_TEXT: [(&str, OfText); 2] = [("first_address", first_address), ("tcp_flags", tcp_flags)];

/// TCP's flags as six places, of a byte in hexadecimal digits.
fn tcp_flags(text: &str) -> Option<String> {
    u8::from_str_radix(text, 16).ok().map(flags_text)
}

/// The first IPv4 address of a list, else the first IPv6 address.
fn first_address(text: &str) -> Option<String> {
    let between = |c: char| c.is_ascii_whitespace() || ",\"[]{}".contains(c);
    let addresses = || {
        text.split(between)
            .filter_map(|part| part.parse::<IpAddr>().ok())
    };
    let first = addresses()
        .find(IpAddr::is_ipv4)
        .or_else(|| addresses().next());
    first.map(|address| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{formats, of};

    #[test]
    fn every_format_of_every_kind_has_expressions_that_compile() {
        for kind in Kind::ALL {
            for format in formats(kind) {
                let columns = of(kind, format).unwrap();
                let known = kind.columns();
                for (name, _) in &columns.table {
                    assert!(known.field_with_name(name).is_ok(), "{format}: {name}");
                }
                let mapping = Mapping::new(kind, &columns, &HashSet::new()).unwrap();
                let schema = Arc::new(Schema::new(mapping.fields().to_vec()));
                let none = mapping.rows(&RecordBatch::new_empty(schema)).unwrap();
                assert_eq!(none.rows.num_rows(), 0, "{format}");
            }
        }
    }

    #[test]
    fn flags_are_six_places() {
        assert_eq!(tcp_flags("1b").as_deref(), Some(".AP.SF"));
        assert_eq!(tcp_flags("16").as_deref(), Some(".A.RS."));
        assert_eq!(tcp_flags("1b7"), None);
        assert_eq!(tcp_flags(""), None);
    }

    #[test]
    fn the_first_address_of_an_answer_is_of_ipv4_if_there_is_one() {
        let first = |text| first_address(text);
        assert_eq!(
            first("a.example,2001:db8::1,192.0.2.7"),
            Some("192.0.2.7".into())
        );
        assert_eq!(
            first(r#"{"AAAA":["2001:db8::1"],"CNAME":["b"]}"#),
            Some("2001:db8::1".into())
        );
        assert_eq!(first("a.example"), None);
    }
}
