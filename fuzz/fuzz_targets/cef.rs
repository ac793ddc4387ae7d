//! `cef`: the same lines are invalid whatever is asked for.
#![no_main]

use datashark_codec::cef::Cef;
use datashark_codec::timestamp::TimeOptions;
use datashark_fuzz::{check_named, lines};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let options = TimeOptions {
        year: Some(2024),
        timezone: None,
    };
    let format = Cef::try_new(&options).expect("a year");
    check_named(&format, &["cs1", "src"], &lines(text, false));
});
