//! Which members the objects of a log have.

use arrow::array::BinaryViewArray;
use arrow::datatypes::{DataType, Field};
use serde_json::Value;

/// Records that are looked into.
const N_RECORDS: usize = 1_000;
/// Columns that are named.
const N_COLUMNS: usize = 200;

/// The members of the first objects, nested ones by dots, in the order in which they appear.
pub(super) fn columns(records: &BinaryViewArray) -> Vec<Field> {
    let mut names = Vec::new();
    for record in records.iter().flatten().take(N_RECORDS) {
        if let Ok(object @ Value::Object(_)) = serde_json::from_slice(record) {
            leaves(String::new(), &object, &mut names);
        }
    }
    let text = |name| Field::new(name, DataType::Utf8View, true);
    names.into_iter().map(text).collect()
}

/// The names of all that is no object. serde_json nests at most 128 deep, and so does this.
fn leaves(path: String, value: &Value, names: &mut Vec<String>) {
    let Value::Object(members) = value else {
        if names.len() < N_COLUMNS && !names.contains(&path) {
            names.push(path);
        }
        return;
    };
    for (name, value) in members {
        let path = match path.is_empty() {
            true => name.clone(),
            false => format!("{path}.{name}"),
        };
        leaves(path, value, names);
    }
}
