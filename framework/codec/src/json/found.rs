//! Which members the objects of a log have.

use arrow::array::BinaryViewArray;
use serde_json::Value;

use crate::found::N_RECORDS;

/// Names that are noted: a record may have as many as it is long.
const N_NAMES: usize = 1_000;

/// The members of the first objects, nested ones by dots, in the order in which they appear.
pub(crate) fn member_names(records: &BinaryViewArray) -> Vec<String> {
    let mut names = Vec::new();
    for record in records.iter().flatten().take(N_RECORDS) {
        if let Ok(object @ Value::Object(_)) = serde_json::from_slice(record) {
            leaves(String::new(), &object, &mut names);
        }
    }
    names
}

/// The names of all that is no object. serde_json nests at most 128 deep, and so does this.
fn leaves(path: String, value: &Value, names: &mut Vec<String>) {
    let Value::Object(members) = value else {
        if names.len() < N_NAMES && !names.contains(&path) {
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
