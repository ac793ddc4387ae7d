//! Any bytes as a use case's conf and as the global one: every layer, drawing included.

#![no_main]

use std::path::Path;

use datashark_conf::{Style, check_bytes, check_global_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let path = Path::new("conf/fuzz/fuzz.conf");
    let checked = check_bytes(data, path);
    let drawn = checked.diagnostics.render(Style::Plain, 80);
    assert_eq!(drawn.is_empty(), checked.diagnostics.is_empty());
    let is_ok = !checked.diagnostics.has_errors();
    assert_eq!(checked.into_result().is_ok(), is_ok);
    check_global_bytes(data, path)
        .diagnostics
        .render(Style::Fancy, 20);
});
