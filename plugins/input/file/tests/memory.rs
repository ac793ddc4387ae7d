//! What hostile files cost: little, however long their lines are and however well they pack.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs::{self, File};
use std::io::{BufWriter, Write};

use support::{folder, read_batch};

/// The most memory that this process has had, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[tokio::test]
async fn a_line_of_a_hundred_megabytes_takes_a_few_blocks_of_memory() {
    let files = folder(&[]);
    let path = files.path().join("a.log");
    let packed_path = files.path().join("b.log.gz");
    let write = |out: &mut dyn Write| {
        out.write_all(b"before\n").unwrap();
        for _ in 0..100 << 10 {
            out.write_all(&[b'x'; 1 << 10]).unwrap();
        }
        out.write_all(b"\nafter\n").unwrap();
    };
    write(&mut BufWriter::new(File::create(&path).unwrap()));
    let file = File::create(&packed_path).unwrap();
    let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    write(&mut packer);
    packer.finish().unwrap();

    let before = peak();
    for path in [path, packed_path] {
        let read = read_batch(&path).await;
        let a = read.of(path.to_str().unwrap());
        assert_eq!(a.lines(), ["before", "after"]);
        let [oversized] = a.oversized.as_slice() else {
            panic!("{}", a.oversized.len())
        };
        assert_eq!((oversized.offset, oversized.line), (7, Some(2)));
        assert_eq!(oversized.n_bytes, 100 << 20);
        assert_eq!(oversized.head, [b'x'; 4096]);
    }
    let more = peak() - before;
    assert!(more < 32 << 20, "{more} bytes more");
}
