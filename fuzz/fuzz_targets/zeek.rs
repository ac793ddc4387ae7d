//! `zeek`: tables and objects; the same lines are read alike wherever reading begins.
#![no_main]

use arrow::datatypes::{DataType, Field};
use datashark_codec::Format;
use datashark_codec::zeek::Zeek;
use datashark_fuzz::{check_cut, check_marked, text_field};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let format = Zeek::new();
    let known = format.known_columns();
    let known: Vec<_> = known.iter().map(|field| field.as_ref().clone()).collect();
    let own = [
        text_field("a"),
        Field::new("id.orig_p", DataType::Int64, true),
        Field::new("b", DataType::Boolean, true),
    ];
    for asked in [&known[..], &own[..], &own[..1], &[]] {
        let mut decoder = format.decoder(asked).expect("any column");
        let decoded = check_marked(&mut *decoder, text);
        check_cut(&mut *decoder, text, &decoded);
    }
});
