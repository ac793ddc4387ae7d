//! An output through its table: what comes back is what the trait gives.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;

use super::plugins::library;
use crate::conf::{Problem, Problems, Section};
use crate::ffi::wire::OutputOpening;
use crate::ffi::{abi, export};
use crate::output::{Backfill, Fate, FindingsBatch, OpenOutput, Outcome, Output};
use crate::prelude::*;

static KEPT: abi::Plugin = export::output::<Kept>("0.1.0", "");

/// An output that answers with what it was given, in the receipt.
struct Kept {
    given: Vec<String>,
    refuse: String,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptConf {
    #[serde(default)]
    refuse: String,
}

#[async_trait]
impl Output for Kept {
    type Conf = KeptConf;
    const NAME: &'static str = "kept";
    const ABOUT: &'static str = "keeps";
    const BACKFILL: Backfill = Backfill::Overwrites;

    fn check(conf: &KeptConf) -> Problems {
        match conf.refuse.as_str() {
            "all" => Problem::at(["refuse"], "not all").warning().into(),
            _ => Problems::new(),
        }
    }

    async fn open(conf: KeptConf, open: OpenOutput) -> Result<Self> {
        let names = open
            .schema
            .fields()
            .iter()
            .map(|field| field.name().clone());
        let receipt = open.receipt.unwrap_or_default();
        Ok(Kept {
            given: [open.use_case.to_string(), receipt]
                .into_iter()
                .chain(names)
                .collect(),
            refuse: conf.refuse,
        })
    }

    async fn write(&mut self, batches: &[FindingsBatch]) -> Outcome {
        // A client of a server would wait here: there is a runtime to do that with.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let mut fates = Vec::new();
        for batch in batches {
            for (key, id) in batch.findings.keys().iter().flatten().zip(batch.ids.iter()) {
                self.given.push(format!(
                    "{} {} {key} {id}",
                    batch.use_case, batch.window.end
                ));
                fates.push(match key == self.refuse {
                    true => Fate::Refused("not this one".to_owned()),
                    false => Fate::Safe,
                });
            }
        }
        Outcome::Each(fates)
    }

    async fn sync(&mut self) -> Result<Option<String>> {
        Ok(Some(self.given.join(";")))
    }

    fn delivered(&self, n_findings: usize) -> String {
        format!("Kept {n_findings}")
    }
}

#[test]
fn an_output_is_given_findings_with_their_ids_and_answers_for_each() {
    let library = library(&KEPT);
    let checked = library
        .check_output(&Section::from_iter([("refuse", "all")]))
        .unwrap();
    assert_eq!(
        (checked.problems.len(), checked.problems[0].warning),
        (1, true)
    );
    assert_eq!(Backfill::from(checked.backfill), Backfill::Overwrites);
    let rows = RecordBatch::try_from_iter([
        (
            "who",
            Arc::new(StringArray::from(vec!["x", "y"])) as Arc<dyn Array>,
        ),
        ("n", Arc::new(Int64Array::from(vec![1, 2]))),
        ("why", Arc::new(StringArray::from(vec![None, Some("z")]))),
    ]);
    let findings = Findings::try_from_rows(&rows.unwrap()).unwrap();
    let opening = OutputOpening {
        section: Section::from_iter([("refuse", "y")]),
        use_case: "u".to_owned(),
        receipt: Some("r".to_owned()),
        now: 5,
    };
    let mut output = library
        .open_output(&opening, &findings.batch().schema())
        .unwrap();
    let window = Window { start: 0, end: 60 };
    let batch = FindingsBatch {
        use_case: "u".into(),
        window,
        time: 60,
        ids: ["1".to_owned(), "2".to_owned()].into(),
        findings,
    };
    let Outcome::Each(fates) = output.write(&[batch.clone(), batch]) else {
        panic!("a fate for each")
    };
    let refused = Fate::Refused("not this one".to_owned());
    assert_eq!(fates, [Fate::Safe, refused.clone(), Fate::Safe, refused]);
    let receipt = output.sync().unwrap().unwrap();
    assert_eq!(
        receipt,
        "u;r;key;score;why;u 60 x 1;u 60 y 2;u 60 x 1;u 60 y 2"
    );
    assert_eq!(output.delivered(4).unwrap(), "Kept 4");
    let wrong = OutputOpening {
        section: Section::from_iter([("refus", "y")]),
        ..opening
    };
    let schema: SchemaRef = Arc::new(Schema::empty());
    assert!(matches!(
        library.open_output(&wrong, &schema),
        Err(Error::Conf(_))
    ));
}
