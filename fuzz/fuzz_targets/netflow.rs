//! `netflow`: datagrams, of which the second may use what the first said.
#![no_main]

use std::net::IpAddr;

use arrow::array::Array;
use datashark_codec::netflow::{Collector, Datagram};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // The first two bytes say where the first datagram ends.
    let Some((cut, bytes)) = input.split_first_chunk::<2>() else {
        return;
    };
    let cut = usize::from(u16::from_be_bytes(*cut)) % (bytes.len() + 1);
    let mut collector = Collector::try_new(None).expect("all columns");
    for bytes in [&bytes[..cut], &bytes[cut..], &bytes[cut..]] {
        collector.read(&Datagram {
            exporter: IpAddr::from([192, 0, 2, 1]),
            received: 1_462_456_498_250_000,
            bytes,
        });
    }
    let n_rows = collector.n_rows();
    let taken = collector.take();
    assert_eq!(taken.rows.num_rows(), n_rows);
    assert!(n_rows <= 3 * input.len());
    for column in taken.rows.columns() {
        column.to_data().validate_full().expect("columns are sound");
    }
});
