//! `registered_domain(host)`: the domain that somebody has registered with a registry, by the
//! [Public Suffix List](https://publicsuffix.org).
//!
//! | argument | |
//! |---|---|
//! | `host` | the name of a host, with or without a dot at its end |
//!
//! It is the public suffix and one label more, in lower case and without the dot at the end. All
//! names that one owner may have made up below it have it in common, which makes it what to count
//! sites by. Suffixes that companies let others register below (`github.io`, the list's private
//! section) count as public; a top-level domain that the list lacks is a suffix, too. A domain with
//! characters beyond ASCII stays as it is given, in Unicode or in Punycode (`xn--…`); suffixes are
//! known in both.
//!
//! Null: an address, a bare public suffix (`co.uk`), a name of one label (`localhost`), and what is
//! no name of a host at all. `url_part(url, 'host')` cuts a port off.
//!
//! ```sql
//! registered_domain('WWW.Example.co.uk.')  -- example.co.uk
//! registered_domain('alice.github.io')     -- alice.github.io
//! registered_domain('192.0.2.1')           -- null
//! ```
//!
//! The list is the one of 2026-11-05, compiled in by the crate `psl` 2.1.247; `cargo update -p psl`
//! brings the latest. Names of the day after are not known to it.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion_common::Result;

use crate::function::{Arguments, Function};
use crate::host;
use crate::parts::Parts;

/// Finds registered domains; keeps the room in which names are lower-cased.
#[derive(Debug, Clone, Default)]
pub struct Finder {
    lower: String,
}

impl Finder {
    /// The registered domain of a host: a slice of it, unless it had to be lower-cased.
    ///
    /// ```
    /// use datashark_functions::registered_domain::Finder;
    ///
    /// let mut finder = Finder::default();
    /// assert_eq!(finder.find("www.Example.co.uk."), Some("example.co.uk"));
    /// assert_eq!(finder.find("co.uk"), None);
    /// ```
    #[inline]
    pub fn find<'a>(&'a mut self, host: &'a str) -> Option<&'a str> {
        let name = host.strip_suffix('.').unwrap_or(host);
        if !host::is_name(name) {
            return None;
        }
        let is_lower = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
        if name.bytes().all(is_lower) {
            return psl::domain_str(name);
        }
        self.lower.clear();
        if name.is_ascii() {
            self.lower.push_str(name);
            self.lower.make_ascii_lowercase();
            return psl::domain_str(&self.lower);
        }
        let lower = name.chars().flat_map(char::to_lowercase);
        self.lower.extend(lower);
        // Beyond ASCII a small letter may be longer than its capital.
        if !host::is_name(&self.lower) {
            return None;
        }
        psl::domain_str(&self.lower)
    }
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RegisteredDomain;

impl Function for RegisteredDomain {
    const NAME: &'static str = "registered_domain";
    const ARGUMENTS: &'static [(&'static str, &'static str)] = &[(
        "host",
        "The name of a host, with or without a dot at its end.",
    )];
    const RETURNS: DataType = DataType::Utf8View;
    const ABOUT: &'static str = "The domain that somebody has registered, by the Public Suffix \
        List: the public suffix and one label more, in lower case. Null for an address, a bare \
        public suffix, and what is no name of a host.";
    const EXAMPLE: &'static str = "SELECT registered_domain('www.example.co.uk') -- example.co.uk";

    fn run(arguments: &Arguments<'_>) -> Result<ArrayRef> {
        let hosts = arguments.column(0)?;
        let mut finder = Finder::default();
        let mut domains = Parts::of(&hosts);
        for host in &hosts {
            domains.push(host.and_then(|host| finder.find(host)))?;
        }
        Ok(Arc::new(domains.finish()?) as ArrayRef)
    }
}

#[cfg(test)]
mod tests;
