//! What the user writes.

use datashark_sdk::conf::{Problem, Problems};
use serde::Deserialize;

use crate::store::{INVALID, Store};

/// The section `[out_delta]`; see the crate's page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeltaConf {
    /// The folder of the store.
    pub store: String,
    /// The table in it. `flow`, `dns` and `proxy` take records with Spot's columns, any other name takes
    /// findings of any use case. Default `findings`.
    #[serde(default = "findings")]
    pub table: String,
}

impl DeltaConf {
    /// Every mistake.
    pub(crate) fn problems(&self) -> Problems {
        let empty = self.store.trim().is_empty();
        let store = empty.then(|| Problem::at(["store"], "the folder is empty"));
        let store = store.or_else(|| {
            let refused = Store::refused(&self.store);
            refused.map(|message| Problem::at(["store"], message))
        });
        let is_name = !self.table.is_empty()
            && self
                .table
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let table = match is_name {
            true if [INVALID, crate::event::NAME].contains(&self.table.as_str()) => {
                Some(format!("`{}` is a name of the store's own", self.table))
            }
            true => None,
            false => Some(format!(
                "expected small letters, digits and `_`, found `{}`",
                self.table
            )),
        };
        let table = table.map(|message| Problem::at(["table"], message));
        store.into_iter().chain(table).collect()
    }
}

fn findings() -> String {
    "findings".to_owned()
}
