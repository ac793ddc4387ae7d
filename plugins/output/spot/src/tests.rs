//! Findings in, files out.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use datashark_sdk::conf::Section;
use datashark_sdk::output::OutputEntry;
use datashark_sdk::{Findings, Stores, Window};

use super::*;

/// Two DNS answers, of which the second lacks what may be missing.
fn findings() -> Findings {
    let texts =
        |values: [Option<&str>; 2]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
    let numbers =
        |values: [Option<i64>; 2]| -> ArrayRef { Arc::new(Int64Array::from(values.to_vec())) };
    let name = [Some("a\tb\r\nc.example"), Some("x.example")];
    let columns = [
        ("key", texts([Some("10.0.0.1"), Some("10.0.0.2")])),
        (
            "score",
            Arc::new(Float64Array::from(vec![5e-7, 0.25])) as ArrayRef,
        ),
        ("word", texts([Some("w"), Some("w")])),
        (
            "frame_time",
            texts([Some("May 20 2016 02:10:25 UTC"), None]),
        ),
        ("unix_tstamp", numbers([Some(1_463_735_425), Some(7)])),
        ("frame_len", numbers([Some(168), Some(60)])),
        ("ip_dst", texts([Some("10.0.0.1"), Some("10.0.0.2")])),
        ("dns_qry_name", texts(name)),
        ("dns_qry_class", texts([Some("0x00000001"), None])),
        ("dns_qry_type", numbers([Some(1), None])),
        ("dns_qry_rcode", numbers([Some(0), None])),
    ];
    let columns = columns
        .into_iter()
        .map(|(name, column)| (name, column, true));
    let rows = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    Findings::try_from_rows(&rows).unwrap()
}

fn batch(window: Window) -> FindingsBatch {
    let findings = findings();
    let ids = findings.ids("x", &window).into();
    FindingsBatch {
        use_case: "x".into(),
        window,
        time: window.end,
        findings,
        ids,
    }
}

async fn deliver(folder: &str) -> Outcome {
    let conf = SpotConf {
        folder: folder.to_owned(),
        delimiter: '\t',
    };
    let open = OpenOutput {
        use_case: "x".into(),
        schema: findings().batch().schema(),
        receipt: None,
        now: 0,
        stores: Stores::default(),
    };
    let mut output = Spot::open(conf, open).await.unwrap();
    let day = Window {
        start: 1_463_702_400_000_000,
        end: 1_463_788_800_000_000,
    };
    output.write(&[batch(day)]).await
}

const LINES: &str = "\
May 20 2016 02:10:25 UTC\t1463735425\t168\t10.0.0.1\ta b  c.example\t0x00000001\t1\t0\t5.0E-7
null\t7\t60\t10.0.0.2\tx.example\tunknown\t-1\t-1\t0.25
";

#[tokio::test]
async fn the_file_is_spots_and_one_with_types_is_beside_it() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("{date}/scores");
    let outcome = deliver(&folder.to_string_lossy()).await;
    assert!(matches!(outcome, Outcome::Safe), "{outcome:?}");
    let folder = root.path().join("20160520/scores");
    let text = fs::read_to_string(folder.join("dns_results.csv")).unwrap();
    assert_eq!(text, LINES);
    let typed = File::open(folder.join("dns_results.parquet")).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(typed, 10);
    let rows: Vec<RecordBatch> = reader.unwrap().map(Result::unwrap).collect();
    assert_eq!(rows[0].columns(), findings().batch().columns());
}

#[tokio::test]
async fn what_cannot_be_written_leaves_the_old_file() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("scores");
    fs::write(&file, "no folder").unwrap();
    let outcome = deliver(&file.to_string_lossy()).await;
    assert!(matches!(outcome, Outcome::Stop(_)), "{outcome:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "no folder");
}

#[test]
fn no_findings_are_an_empty_file() {
    let root = tempfile::tempdir().unwrap();
    let layout = Layout::of_kind("flow").unwrap();
    fs::write(root.path().join("flow_results.parquet"), "old").unwrap();
    let path = write_none(root.path(), layout).unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), "");
    assert!(!root.path().join("flow_results.parquet").exists());
}

#[test]
fn mistakes_name_their_keys() {
    let section = Section::from_iter([("folder", "''"), ("delimiter", "\"\n\"")]);
    let problems = OutputEntry::of::<Spot>().check(&section);
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "folder: the folder is empty",
            "delimiter: a line end cannot stand between values, found '\\n'"
        ]
    );
}
