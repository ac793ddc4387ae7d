//! A section as JSON: how a conf crosses the plugins' C face, and how serde passes one on whole.
//!
//! Texts are strings as written, quotes still on them, and sections are objects; so a section
//! that comes back from JSON is equal to the one that went.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Problem, Problems, Section, Value};

/// By this name a [`Value`] asks our own deserializer for its text with the quotes still on it.
pub(super) const RAW: &str = "$datashark_sdk::conf::Value";

impl Section {
    /// The section as a JSON object of strings, quotes still on them, and objects.
    pub fn to_json(&self) -> serde_json::Value {
        let member = |(key, value): (&str, &Value)| {
            let json = match value {
                Value::Text(raw) => serde_json::Value::String(raw.clone()),
                Value::Section(section) => section.to_json(),
            };
            (key.to_owned(), json)
        };
        serde_json::Value::Object(self.iter().map(member).collect())
    }

    /// A section from a JSON object; numbers and booleans become their text, `null` no key.
    ///
    /// # Errors
    /// Where it is no object, or an array is in it.
    pub fn from_json(json: &serde_json::Value) -> Result<Section, Problems> {
        let Some(object) = json.as_object() else {
            return Err(Problem::new(format!("expected a JSON object, found `{json}`")).into());
        };
        let mut section = Section::new();
        for (key, json) in object {
            let value = match json {
                serde_json::Value::Null => continue,
                serde_json::Value::String(text) => Value::Text(text.clone()),
                serde_json::Value::Object(_) => {
                    Value::Section(Section::from_json(json).map_err(|e| e.below([key]))?)
                }
                serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {
                    Value::Text(json.to_string())
                }
                serde_json::Value::Array(_) => {
                    return Err(Problem::at([key], "expected a text, found a JSON array").into());
                }
            };
            section.insert(key, value);
        }
        Ok(section)
    }
}

impl Serialize for Section {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self.iter() {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Text(raw) => serializer.serialize_str(raw),
            Value::Section(section) => section.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Section {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Sections)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(RAW, Values)
    }
}

struct Sections;

impl<'de> Visitor<'de> for Sections {
    type Value = Section;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a section")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Section, A::Error> {
        let mut section = Section::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            section.insert(key, value);
        }
        Ok(section)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a section")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        Sections.visit_map(map).map(Value::Section)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(Values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Section {
        let options = Section::from_iter([("es.nodes", "'a, b'")]);
        let mut section = Section::from_iter([("separator", "','"), ("title", "Use Case")]);
        section.insert("options", options);
        section
    }

    #[test]
    fn a_section_comes_back_from_json_as_it_went() {
        let json = sample().to_json();
        let text = r#"{"separator":"','","title":"Use Case","options":{"es.nodes":"'a, b'"}}"#;
        assert_eq!(json.to_string(), text);
        assert_eq!(Section::from_json(&json), Ok(sample()));
        assert_eq!(serde_json::from_str::<Section>(text).unwrap(), sample());
        assert_eq!(serde_json::to_string(&sample()).unwrap(), text);
    }

    #[test]
    fn a_section_inside_a_type_keeps_its_quotes() {
        #[derive(serde::Deserialize)]
        struct Outer {
            options: Section,
        }
        let outer: Outer = sample().parse().unwrap();
        assert_eq!(outer.options, Section::from_iter([("es.nodes", "'a, b'")]));
    }

    #[test]
    fn json_numbers_and_booleans_become_text_and_arrays_are_refused() {
        let json = serde_json::json!({"port": 514, "debug": true, "none": null});
        let expected = Section::from_iter([("port", "514"), ("debug", "true")]);
        assert_eq!(Section::from_json(&json), Ok(expected));
        let refused = Section::from_json(&serde_json::json!({"a": {"b": []}})).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a.b: expected a text, found a JSON array"
        );
    }
}
