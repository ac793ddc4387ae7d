//! From scanned lines to a [`Section`], by way of configparser.
//!
//! configparser reads INI: it knows no subsections, cuts values at comment signs unless told not
//! to, takes `:` as a delimiter and lets a repeated key win silently. So it is handed a text in
//! which none of this can matter: one header per section with the whole path (`[/log_filter/
//! include]`), one line per key, `=` as the only delimiter, no comments. Keys and names have every
//! byte but letters, digits, `_`, `-` and `.` written as `%XX`; values only `%` and line ends.

use std::fmt::Write;

use configparser::ini::{Ini, IniDefault};
use datashark_sdk::conf::{Section, Value};

use crate::scan::Entry;

/// Reads the entries of a scan as a section.
///
/// # Errors
/// Where configparser does not give back what it was handed, which is a defect.
pub(crate) fn read(entries: &[Entry]) -> Result<Section, String> {
    let mut ini = Ini::new_from_defaults(settings());
    ini.read(text(entries))?;
    let mut root = Section::new();
    for entry in entries {
        let Some((name, sections)) = entry.path.split_last() else {
            continue;
        };
        let value = match entry.raw {
            None => Value::Section(Section::new()),
            Some(_) => {
                let value = ini.get(&section_name(sections), &encode(name, is_plain));
                Value::Text(decode(&value.ok_or_else(|| format!("`{name}` was lost"))?))
            }
        };
        let parent = sections
            .iter()
            .try_fold(&mut root, |node, name| node.section_mut(name));
        parent
            .ok_or_else(|| format!("the section of `{name}` was lost"))?
            .insert(name, value);
    }
    Ok(root)
}

fn settings() -> IniDefault {
    let mut settings = IniDefault::default();
    settings.case_sensitive = true;
    settings.delimiters = vec!['='];
    settings.comment_symbols = Vec::new();
    settings.enable_inline_comments = false;
    settings.multiline = false;
    settings
}

fn text(entries: &[Entry]) -> String {
    let mut text = String::new();
    let mut current = None;
    for entry in entries {
        let (Some((name, sections)), Some(raw)) = (entry.path.split_last(), &entry.raw) else {
            continue;
        };
        let section = section_name(sections);
        if current.as_ref() != Some(&section) {
            text.push_str(&format!("[{section}]\n"));
            current = Some(section);
        }
        let value = encode(raw, |c| !matches!(c, '%' | '\n' | '\r'));
        text.push_str(&format!("{}={value}\n", encode(name, is_plain)));
    }
    text
}

fn section_name(sections: &[String]) -> String {
    sections.iter().fold("/".to_owned(), |name, part| {
        name + &encode(part, is_plain) + "/"
    })
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn encode(text: &str, plain: impl Fn(char) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if plain(c) {
            encoded.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    // An empty key would not be one to configparser.
    if encoded.is_empty() {
        "%".to_owned()
    } else {
        encoded
    }
}

/// Undoes the encoding of a value, where only `%` and line ends are encoded.
fn decode(value: &str) -> String {
    if value == "%" {
        return String::new();
    }
    value
        .replace("%0A", "\n")
        .replace("%0D", "\r")
        .replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::scan;

    #[test]
    fn configparser_gives_back_what_it_would_misread_unencoded() {
        let conf = "Key: x = [a]\nkey: X = # no comment; none\n'#k' = %25 %0A %\n'=' = ''\n\
                    ' ' = \nä = ö\n[s/t]\n[[']']]\nk = '''1\r\n2'''\n[[' ']]\n[DEFAULT]\nd = :\n";
        let section = read(&scan(conf).entries).unwrap();
        let expected = serde_json::json!({
            "Key: x": "[a]", "key: X": "# no comment; none", "#k": "%25 %0A %", "=": "''",
            " ": "", "ä": "ö",
            "s/t": {"]": {"k": "'''1\r\n2'''"}, " ": {}},
            "DEFAULT": {"d": ":"},
        });
        assert_eq!(section.to_json(), expected);
    }
}
