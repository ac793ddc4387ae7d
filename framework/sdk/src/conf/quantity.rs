//! What durations and sizes share: a value that a conf writes as a number with units.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, Visitor};

/// A number with units.
pub(super) trait Quantity {
    /// What it is read into.
    type Value;

    /// What a message says was expected.
    const EXPECTED: &'static str;

    /// Reads a text; `None` where it is no such quantity.
    fn read(text: &str) -> Option<Self::Value>;
}

/// Reads a quantity from a text.
pub(super) fn parse<Q: Quantity>(text: &str) -> Result<Q::Value, String> {
    Q::read(text).ok_or_else(|| format!("expected {}, found `{text}`", Q::EXPECTED))
}

/// Reads a quantity from a value of a conf.
pub(super) fn deserialize<'de, Q: Quantity, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Q::Value, D::Error> {
    deserializer.deserialize_str(Text::<Q>(PhantomData))
}

/// Reads a quantity or nothing.
pub(super) fn deserialize_option<'de, Q: Quantity, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Q::Value>, D::Error> {
    deserializer.deserialize_option(Maybe::<Q>(PhantomData))
}

struct Text<Q>(PhantomData<Q>);

impl<Q: Quantity> Visitor<'_> for Text<Q> {
    type Value = Q::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Q::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Q::Value, E> {
        parse::<Q>(text).map_err(E::custom)
    }
}

struct Maybe<Q>(PhantomData<Q>);

impl<'de, Q: Quantity> Visitor<'de> for Maybe<Q> {
    type Value = Option<Q::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Q::EXPECTED)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
        deserialize::<Q, D>(inner).map(Some)
    }
}
