//! The schemes of urls that are known: the one list of them.

use datashark_sdk::conf::nearest;

use crate::StoreError;

/// What kind of store a url names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Amazon S3 and what speaks its protocol.
    Aws,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
    /// A web server: files are read by their names.
    Http,
    /// Hadoop's file system.
    Hdfs,
}

/// Every scheme; the first of a kind is the one to show.
const SCHEMES: [(&str, Kind); 9] = [
    ("s3", Kind::Aws),
    ("s3a", Kind::Aws),
    ("gs", Kind::Google),
    ("az", Kind::Azure),
    ("abfs", Kind::Azure),
    ("abfss", Kind::Azure),
    ("http", Kind::Http),
    ("https", Kind::Http),
    ("hdfs", Kind::Hdfs),
];

/// Whether a text is meant as a url, of whatever scheme: `s3://…`, and not a path.
///
/// ```
/// assert!(datashark_store::is_url("s3://logs/a.gz"));
/// assert!(datashark_store::is_url("s4://logs/a.gz"));
/// assert!(!datashark_store::is_url("logs/s3://a.gz"));
/// ```
pub fn is_url(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(plain)
    })
}

impl Kind {
    /// By the scheme.
    ///
    /// # Errors
    /// There is no such scheme; with the nearest that there is.
    pub(crate) fn of_scheme(scheme: &str) -> Result<Self, StoreError> {
        let mut known = SCHEMES.iter();
        if let Some((_, kind)) = known.find(|(known, _)| scheme.eq_ignore_ascii_case(known)) {
            return Ok(*kind);
        }
        let names = SCHEMES.map(|(name, _)| name);
        let message = match nearest(scheme, names) {
            Some(near) => format!("unknown scheme `{scheme}://`, did you mean `{near}://`?"),
            None => format!("unknown scheme `{scheme}://`"),
        };
        let help = match scheme {
            "file" => "a local file is named by its path alone".to_owned(),
            _ => format!("expected a path or one of `{}://`", names.join("://`, `")),
        };
        Err(StoreError::conf(message).help(help))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_scheme_is_answered_with_the_nearest() {
        let error = Kind::of_scheme("hdsf").unwrap_err();
        assert_eq!(
            error.message(),
            "unknown scheme `hdsf://`, did you mean `hdfs://`?"
        );
        let error = Kind::of_scheme("ftp").unwrap_err();
        assert!(
            error.to_string().contains("`s3://`, `s3a://`, `gs://`"),
            "{error}"
        );
        assert_eq!(Kind::of_scheme("S3").unwrap(), Kind::Aws);
    }
}
