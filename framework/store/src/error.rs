//! What a store says when it refuses, for a person: one line, and what to do about it.

use std::error::Error as StdError;
use std::io;

use datashark_sdk::conf::Problem;

use crate::scheme::Kind;

/// Something is wrong with a url, a setting or a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", .help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default())]
pub struct StoreError {
    message: String,
    help: Option<String>,
    reason: Reason,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The url or a setting is wrong.
    Conf,
    /// There is no such object or bucket.
    Missing,
    /// The store does not know the credentials, or they are not enough.
    Denied,
    /// The object is another than it was.
    Changed,
    /// The store cannot do this.
    Unsupported,
    /// The store or the way to it failed; trying again may help.
    Failed,
}

impl StoreError {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        StoreError {
            message: message.into(),
            help: None,
            reason,
        }
    }

    pub(crate) fn conf(message: impl Into<String>) -> Self {
        StoreError::new(Reason::Conf, message)
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What a store answered about a url.
    pub(crate) fn of(error: &object_store::Error, url: &str, kind: Kind) -> Self {
        use object_store::Error;
        let text = flat(error);
        let said = said(&text);
        match error {
            Error::NotFound { .. } if said == "NoSuchBucket" => missing_bucket(url),
            Error::NotFound { .. } => {
                StoreError::new(Reason::Missing, format!("`{url}` does not exist"))
            }
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
                denied(url, said, kind)
            }
            Error::Precondition { .. } => changed(url),
            Error::NotSupported { .. } | Error::NotImplemented { .. } => {
                let message = format!("`{url}`: the store cannot do this: {text}");
                StoreError::new(Reason::Unsupported, message)
            }
            _ if text.contains("NoSuchBucket") => missing_bucket(url),
            // A list is refused in words alone, and so is all of HDFS.
            _ if REFUSALS.iter().any(|refusal| text.contains(refusal)) => denied(url, said, kind),
            _ => {
                let failed = StoreError::new(Reason::Failed, format!("`{url}`: {said}"));
                match advice(&text, kind) {
                    Some(help) => failed.help(help),
                    None => failed,
                }
            }
        }
    }

    /// A failure that is not the store's.
    pub(crate) fn io(url: &str, error: &io::Error) -> Self {
        StoreError::new(Reason::Failed, format!("`{url}`: {error}"))
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// What is wrong, without the advice.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// As a mistake of a key of a conf.
    pub fn at(&self, key: &str) -> Problem {
        let problem = Problem::at([key], self.message.clone());
        match &self.help {
            Some(help) => problem.help(help.clone()),
            None => problem,
        }
    }
}

impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> Self {
        let kind = match error.reason {
            Reason::Missing => io::ErrorKind::NotFound,
            Reason::Denied => io::ErrorKind::PermissionDenied,
            Reason::Conf => io::ErrorKind::InvalidInput,
            Reason::Unsupported => io::ErrorKind::Unsupported,
            Reason::Changed | Reason::Failed => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

/// The object is another than the one that was found.
pub(crate) fn changed(url: &str) -> StoreError {
    let message = format!("`{url}` was written anew while it was read");
    StoreError::new(Reason::Changed, message)
}

fn missing_bucket(url: &str) -> StoreError {
    let message = format!("`{url}` does not exist: there is no such bucket");
    StoreError::new(Reason::Missing, message)
}

fn denied(url: &str, said: &str, kind: Kind) -> StoreError {
    let error = StoreError::new(Reason::Denied, format!("`{url}` is refused: {said}"));
    error.help(credentials(kind))
}

/// What stores call it that the credentials are wrong or not enough.
const REFUSALS: [&str; 5] = [
    "SignatureDoesNotMatch",
    "InvalidAccessKeyId",
    "AccessDenied",
    "AuthenticationFailed",
    "AccessControlException",
];

/// Which settings a kind of store takes its credentials from.
fn credentials(kind: Kind) -> &'static str {
    match kind {
        Kind::Aws => {
            "set `aws_access_key_id` and `aws_secret_access_key` in `[engine] [[object_store]]`, \
             or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `aws_skip_signature = true` for a \
             public bucket"
        }
        Kind::Google => {
            "set `google_service_account`, the path of a key file, in `[engine] \
             [[object_store]]`, or GOOGLE_SERVICE_ACCOUNT; `google_skip_signature = true` for a \
             public bucket"
        }
        Kind::Azure => {
            "set `azure_storage_account_name` and `azure_storage_account_key` in `[engine] \
             [[object_store]]`, or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"
        }
        Kind::Http => "the url may begin with `https://user:password@host`",
        Kind::Hdfs => "HADOOP_USER_NAME says who asks; with Kerberos, `kinit` first",
    }
}

/// What helps against a failure that is known.
fn advice(text: &str, kind: Kind) -> Option<&'static str> {
    // What is asked for credentials where none are set.
    let asks_machine = [
        "169.254.169.254",
        "metadata.google.internal",
        "MissingCredentials",
    ];
    if asks_machine.iter().any(|address| text.contains(address)) {
        return Some(credentials(kind));
    }
    if text.contains("incorrectly configured region") {
        return Some("set `aws_region` in `[engine] [[object_store]]` to the bucket's region");
    }
    if text.contains("URL scheme is not allowed") || text.contains("builder error for url (http:") {
        return Some("set `allow_http = true` in `[engine] [[object_store]]`");
    }
    None
}

/// An error and what caused it on one line, each said once.
pub(crate) fn flat(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What of an error a person wants to read: the code of an answer in XML, else the text without
/// the count of tries, which says nothing to him.
fn said(text: &str) -> &str {
    for tag in ["Code", "code"] {
        let behind = text
            .split_once(&format!("<{tag}>"))
            .map(|(_, behind)| behind);
        if let Some((code, _)) = behind.and_then(|behind| behind.split_once('<')) {
            return code;
        }
    }
    match text.split_once("retry_timeout:") {
        Some((_, behind)) => behind.split_once(" - ").map_or(behind, |(_, said)| said),
        None => text.split_once(" - ").map_or(text, |(_, said)| said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_an_answer_is_what_is_said() {
        let text = "Client error with status 403: <?xml?><Error><Code>AccessDenied</Code></Error>";
        assert_eq!(said(text), "AccessDenied");
        let text = "Generic S3 error: Error performing GET http://h/ in 2s, after 2 retries, \
                    max_retries: 2, retry_timeout: 15s  - HTTP error: connection refused";
        assert_eq!(said(text), "HTTP error: connection refused");
    }
}
