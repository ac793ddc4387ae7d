//! The index template: the types of a document's members, from the schema of the findings; pure.
//!
//! A text is a keyword, so that it can be counted and filtered by, and one too long for that is kept
//! but not indexed: a document is never refused for what an attacker put into a log. Neither are a
//! number or a time that the server's type cannot hold. A map, whose members' names come from the
//! data, is kept and not indexed, as each new name would widen the mapping until the server's limit.

use arrow::datatypes::{DataType, Schema};
use datashark_sdk::document::DocumentNames;
use serde_json::{Map, Value, json};

use crate::index::IndexName;

/// The most characters of a keyword that is indexed: Lucene takes 32,766 bytes, and a character has at
/// most 4 (Elasticsearch's page on `ignore_above`).
const IGNORE_ABOVE: u32 = 8191;
/// The form of the template; a template of a later one is left alone.
const VERSION: u64 = 1;
/// What `_meta.managed_by` says of a template of ours.
const MANAGED_BY: &str = "datashark";

/// The members of a template that may be written.
const WRITABLE: [&str; 10] = [
    "index_patterns",
    "template",
    "_meta",
    "priority",
    "composed_of",
    "version",
    "data_stream",
    // Of the legacy form.
    "order",
    "mappings",
    "settings",
];

/// Where the body of a template has what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `_index_template`, since Elasticsearch 7.8 and in every OpenSearch.
    Composable,
    /// `_template`, before that.
    Legacy,
}

impl Form {
    /// The path of the template with this name.
    pub(crate) fn path(self, name: &str) -> String {
        match self {
            Form::Composable => format!("_index_template/{name}"),
            Form::Legacy => format!("_template/{name}"),
        }
    }

    /// The body for the indices of this name.
    pub(crate) fn body(self, index: &IndexName, properties: &Value) -> Value {
        let meta = json!({"managed_by": MANAGED_BY, "version": VERSION});
        let mut mappings = json!({
            // A text that looks like a date would make all the others invalid.
            "date_detection": false,
            "dynamic_templates": [{"texts": {"match_mapping_type": "string", "mapping": keyword()}}],
            "properties": properties,
        });
        match self {
            Form::Composable => json!({
                "index_patterns": [index.wildcard()],
                "template": {"mappings": mappings},
                "_meta": meta,
            }),
            Form::Legacy => {
                mappings["_meta"] = meta;
                json!({"index_patterns": [index.wildcard()], "order": 0, "mappings": mappings})
            }
        }
    }

    /// The template in the answer to a request for it.
    pub(crate) fn found<'a>(self, answer: &'a mut Value, name: &str) -> Option<&'a mut Value> {
        match self {
            Form::Composable => answer.pointer_mut("/index_templates/0/index_template"),
            Form::Legacy => answer.get_mut(name),
        }
    }

    /// Adds to a template what it lacks of these properties; whether there was anything to add. One
    /// that is not of ours, or of a later version, lacks nothing: somebody has it as it should be.
    pub(crate) fn complete(self, template: &mut Value, properties: &Value) -> bool {
        let (meta, mappings) = match self {
            Form::Composable => ("/_meta", "/template/mappings/properties"),
            Form::Legacy => ("/mappings/_meta", "/mappings/properties"),
        };
        let ours = template.pointer(meta).is_some_and(|meta| {
            meta["managed_by"] == MANAGED_BY && meta["version"].as_u64() <= Some(VERSION)
        });
        let there = template.pointer_mut(mappings);
        let completed = ours && there.is_some_and(|there| add_missing(there, properties));
        if let Some(template) = template.as_object_mut() {
            // Servers show when a template was made, and take no such thing.
            template.retain(|key, _| WRITABLE.contains(&key.as_str()));
        }
        completed
    }
}

/// The mapping of a document's members.
pub(crate) fn properties(names: &DocumentNames, findings: &Schema) -> Value {
    let mut properties = Map::new();
    insert(&mut properties, "title", keyword());
    insert(&mut properties, "timestamp", date());
    for (name, data_type) in names.members(findings) {
        if let Some(mapping) = mapping(&data_type) {
            insert(&mut properties, &name, mapping);
        }
    }
    Value::Object(properties)
}

fn keyword() -> Value {
    json!({"type": "keyword", "ignore_above": IGNORE_ABOVE})
}

/// A year beyond 9999, which a hostile log may name, is kept and not indexed.
fn date() -> Value {
    json!({"type": "date", "ignore_malformed": true})
}

/// The mapping of a type; `None` where the server is to see by itself.
fn mapping(data_type: &DataType) -> Option<Value> {
    Some(match data_type {
        DataType::Dictionary(_, values) => return mapping(values),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => return mapping(item.data_type()),
        DataType::RunEndEncoded(_, values) => return mapping(values.data_type()),
        DataType::Struct(fields) => {
            let mut properties = Map::new();
            for field in fields {
                if let Some(mapping) = mapping(field.data_type()) {
                    insert(&mut properties, field.name(), mapping);
                }
            }
            json!({"properties": properties})
        }
        DataType::Map(..) => json!({"type": "object", "enabled": false}),
        // What is above 2^63 fits no integer type that all servers have.
        DataType::UInt64 => json!({"type": "long", "ignore_malformed": true}),
        other if other.is_integer() => json!({"type": "long"}),
        other if other.is_numeric() => json!({"type": "double"}),
        DataType::Boolean => json!({"type": "boolean"}),
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => date(),
        DataType::Null | DataType::Union(..) => return None,
        // Texts, and what is shown as one.
        _ => keyword(),
    })
}

