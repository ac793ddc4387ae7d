//! Passwords and keys: values that may come from the environment and are shown to nobody.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error};

/// A value that is not shown: a password, a key.
///
/// In a conf it is the text itself or `${env:NAME}`, which is looked up when the conf is read; a
/// variable that is not set is a mistake in the conf, with the key's line.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret that came from elsewhere, as from a file.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The secret itself, for whom it is meant.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(not shown)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let name = text
            .strip_prefix("${env:")
            .and_then(|rest| rest.strip_suffix('}'));
        let Some(name) = name else {
            return Ok(Secret(text));
        };
        let value = std::env::var(name).map_err(|_| {
            D::Error::custom(format!("the environment has no text variable `{name}`"))
        })?;
        Ok(Secret(value))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize as _;

    use super::*;
    use crate::conf::Section;

    #[derive(Debug, serde::Deserialize)]
    struct Login {
        password: Secret,
    }

    fn read(text: &str) -> Result<Login, String> {
        let section = Section::from_iter([("password", text)]);
        section.parse().map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_secret_is_itself_or_from_the_environment() {
        assert_eq!(read("'a b'").unwrap().password.reveal(), "a b");
        // Every cargo test has it.
        let path = std::env::var("CARGO_MANIFEST_DIR").unwrap();
        let password = read("${env:CARGO_MANIFEST_DIR}").unwrap().password;
        assert_eq!(password.reveal(), path);
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let error = read("${env:NO_SUCH_VARIABLE_HERE}").unwrap_err();
        assert!(error.contains("`NO_SUCH_VARIABLE_HERE`"), "{error}");
    }

    #[test]
    fn a_secret_is_not_shown() {
        let shown = format!("{:?}", read("hunter2").unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
        let refused = Secret::deserialize(serde::de::value::UnitDeserializer::<
            serde::de::value::Error,
        >::new());
        assert!(refused.is_err());
    }
}
