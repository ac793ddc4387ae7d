//! `squid`: the same lines are invalid whatever is asked for.
#![no_main]

use datashark_codec::squid::Squid;
use datashark_codec::{Columns, Format};
use datashark_fuzz::{check, lines};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let payloads = lines(text, false);
    let format = Squid::new();
    let Columns::Fixed(fields) = format.columns() else {
        return;
    };
    let fields: Vec<_> = fields.iter().map(|field| field.as_ref().clone()).collect();
    let mut all = format.decoder(&fields).expect("its own columns");
    let all = check(&mut *all, &payloads, 0);
    let mut none = format.decoder(&[]).expect("no columns");
    assert_eq!(check(&mut *none, &payloads, 0).invalid, all.invalid);
});
