//! What a file is by how it begins: some format that there is, whatever the bytes, and what it says is the
//! same with line ends of another system and behind empty lines.
#![no_main]

use datashark_codec::recognise::{MAGIC_BYTES, Unknown, by_lines, by_magic};
use datashark_codec::registry;
use datashark_sdk::conf::Section;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let found = by_lines(&lines);
    match found {
        Ok(name) => {
            let format = registry::format(name, &Section::new(), &registry::no_files);
            format.expect("it is a format without options");
        }
        Err(Unknown::Empty) => assert!(bytes.trim_ascii().is_empty()),
        Err(_) => assert!(!bytes.trim_ascii().is_empty()),
    }
    let magic = by_magic(&bytes[..bytes.len().min(MAGIC_BYTES)]);
    assert_eq!(magic, by_magic(bytes));
    // Of a capture the first line counts, and its bytes.
    if magic.is_none() && found != Ok("dns") {
        let returned = lines.iter().map(|line| [line, &b"\r"[..]].concat());
        assert_eq!(by_lines(&returned.collect::<Vec<_>>()), found);
    }
});
