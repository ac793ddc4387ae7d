//! `plugin_answer`: whatever a plugin's process answers is rows, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    datashark_fuzz::caught_panics_are_no_crashes();
    datashark_plugins::read_answer(bytes);
});
