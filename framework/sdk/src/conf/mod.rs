//! A section of a conf as its author's code sees it: keys with text values, typed by serde.
//!
//! Every value in a conf is text; what it means is the business of the type that it is read into.
//! [`Section::parse`] reads a whole section into such a type and reports every mistake at once,
//! each as a [`Problem`] that names the key, so that whoever has the file can point at its line.
//!
//! | the type asks for | the text is |
//! |---|---|
//! | `String` | itself, without its outer pair of quotes; no escapes are processed |
//! | `char` | one character, or `\t` for a tab |
//! | integers, floats | decimal digits; a float is finite |
//! | `bool` | `true` `yes` `on` `1` or `false` `no` `off` `0`, in any case |
//! | `Option<T>` | nothing behind `=` is `None`; `""` is not nothing |
//! | an enum of unit variants | the name of one of them |
//! | `Vec<T>` | items between commas: `a, "b, c", d`; a comma at the end is allowed |
//! | a struct, a map | a subsection |
//! | [`Duration`](std::time::Duration), by [`duration`] | `60s`, `5m`, `1h30m` |
//! | a size in bytes, by [`size`] | `64MB`, `1GiB`, `512KB`, `4096` |
//! | [`Secret`] | itself, or `${env:NAME}` for what the environment has by that name |
//!
//! A type says `#[serde(deny_unknown_fields)]` to have an unknown key reported with the nearest
//! right name. `#[serde(flatten)]` works where what is flattened asks for text.
//!
//! # Examples
//! ```
//! use std::time::Duration;
//! use datashark_sdk::conf::Section;
//!
//! #[derive(serde::Deserialize, Debug)]
//! #[serde(deny_unknown_fields)]
//! struct Webhook {
//!     url: String,
//!     #[serde(default, with = "datashark_sdk::conf::duration::option")]
//!     timeout: Option<Duration>,
//! }
//!
//! let section = Section::from_iter([("url", "'http://x/'"), ("timeout", "5s")]);
//! let webhook: Webhook = section.parse()?;
//! assert_eq!(webhook.url, "http://x/");
//! assert_eq!(webhook.timeout, Some(Duration::from_secs(5)));
//!
//! let problems = Section::from_iter([("timeot", "5s")]).parse::<Webhook>().unwrap_err();
//! assert_eq!(problems.0[0].message, "unknown key `timeot`, did you mean `timeout`?");
//! assert_eq!(problems.0[1].message, "missing key `url`");
//! # Ok::<(), datashark_sdk::conf::Problems>(())
//! ```

mod de;
pub mod duration;
mod json;
mod parse;
mod problem;
mod quantity;
mod secret;
pub mod size;
mod text;
pub mod time;

pub use problem::{Problem, Problems, nearest};
pub use secret::Secret;
pub use text::{holds_comment, unquote};

/// A value: text, or a section of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The text as written behind `=`, without surrounding white space, quotes still on it.
    Text(String),
    /// A subsection.
    Section(Section),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<Section> for Value {
    fn from(section: Section) -> Self {
        Value::Section(section)
    }
}

/// Keys and their values, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    entries: Vec<(String, Value)>,
}

impl Section {
    /// A section without keys.
    pub fn new() -> Self {
        Section::default()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// The text of a key without its outer quotes; `None` where there is none or it is a section.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(raw) => Some(unquote(raw)),
            Value::Section(_) => None,
        }
    }

    /// A subsection by its name; `None` where there is none or it is text.
    pub fn section(&self, name: &str) -> Option<&Section> {
        match self.get(name)? {
            Value::Text(_) => None,
            Value::Section(section) => Some(section),
        }
    }

    /// A subsection by its name, for changing it.
    pub fn section_mut(&mut self, name: &str) -> Option<&mut Section> {
        match self.entries.iter_mut().find(|(key, _)| key == name) {
            Some((_, Value::Section(section))) => Some(section),
            _ => None,
        }
    }

    /// Sets a key; a key that is there already keeps its place, and its old value is returned.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.into(), value.into());
        match self.entries.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => Some(std::mem::replace(old, value)),
            None => {
                self.entries.push((key, value));
                None
            }
        }
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.remove(at).1)
    }

    /// Whether there is such a key or subsection.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// All keys and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_str(), value))
    }

    /// All names of keys and subsections, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }

    /// The subsections, in order.
    pub fn sections(&self) -> impl Iterator<Item = (&str, &Section)> {
        self.iter().filter_map(|(key, value)| match value {
            Value::Text(_) => None,
            Value::Section(section) => Some((key, section)),
        })
    }

    /// How many keys and subsections there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Section {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(iter: I) -> Self {
        let mut section = Section::new();
        for (key, value) in iter {
            section.insert(key, value);
        }
        section
    }
}

impl IntoIterator for Section {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_keeps_the_order_of_its_keys_and_replaces_in_place() {
        let mut section = Section::from_iter([("b", "1"), ("a", "2")]);
        section.insert("c", Section::new());
        assert_eq!(section.insert("b", "3"), Some(Value::Text("1".into())));
        assert_eq!(section.keys().collect::<Vec<_>>(), ["b", "a", "c"]);
        assert_eq!(
            section.sections().map(|(name, _)| name).collect::<Vec<_>>(),
            ["c"]
        );
        assert_eq!(section.remove("a"), Some(Value::Text("2".into())));
        assert_eq!((section.len(), section.text("b")), (2, Some("3")));
    }
}
