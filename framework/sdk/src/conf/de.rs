//! A serde deserializer over a section's texts: each is read as what the type asks for.
//!
//! Errors carry the path of the key, innermost first, and the kind of mistake; `parse.rs` makes
//! problems of them. A [`Node::Blank`] stands for a value that is known to be missing or wrong: it
//! reads as a default of any type, so that the mistakes behind it are found in the same call.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};

use super::json::RAW;
use super::text::{list_items, unquote};
use super::{Section, Value};

/// A working copy of a section, from which wrong values are taken out.
pub(super) enum Node {
    /// A value with its quotes.
    Text(String),
    /// A subsection.
    Section(Vec<(String, Node)>),
    /// A value to be made up; the number says which guess.
    Blank(usize),
}

/// What a blank reads as where text is asked for; a type that refuses one gets the next.
pub(super) const GUESSES: [&str; 5] = ["", "1", "1s", "a", "1970-01-01T00:00:00Z"];

impl From<&Section> for Node {
    fn from(section: &Section) -> Self {
        let node = |value: &Value| match value {
            Value::Text(raw) => Node::Text(raw.clone()),
            Value::Section(section) => Node::from(section),
        };
        Node::Section(
            section
                .iter()
                .map(|(key, value)| (key.to_owned(), node(value)))
                .collect(),
        )
    }
}

/// What a type did not accept, and where.
#[derive(Debug)]
pub(super) struct Mistake {
    /// The key, innermost first.
    pub(super) path: Vec<String>,
    pub(super) kind: Kind,
}

/// What is wrong.
#[derive(Debug)]
pub(super) enum Kind {
    Missing(&'static str),
    Unknown {
        name: String,
        known: &'static [&'static str],
    },
    Variant {
        name: String,
        known: &'static [&'static str],
    },
    Twice(&'static str),
    Value(String),
}

impl From<Kind> for Mistake {
    fn from(kind: Kind) -> Self {
        Mistake {
            path: Vec::new(),
            kind,
        }
    }
}

impl Mistake {
    fn expected(expected: impl fmt::Display, found: &str) -> Self {
        Kind::Value(format!("expected {expected}, found `{found}`")).into()
    }

    fn at(mut self, key: &str) -> Self {
        self.path.push(key.to_owned());
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)
    }
}

impl std::error::Error for Mistake {}

impl Error for Mistake {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Kind::Value(message.to_string()).into()
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let message = match found {
            Unexpected::Str(text) => format!("expected {expected}, found `{text}`"),
            Unexpected::Map => format!("expected {expected}, found a section"),
            found => format!("expected {expected}, found {found}"),
        };
        Kind::Value(message).into()
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Mistake::invalid_type(found, expected)
    }

    fn invalid_length(n_items: usize, expected: &dyn Expected) -> Self {
        Kind::Value(format!("expected {expected}, found {n_items} items")).into()
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        Kind::Variant {
            name: name.to_owned(),
            known,
        }
        .into()
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Kind::Unknown {
            name: name.to_owned(),
            known,
        }
        .into()
    }

    fn missing_field(name: &'static str) -> Self {
        Kind::Missing(name).into()
    }

    fn duplicate_field(name: &'static str) -> Self {
        Kind::Twice(name).into()
    }
}

impl Node {
    /// The text without its quotes, where this is one.
    fn text(&self) -> Result<&str, Mistake> {
        match self {
            Node::Text(raw) => Ok(unquote(raw)),
            Node::Blank(guess) => Ok(GUESSES[*guess]),
            Node::Section(_) => Err(Kind::Value("expected a value, found a section".into()).into()),
        }
    }

    fn entries(&self) -> Result<&[(String, Node)], Mistake> {
        match self {
            Node::Section(entries) => Ok(entries),
            Node::Blank(_) => Ok(&[]),
            Node::Text(raw) => Err(Mistake::expected("a section", unquote(raw))),
        }
    }

    fn items(&self) -> Result<Vec<Node>, Mistake> {
        match self {
            Node::Text(raw) => Ok(list_items(raw).into_iter().map(Node::item).collect()),
            Node::Blank(0) => Ok(Vec::new()),
            Node::Blank(guess) => Ok(vec![Node::Blank(guess - 1)]),
            Node::Section(_) => Err(Kind::Value("expected a list, found a section".into()).into()),
        }
    }

    fn item(raw: &str) -> Node {
        Node::Text(raw.to_owned())
    }

