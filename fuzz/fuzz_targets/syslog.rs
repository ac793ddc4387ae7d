//! `syslog`: the same lines are invalid whatever is asked for, in every zone.
#![no_main]

use datashark_codec::syslog::Syslog;
use datashark_codec::timestamp::TimeOptions;
use datashark_fuzz::{check_named, lines};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let payloads = lines(text, false);
    for (year, timezone) in [(None, None), (Some(2024), Some("Europe/Berlin".to_owned()))] {
        let format = Syslog::try_new(&TimeOptions { year, timezone }).expect("a year and a zone");
        check_named(&format, &["a", "x.a"], &payloads);
    }
});
