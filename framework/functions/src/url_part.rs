//! `url_part(url, part)`: a part of a URL as it stands in a log.
//!
//! | argument | |
//! |---|---|
//! | `url` | a URL, or the target of an HTTP request (RFC 9112, section 3.2) |
//! | `part` | a literal of the list below |
//!
//! | `part` | of `https://alice@www.example.com:8443/a/b.php?id=7&q=x#top` |
//! |---|---|
//! | `scheme` | `https` |
//! | `user` | `alice`; a password behind it is left out |
//! | `host` | `www.example.com`; an IPv6 address without its brackets |
//! | `port` | `8443`, as text; null where it is not said |
//! | `path` | `/a/b.php` |
//! | `extension` | `php`: what stands behind the last dot of the path's last name |
//! | `query` | `id=7&q=x` |
//! | `query:NAME` | `7` for `query:id`: the value of the first parameter of that name, up to the next `&`; empty for one without a value |
//! | `fragment` | `top` |
//!
//! | `url` | is read as |
//! |---|---|
//! | `https://www.example.com/a` | a URL; `\` ends a host as `/` does, since browsers have it so |
//! | `/a?b=c` | path and query, also if it begins with `//` |
//! | `www.example.com:443` | host and port, as `CONNECT` has them |
//! | `www.example.com/a` | a URL that lacks its scheme |
//! | `mailto:alice@example.com` | scheme and path |
//! | `*` | a path |
//!
//! A part that is empty or not there is null, and all parts are where it is none of these. Parts
//! stay as they stand: in their case, percent-encoded.
//!
//! # Why not the crate `url`
//! It is the URL Standard's parser, which makes of a text the URL that a browser would open: it
//! encodes what may not stand there, resolves `..`, writes hosts anew and refuses many a text as a
//! whole. A log has what a client sent, mostly without a host before it, and what an attacker sent
//! is what one wants to see. That parser also builds a new text for each URL; the parts here are
//! slices. Where both apply they agree, which the tests show.

mod split;

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue, plan_datafusion_err, plan_err};
use datashark_sdk::conf::nearest;

pub use split::Url;

use crate::function::{Arguments, Function, text};
use crate::parts::Parts;

/// A part of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// `https`
    Scheme,
    /// Who asks, without a password.
    User,
    /// A name or an address.
    Host,
    /// In digits.
    Port,
    /// From the first `/` up to the query.
    Path,
    /// Of the path's last name.
    Extension,
    /// Behind `?`.
    Query,
    /// The value of the first parameter of a name.
    Parameter(&'a str),
    /// Behind `#`.
    Fragment,
}

const PARTS: [(&str, Part<'_>); 8] = [
    ("scheme", Part::Scheme),
    ("user", Part::User),
    ("host", Part::Host),
    ("port", Part::Port),
    ("path", Part::Path),
    ("extension", Part::Extension),
    ("query", Part::Query),
    ("fragment", Part::Fragment),
];

impl<'a> Part<'a> {
    /// The part that a query names; `None` if there is none of that name.
    pub fn named(name: &'a str) -> Option<Self> {
        let named = |(known, part): &(&str, Part<'a>)| (*known == name).then_some(*part);
        match name.strip_prefix("query:") {
            Some(parameter) => (!parameter.is_empty()).then_some(Part::Parameter(parameter)),
            None => PARTS.iter().find_map(named),
        }
    }

    /// This part of a URL, unless it is empty or not there. A slice of it.
    ///
    /// ```
    /// use datashark_functions::url_part::Part;
    ///
    /// assert_eq!(Part::Host.of("https://www.example.com/a?b=c"), Some("www.example.com"));
    /// assert_eq!(Part::Parameter("b").of("/a?b=c"), Some("c"));
    /// assert_eq!(Part::Host.of("/a?b=c"), None);
    /// ```
    #[inline]
    pub fn of(self, url: &str) -> Option<&str> {
        let url = Url::split(url)?;
        let part = match self {
            Part::Scheme => url.scheme,
            Part::User => url.user(),
            Part::Host => url.host(),
            Part::Port => url.port(),
            Part::Path => Some(url.path),
            Part::Extension => url.extension(),
            Part::Query => url.query,
            // Its value may be empty, unlike the other parts.
            Part::Parameter(name) => return url.parameter(name),
            Part::Fragment => url.fragment,
        };
        part.filter(|part| !part.is_empty())
    }
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub(crate) struct UrlPart;

impl Function for UrlPart {
    const NAME: &'static str = "url_part";
    const ARGUMENTS: &'static [(&'static str, &'static str)] = &[
        ("url", "A URL, or the target of an HTTP request."),
        (
            "part",
            "A literal: `scheme`, `user`, `host`, `port`, `path`, `extension`, `query`, \
             `fragment`, or `query:NAME` for the value of a parameter.",
        ),
    ];
    const RETURNS: DataType = DataType::Utf8View;
    const ABOUT: &'static str = "A part of a URL as it stands: of `https://host/path?query`, of \
        `/path?query`, of `host:port`. Null where there is none.";
    const EXAMPLE: &'static str =
        "SELECT url_part('https://www.example.com/a', 'host') -- www.example.com";

    fn check(literals: &[Option<&ScalarValue>]) -> Result<()> {
        match literals.get(1).copied().flatten() {
            Some(part) => parse(text(part).unwrap_or("null")).map(drop),
            None => plan_err!("`url_part`: the part has to be a literal text, such as 'host'"),
        }
    }

    fn run(arguments: &Arguments<'_>) -> Result<ArrayRef> {
        let part = parse(arguments.literal(1).unwrap_or("null"))?;
        let urls = arguments.column(0)?;
        let mut parts = Parts::of(&urls);
        for url in &urls {
            parts.push(url.and_then(|url| part.of(url)))?;
        }
        Ok(Arc::new(parts.finish()?) as ArrayRef)
    }
}

fn parse(name: &str) -> Result<Part<'_>> {
    Part::named(name).ok_or_else(|| {
        let known = PARTS.map(|(name, _)| name);
        let near = nearest(name, known).map(|near| format!(", did you mean `{near}`?"));
        let near = near.unwrap_or_default();
        plan_datafusion_err!(
            "`url_part`: a URL has no part `{name}`{near}; its parts are {} and query:NAME",
            known.join(", ")
        )
    })
}

#[cfg(test)]
mod tests;