    fn boolean(&self) -> Result<bool, Mistake> {
        if let Node::Blank(_) = self {
            return Ok(false);
        }
        let text = self.text()?;
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err(Mistake::expected("`true` or `false`", text)),
        }
    }

    fn number<N: std::str::FromStr>(&self, expected: fmt::Arguments<'_>) -> Result<N, Mistake> {
        let text = match self {
            Node::Blank(0) => "0",
            Node::Blank(_) => "1",
            node => node.text()?,
        };
        text.parse().map_err(|_| Mistake::expected(expected, text))
    }

    fn float(&self) -> Result<f64, Mistake> {
        let number: f64 = self.number(format_args!("a number"))?;
        if number.is_finite() {
            Ok(number)
        } else {
            Err(Mistake::expected("a number", self.text()?))
        }
    }

    fn character(&self) -> Result<char, Mistake> {
        if let Node::Blank(_) = self {
            return Ok('a');
        }
        let text = self.text()?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(only), None) => Ok(only),
            _ if text == "\\t" => Ok('\t'),
            _ => Err(Mistake::expected("one character, or `\\t` for a tab", text)),
        }
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
            let range = format_args!("a whole number from {} to {}", <$type>::MIN, <$type>::MAX);
            visitor.$visit(self.number::<$type>(range)?)
        })*
    };
}

impl<'de> Deserializer<'de> for &Node {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self {
            Node::Section(entries) => visitor.visit_map(Entries::new(entries)),
            node => visitor.visit_str(node.text()?),
        }
    }

    integers!(
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64,
        deserialize_i128 visit_i128 i128, deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_u128 visit_u128 u128
    );

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_bool(self.boolean()?)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_char(self.character()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_bytes(self.text()?.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_bytes(self.text()?.as_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self {
            Node::Text(raw) if raw.is_empty() => visitor.visit_none(),
            Node::Blank(_) => visitor.visit_none(),
            node => visitor.visit_some(node),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        match self {
            Node::Text(raw) if name == RAW => visitor.visit_str(raw),
            node if name == RAW => node.deserialize_any(visitor),
            node => visitor.visit_newtype_struct(node),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_seq(Items(self.items()?.into_iter()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        n_items: usize,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        let mut items = match self {
            Node::Blank(guess) => (0..n_items).map(|_| Node::Blank(*guess)).collect(),
            node => node.items()?,
        };
        if items.len() > n_items {
            let expected = format!("a list of {n_items}");
            return Err(Error::invalid_length(items.len(), &expected.as_str()));
        }
        visitor.visit_seq(Items(std::mem::take(&mut items).into_iter()))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        n_items: usize,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.deserialize_tuple(n_items, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_map(Entries::new(self.entries()?))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        let text = match self {
            Node::Blank(_) => variants.first().copied().unwrap_or_default(),
            node => node.text()?,
        };
        let variant: StrDeserializer<'_, Mistake> = text.into_deserializer();
        visitor.visit_enum(variant)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_unit()
    }
}

/// The keys of a section, one after the other.
struct Entries<'a> {
    rest: std::slice::Iter<'a, (String, Node)>,
    value: Option<&'a (String, Node)>,
}

impl<'a> Entries<'a> {
    fn new(entries: &'a [(String, Node)]) -> Self {
        Entries {
            rest: entries.iter(),
            value: None,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Mistake;

    fn next_key_seed<K>(&mut self, seed: K) -> Result<Option<K::Value>, Mistake>
    where
        K: DeserializeSeed<'de>,
    {
        self.value = self.rest.next();
        let Some((key, _)) = self.value else {
            return Ok(None);
        };
        let name: StrDeserializer<'_, Mistake> = key.as_str().into_deserializer();
        seed.deserialize(name)
            .map(Some)
            .map_err(|mistake| match mistake.kind {
                // The section's mistake: the path of an unknown key ends at the section.
                Kind::Unknown { .. } => mistake,
                _ => mistake.at(key),
            })
    }

    fn next_value_seed<V>(&mut self, seed: V) -> Result<V::Value, Mistake>
    where
        V: DeserializeSeed<'de>,
    {
        match self.value.take() {
            Some((key, node)) => seed.deserialize(node).map_err(|mistake| mistake.at(key)),
            None => Err(Error::custom("a value was asked for before its key")),
        }
    }
}

/// The items of a list.
struct Items(std::vec::IntoIter<Node>);

impl<'de> SeqAccess<'de> for Items {
    type Error = Mistake;

    fn next_element_seed<T>(&mut self, seed: T) -> Result<Option<T::Value>, Mistake>
    where
        T: DeserializeSeed<'de>,
    {
        match self.0.next() {
            None => Ok(None),
            Some(Node::Text(raw)) if raw.is_empty() => {
                Err(Kind::Value("an item of the list is empty".into()).into())
            }
            Some(node) => seed.deserialize(&node).map(Some),
        }
    }
}
