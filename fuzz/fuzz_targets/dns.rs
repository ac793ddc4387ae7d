//! `dns`: captures of packets; the same is found in pieces as at once, and messages decode.
#![no_main]

use arrow::datatypes::Field;
use datashark_codec::capture::{Capture, Found};
use datashark_codec::dns::DnsPackets;
use datashark_codec::{Columns, Format};
use datashark_fuzz::check;
use datashark_sdk::input::Payloads;
use libfuzzer_sys::fuzz_target;

/// Reads a file that comes in two pieces.
fn read(file: &[u8], cut: usize) -> (Payloads, Vec<(u64, String)>) {
    let (mut capture, mut found) = (Capture::new(), Found::from(0));
    let mut start = 0;
    for end in [cut, file.len()] {
        match capture.take(&file[start..end], start as u64, &mut found) {
            Ok(n_taken) => start += n_taken,
            Err(damage) => {
                assert!(damage.offset as usize >= start);
                start = file.len();
                break;
            }
        }
    }
    capture.finish(&file[start..], start as u64, &mut found);
    let (lines, unreadable) = found.take();
    let payloads = Payloads {
        records: lines.records,
        offsets: lines.offsets,
        header: None,
        first_line: None,
        beside: None,
    };
    (payloads, unreadable)
}

fuzz_target!(|file: &[u8]| {
    let (payloads, unreadable) = read(file, 0);
    let (pieces, same) = read(file, file.len() / 2);
    assert_eq!(payloads.records, pieces.records);
    assert_eq!(payloads.offsets, pieces.offsets);
    assert_eq!(unreadable, same);
    assert!(payloads.offsets.is_sorted());

    let format = DnsPackets::new();
    let Columns::Fixed(fields) = format.columns() else {
        return;
    };
    let fields: Vec<Field> = fields.iter().map(|field| field.as_ref().clone()).collect();
    let mut all = format.decoder(&fields).expect("its own columns");
    let all = check(&mut *all, &payloads, 0);
    let mut none = format.decoder(&[]).expect("no columns");
    assert_eq!(check(&mut *none, &payloads, 0).invalid, all.invalid);
});
