//! `nfcapd`: what `nfdump` prints; a line is a flow, invalid, or none.
#![no_main]

use arrow::array::Array;
use datashark_codec::nfcapd::Nfcapd;
use datashark_codec::{Columns, Format};
use datashark_fuzz::lines;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let payloads = lines(text, false);
    let format = Nfcapd::new();
    let Columns::Fixed(fields) = format.columns() else {
        return;
    };
    let fields: Vec<_> = fields.iter().map(|field| field.as_ref().clone()).collect();
    let all = format
        .decoder(&fields)
        .expect("its own columns")
        .decode(&payloads);
    let n = all.rows.num_rows() + all.invalid.len() + all.n_filtered;
    assert_eq!(n, payloads.records.len());
    let none = format.decoder(&[]).expect("no columns").decode(&payloads);
    assert_eq!(none.invalid, all.invalid);
});
