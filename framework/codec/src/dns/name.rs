//! A domain name as text.

use domain::base::ParsedName;

/// Writes a name as in a zone file, without the dot at its end; the root is `.`.
pub(super) fn write(name: &ParsedName<&[u8]>, text: &mut String) {
    let start = text.len();
    for label in name.iter() {
        if label.is_root() {
            continue;
        }
        if text.len() > start {
            text.push('.');
        }
        for byte in label.as_slice() {
            match byte {
                b'.' | b'\\' => {
                    text.push('\\');
                    text.push(char::from(*byte));
                }
                b'!'..=b'~' => text.push(char::from(*byte)),
                other => {
                    text.push('\\');
                    for place in [100, 10, 1] {
                        text.push(char::from(b'0' + other / place % 10));
                    }
                }
            }
        }
    }
    if text.len() == start {
        text.push('.');
    }
}
