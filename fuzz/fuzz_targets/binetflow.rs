//! `binetflow`: flows of Argus behind whatever names the fields.
#![no_main]

use datashark_codec::binetflow::Binetflow;
use datashark_codec::{Columns, Format};
use datashark_fuzz::{check, lines};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let payloads = lines(text, true);
    let n_headers = usize::from(!payloads.offsets.is_empty());
    let format = Binetflow::new();
    let Columns::Fixed(fields) = format.columns() else {
        return;
    };
    let fields: Vec<_> = fields.iter().map(|field| field.as_ref().clone()).collect();
    let mut all = format.decoder(&fields).expect("its own columns");
    let all = check(&mut *all, &payloads, n_headers);
    let mut none = format.decoder(&[]).expect("no columns");
    assert_eq!(check(&mut *none, &payloads, n_headers).invalid, all.invalid);
});
