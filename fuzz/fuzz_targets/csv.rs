//! `csv`: records with and without a header, of several separators and quotes.
//!
//! The first byte chooses the options.
#![no_main]

use arrow::datatypes::{DataType, Field};
use datashark_codec::Format;
use datashark_codec::csv::{Csv, CsvOptions};
use datashark_fuzz::{check, lines, text_field, time};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((choice, text)) = input.split_first() else {
        return;
    };
    let header = choice & 1 == 1;
    let options = CsvOptions {
        separator: [',', ';', '\t', '|'][usize::from(choice >> 1 & 3)],
        quote_char: ['"', '\''][usize::from(choice >> 3 & 1)],
        columns: if header {
            vec![]
        } else {
            ["a", "b", "c"].map(str::to_owned).to_vec()
        },
        header,
    };
    let format = Csv::try_new(options).expect("options that go together");
    let payloads = lines(text, header);
    let n_headers = usize::from(header && !payloads.offsets.is_empty());
    let columns = [
        text_field("a"),
        Field::new("b", DataType::Int64, true),
        Field::new("c", time(), true),
    ];
    for asked in [&columns[..], &columns[..1], &[]] {
        let mut decoder = format.decoder(asked).expect("known columns");
        check(&mut *decoder, &payloads, n_headers);
    }
});
