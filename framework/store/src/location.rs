//! A url in its parts.
//!
//! What stands behind the bucket is a key as it is, nothing in it is an escape; but in `http://` it
//! is a url's path, where `%20` is a blank.

use object_store::path::Path;
use url::Url;

use crate::StoreError;
use crate::scheme::Kind;

/// A url that is well-formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    pub kind: Kind,
    /// `s3://bucket`, `hdfs://host:8020`, with a password if the url has one.
    pub root: String,
    /// What is behind it, without the `/` between; may be a pattern.
    pub rest: String,
}

impl Location {
    /// Parses a url.
    ///
    /// # Errors
    /// Its scheme is unknown, or it is malformed.
    pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
        let malformed =
            |why: &str, help: &str| StoreError::conf(format!("`{}` {why}", shown(text))).help(help);
        let Some((scheme, behind)) = text.split_once("://") else {
            return Err(malformed("is no url", "expected `scheme://name/path`"));
        };
        let kind = Kind::of_scheme(scheme)?;
        let (authority, rest) = behind.split_once('/').unwrap_or((behind, ""));
        let (name, example) = match kind {
            Kind::Aws => ("bucket", "s3://bucket/logs/a.gz"),
            Kind::Google => ("bucket", "gs://bucket/logs/a.gz"),
            Kind::Azure => ("container", "az://container/logs/a.gz"),
            Kind::Http => ("host", "https://host/logs/a.gz"),
            Kind::Hdfs => ("name node", "hdfs://namenode:8020/logs/a.gz"),
        };
        // `hdfs:///path` is of the name node that the conf or Hadoop's own says.
        if authority.is_empty() && kind != Kind::Hdfs {
            let why = format!("names no {name}");
            return Err(malformed(&why, &format!("as `{example}`")));
        }
        if authority
            .chars()
            .any(|c| c.is_whitespace() || c.is_control())
        {
            let why = format!("has a blank in the name of its {name}");
            return Err(malformed(&why, &format!("as `{example}`")));
        }
        let takes_user = kind == Kind::Http || scheme.starts_with("abfs");
        if authority.contains('@') && !takes_user {
            let help = "credentials stand in `[engine] [[object_store]]` or in the environment";
            return Err(malformed(&format!("names no {name}"), help));
        }
        let root = format!("{}://{authority}", scheme.to_ascii_lowercase());
        if let Err(error) = Url::parse(&root)
            && !authority.is_empty()
        {
            return Err(malformed(&format!("is malformed: {error}"), example));
        }
        let location = Location {
            kind,
            root,
            rest: rest.to_owned(),
        };
        if kind == Kind::Http && rest.contains(['?', '#', '*', '[', '{']) {
            let help = "a web server has no list of its files: name one, without `?` and `*`";
            return Err(malformed("is more than the path of a file", help));
        }
        if !location.is_glob() {
            location.path()?;
        }
        Ok(location)
    }

    /// Whether the rest is a pattern of names.
    pub(crate) fn is_glob(&self) -> bool {
        self.kind != Kind::Http && is_glob(&self.rest)
    }

    /// The rest as a key.
    ///
    /// # Errors
    /// A part of it is empty, `.` or `..`, or it has control characters.
    pub(crate) fn path(&self) -> Result<Path, StoreError> {
        let parsed = match self.kind {
            Kind::Http => Path::from_url_path(&self.rest),
            _ => Path::parse(&self.rest),
        };
        parsed.map_err(|error| {
            let url = shown(&format!("{}/{}", self.root, self.rest));
            StoreError::conf(format!(
                "`{url}` is malformed: {}",
                crate::error::flat(&error)
            ))
        })
    }

    /// The url of a key of the same store, to show.
    pub(crate) fn url_of(&self, path: &Path) -> String {
        format!("{}/{path}", shown(&self.root))
    }
}

/// Whether a text has a wildcard.
pub(crate) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// A url without a password.
pub(crate) fn shown(url: &str) -> String {
    let Some((scheme, behind)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, rest) = behind.split_once('/').unwrap_or((behind, ""));
    match authority.rsplit_once('@') {
        Some((user, host)) if user.contains(':') => {
            let slash = if behind.contains('/') { "/" } else { "" };
            format!("{scheme}://{host}{slash}{rest}")
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(String, String), String> {
        let found = Location::parse(text).map_err(|error| error.message().to_owned())?;
        Ok((found.root.clone(), found.path().unwrap().to_string()))
    }

    #[test]
    fn a_key_is_taken_as_it_is_and_a_web_path_is_decoded() {
        let found = |root: &str, path: &str| Ok((root.to_owned(), path.to_owned()));
        assert_eq!(
            parse("s3://b/a b/c%20d#e.log"),
            found("s3://b", "a b/c%20d#e.log")
        );
        assert_eq!(
            parse("http://h:8/a%20b/c.log"),
            found("http://h:8", "a b/c.log")
        );
        assert_eq!(parse("hdfs://h:8020/logs/"), found("hdfs://h:8020", "logs"));
        assert_eq!(parse("hdfs:///logs"), found("hdfs://", "logs"));
    }

    #[test]
    fn a_malformed_url_says_what_is_missing() {
        let error = |text| parse(text).unwrap_err();
        assert_eq!(error("s3://"), "`s3://` names no bucket");
        assert_eq!(error("s3:///a.log"), "`s3:///a.log` names no bucket");
        assert_eq!(error("s3://key:secret@b/a"), "`s3://b/a` names no bucket");
        assert_eq!(
            error("https://h/a?x=1"),
            "`https://h/a?x=1` is more than the path of a file"
        );
        assert!(error("s3://b/../a").contains("malformed"));
        assert!(error("gs://b/a//b").contains("malformed"));
        assert!(error("http://h:port/x").contains("malformed"));
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(shown("http://u:p@h/x@y"), "http://h/x@y");
        assert_eq!(shown("abfss://c@a/x"), "abfss://c@a/x");
    }
}
