//! `text`: each line is a row, whatever its bytes.
#![no_main]

use arrow::array::AsArray;
use datashark_codec::Format;
use datashark_codec::text::Text;
use datashark_fuzz::{check, lines, text_field};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let mut decoder = Text::new()
        .decoder(&[text_field("line")])
        .expect("a known column");
    let decoded = check(&mut *decoder, &lines(text, false), 0);
    assert!(decoded.invalid.is_empty());
    let rows = decoded.rows.column(0).as_string_view();
    for (row, line) in rows.iter().zip(text.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert_eq!(row, Some(&*String::from_utf8_lossy(line)));
    }
});
