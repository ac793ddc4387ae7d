//! `eve`: the same records are invalid as with `json`, and members are the same.
#![no_main]

use datashark_codec::Format;
use datashark_codec::eve::Eve;
use datashark_codec::json::Json;
use datashark_fuzz::{check, lines, text_field};
use libfuzzer_sys::fuzz_target;

const MEMBERS: [&str; 4] = ["a", "a.b", "src_ip", "alert.severity"];

fuzz_target!(|text: &[u8]| {
    let payloads = lines(text, false);
    let format = Eve::new();
    let known = format.known_columns();
    let known: Vec<_> = known.iter().map(|field| field.as_ref().clone()).collect();
    let mut typed = format.decoder(&known).expect("its own columns");
    check(&mut *typed, &payloads, 0);

    let members = MEMBERS.map(text_field);
    let mut ours = format.decoder(&members).expect("any member");
    let ours = check(&mut *ours, &payloads, 0);
    let mut theirs = Json::new().decoder(&members).expect("any member");
    let theirs = check(&mut *theirs, &payloads, 0);
    assert_eq!(ours.rows, theirs.rows);
    assert_eq!(ours.invalid, theirs.invalid);
});