/// Puts the mapping of a member in its place: `source.ip` is `ip` within `source`, as servers see it.
fn insert(properties: &mut Map<String, Value>, name: &str, mapping: Value) {
    let Some((first, rest)) = name.split_once('.') else {
        properties.entry(name).or_insert(mapping);
        return;
    };
    let object = properties.entry(first).or_insert_with(|| json!({}));
    // A member that is a value and an object at once: the server will say so of the documents.
    if object.get("type").is_some() {
        return;
    }
    if let Value::Object(object) = object {
        let within = object.entry("properties").or_insert_with(|| json!({}));
        if let Value::Object(within) = within {
            insert(within, rest, mapping);
        }
    }
}

fn add_missing(there: &mut Value, properties: &Value) -> bool {
    let (Value::Object(there), Value::Object(properties)) = (there, properties) else {
        return false;
    };
    let mut added = false;
    for (name, mapping) in properties {
        match there.get_mut(name) {
            None => {
                there.insert(name.clone(), mapping.clone());
                added = true;
            }
            Some(found) => {
                if let (Some(within), Some(wanted)) =
                    (found.get_mut("properties"), mapping.get("properties"))
                {
                    added |= add_missing(within, wanted);
                }
            }
        }
    }
    added
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{Field, Fields, TimeUnit};

    use super::*;

    fn schema(metadata: Vec<(&str, DataType)>) -> Schema {
        let first = [("key", DataType::Utf8), ("score", DataType::Float64)];
        let fields = first.into_iter().chain(metadata);
        Schema::new(
            fields
                .map(|(name, data_type)| Field::new(name, data_type, true))
                .collect::<Fields>(),
        )
    }

    fn of(metadata: Vec<(&str, DataType)>) -> Value {
        properties(&DocumentNames::default(), &schema(metadata))
    }

    fn item(data_type: DataType) -> Arc<Field> {
        Arc::new(Field::new("item", data_type, true))
    }

    #[test]
    fn each_member_has_the_type_of_its_column() {
        let entries = Field::new("entries", DataType::Struct(Fields::empty()), false);
        let found = of(vec![
            ("n", DataType::Int64),
            ("big", DataType::UInt64),
            ("share", DataType::Float32),
            (
                "seen",
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            ),
            ("local", DataType::Boolean),
            (
                "method",
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            ),
            ("ports", DataType::List(item(DataType::UInt16))),
            ("headers", DataType::Map(Arc::new(entries), false)),
            ("nothing", DataType::Null),
        ]);
        let keyword = json!({"type": "keyword", "ignore_above": 8191});
        let date = json!({"type": "date", "ignore_malformed": true});
        assert_eq!(
            found,
            json!({
                "title": keyword, "timestamp": date, "source_ip": keyword,
                "anomaly_score": {"type": "double"},
                "n": {"type": "long"},
                "big": {"type": "long", "ignore_malformed": true},
                "share": {"type": "double"},
                "seen": date,
                "local": {"type": "boolean"},
                "method": keyword,
                "ports": {"type": "long"},
                "headers": {"type": "object", "enabled": false},
            })
        );
    }

    #[test]
    fn dots_and_structures_are_objects() {
        let geo = DataType::Struct(Fields::from(vec![Field::new(
            "lat",
            DataType::Float64,
            true,
        )]));
        let found = of(vec![
            ("a.b", DataType::Int8),
            ("a.geo", geo),
            ("title.x", DataType::Int8),
        ]);
        assert_eq!(
            found["a"],
            json!({"properties": {
                "b": {"type": "long"},
                "geo": {"properties": {"lat": {"type": "double"}}},
            }})
        );
        // `title` is a text already.
        assert!(found["title"].get("properties").is_none());
    }

    #[test]
    fn a_template_of_ours_gets_what_it_lacks_and_keeps_what_was_changed() {
        let index = IndexName::try_new("web-{date}").unwrap();
        for form in [Form::Composable, Form::Legacy] {
            let mut template = form.body(&index, &of(vec![("a.b", DataType::Int8)]));
            let wanted = of(vec![
                ("a.b", DataType::Int8),
                ("a.c", DataType::Boolean),
                ("n", DataType::Int64),
            ]);
            let at = match form {
                Form::Composable => "/template/mappings/properties",
                Form::Legacy => "/mappings/properties",
            };
            template.pointer_mut(at).unwrap()["source_ip"] = json!({"type": "ip"});
            template["created_date_millis"] = json!(1);
            assert!(form.complete(&mut template, &wanted));
            let found = template.pointer(at).unwrap();
            assert_eq!(found["source_ip"], json!({"type": "ip"}));
            assert_eq!(found["a"]["properties"]["c"], json!({"type": "boolean"}));
            assert_eq!(found["n"], json!({"type": "long"}));
            assert!(template.get("created_date_millis").is_none());
            assert!(!form.complete(&mut template, &wanted));
        }
    }

    #[test]
    fn a_template_of_somebody_else_or_of_a_later_version_lacks_nothing() {
        let index = IndexName::try_new("web").unwrap();
        for (meta, value) in [
            ("managed_by", json!("me")),
            ("version", json!(2)),
            ("managed_by", Value::Null),
        ] {
            let mut template = Form::Composable.body(&index, &json!({}));
            template["_meta"][meta] = value;
            assert!(!Form::Composable.complete(&mut template, &of(vec![])));
        }
        assert!(!Form::Legacy.complete(&mut json!({}), &of(vec![])));
    }
}
