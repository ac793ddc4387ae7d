//! A list of labels for `eval`: any text labels each record once or is refused.
#![no_main]

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, StringViewArray};
use datashark_evaluation::{Label, Labels};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|list: &[u8]| {
    let list = String::from_utf8_lossy(list);
    let columns: [(&str, ArrayRef); 3] = [
        ("sip", Arc::new(StringArray::from(vec!["a", "b", "a", ""]))),
        ("dport", Arc::new(Int64Array::from(vec![Some(80), Some(443), None, Some(-1)]))),
        ("proto", Arc::new(StringViewArray::from(vec![Some("TCP"), None, Some("x,y"), Some("\"")]))),
    ];
    let records = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let Ok(labels) = Labels::of_list(&records, &list) else {
        return;
    };
    assert_eq!(labels.labels.len(), records.num_rows());
    for label in &labels.labels {
        match label {
            Label::Attack(attack) => assert!((*attack as usize) < labels.kinds.len()),
            Label::Harmless => {}
            Label::Unknown => panic!("a list knows of every record"),
        }
    }
    // Each kind is one attack, and has a record.
    for (attack, kind) in labels.kinds.iter().enumerate() {
        assert!(labels.labels.contains(&Label::Attack(attack as u32)));
        assert!(!labels.kinds[..attack].contains(kind));
    }
});
