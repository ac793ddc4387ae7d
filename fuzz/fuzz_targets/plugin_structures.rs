//! `plugin_structures`: whatever a plugin fills into Arrow's structures is valid, or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    datashark_fuzz::caught_panics_are_no_crashes();
    datashark_sdk::ffi::host::read_hostile(bytes);
});
