//! Which columns of the records a use case reads, and whether the records have them.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datashark_sdk::conf::{Problem, Problems};

use super::records::{Known, no_column};
use crate::aggregate::{Aggregation, View};
use crate::run::pipeline::TimeSource;

/// The columns to decode: what the aggregation and the event time need, as the format gives them.
pub(super) fn columns(
    known: &Known,
    view: Option<&View>,
    aggregation: &Aggregation,
    time: &TimeSource,
) -> Vec<Field> {
    let mut names: Vec<&str> = view
        .map_or_else(|| aggregation.columns(), View::columns)
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
pub(super) fn select(columns: &[Field]) -> String {
    let quoted = |field: &Field| format!("\"{}\"", field.name().replace('"', "\"\""));
    match columns {
        [] => "SELECT * FROM records".to_owned(),
        columns => {
            let columns: Vec<String> = columns.iter().map(quoted).collect();
            format!("SELECT {} FROM records", columns.join(", "))
        }
    }
}

/// The columns that an aggregation by code reads: those that it names, else all that there are.
pub(super) fn reduce_columns(known: &Known, wanted: &[Field]) -> Arc<Schema> {
    let fields = match (wanted, &known.fixed) {
        ([], Some(fixed)) => fixed.clone(),
        (wanted, _) => wanted.to_vec(),
    };
    Arc::new(Schema::new(fields))
}

/// The columns that a use case's code wants and the records, or its view of them, lack, or have with
/// values that would lose something.
pub(super) fn missing(known: &Known, view: Option<&View>, wanted: &Schema) -> Problems {
    let problem = |field: &Field| {
        let found = match view {
            Some(view) => view.column(field.name()),
            None => known.column(field.name()),
        };
        let (name, wanted) = (field.name(), field.data_type());
        match found.as_ref().map(Field::data_type) {
            Ok(found) if becomes(found, wanted) => None,
            Ok(found) => {
                let message = format!("the field `{name}` is {found}, and has to be {wanted}");
                let help = "give it its type in `[columns]`, where its format has none";
                Some(Problem::at(["code"], message).help(help))
            }
            Err(names) => Some(no_column(["code"], name, names)),
        }
    };
    wanted
        .fields()
        .iter()
        .filter_map(|field| problem(field))
        .collect()
}

/// Whether a column becomes one of another type without losing anything: text any text, a number a
/// wider one.
fn becomes(found: &DataType, wanted: &DataType) -> bool {
    use DataType::{Float16, Float32, Float64, Int8, Int16, Int32, Int64, Null};
    use DataType::{UInt8, UInt16, UInt32};
    match wanted {
        _ if found == wanted || *found == Null => true,
        DataType::Utf8View => {
            found.is_string()
                || matches!(found, DataType::Dictionary(_, value) if value.is_string())
        }
        Int64 => matches!(found, Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32),
        Float64 => matches!(found, Float16 | Float32),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_column_may_be_narrower_than_it_is_wanted_and_not_wider() {
        assert!(becomes(&DataType::Int32, &DataType::Int64));
        assert!(becomes(&DataType::Float32, &DataType::Float64));
        assert!(becomes(&DataType::LargeUtf8, &DataType::Utf8View));
        for (found, wanted) in [
            (DataType::UInt64, DataType::Int64),
            (DataType::Float64, DataType::Int64),
            (DataType::Utf8, DataType::Int64),
            (DataType::Int64, DataType::Utf8View),
        ] {
            assert!(!becomes(&found, &wanted), "{found} {wanted}");
        }
    }

    #[test]
    fn the_schemas_that_spot_refuses_are_refused() {
        let Some(text) = datashark_test_data::spot_vectors() else {
            return;
        };
        let data_type = |name: &str| match name {
            "string" => DataType::Utf8View,
            "integer" => DataType::Int32,
            "long" => DataType::Int64,
            "float" => DataType::Float32,
            "double" => DataType::Float64,
            other => panic!("no type `{other}`"),
        };
        let fields = |columns: &Value| -> Vec<Field> {
            let columns = columns.as_array().unwrap().iter();
            let fields = columns.map(|column| {
                let [name, of] = [&column[0], &column[1]].map(|text| text.as_str().unwrap());
                Field::new(name, data_type(of), true)
            });
            fields.collect()
        };
        let vectors: Value = serde_json::from_str(&text).unwrap();
        for vector in vectors["schema_validation"].as_array().unwrap() {
            let (input, expected) = (&vector["input"], &vector["expected"]);
            let known = Known {
                format: None,
                fixed: Some(fields(&input["incoming"])),
                typed: Vec::new(),
            };
            let problems = missing(&known, None, &Schema::new(fields(&input["required"])));
            let offending = expected["offending_fields"].as_array().unwrap();
            assert_eq!(problems.iter().count(), offending.len(), "{vector}");
            for (problem, field) in problems.iter().zip(offending) {
                let name = format!("`{}`", field.as_str().unwrap());
                assert!(problem.message.contains(&name), "{vector} {problem}");
            }
        }
    }
}
