//! `w3c`: the same lines are read alike wherever reading begins, with fields of the conf and without.
#![no_main]

use arrow::datatypes::{DataType, Field};
use datashark_codec::Format;
use datashark_codec::w3c::{W3c, W3cOptions};
use datashark_fuzz::{check_cut, check_marked, text_field};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    for fields in ["", "date time c-ip cs-uri-stem cs-uri-query a"] {
        let format = W3c::new(&W3cOptions {
            fields: fields.to_owned(),
        });
        let known = format.known_columns();
        let known: Vec<_> = known.iter().map(|field| field.as_ref().clone()).collect();
        let own = [
            text_field("timestamp"),
            text_field("url_original"),
            Field::new("a", DataType::Int64, true),
        ];
        for asked in [&known[..], &own[..], &own[..2], &[]] {
            let mut decoder = format.decoder(asked).expect("any column");
            let decoded = check_marked(&mut *decoder, text);
            check_cut(&mut *decoder, text, &decoded);
        }
    }
});
