//! `plugin_structures`: whatever a plugin fills into Arrow's structures is valid, or refused.
#![no_main]

use std::sync::Once;

use libfuzzer_sys::fuzz_target;

/// libFuzzer's own hook ends the process at every panic. What Arrow's constructors assert is caught where
/// structures are read, as in a run; a panic that nobody catches still ends it.
static HOOK: Once = Once::new();

fuzz_target!(|bytes: &[u8]| {
    HOOK.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    datashark_sdk::ffi::host::read_hostile(bytes);
});
