//! A URL cut where its parts end, and nothing else done to it.

use std::net::Ipv6Addr;

use memchr::{memchr, memchr3};

use crate::host;

/// What a URL falls into at first. All are slices of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Url<'a> {
    /// Without its colon.
    pub scheme: Option<&'a str>,
    /// User, host and port.
    pub authority: Option<&'a str>,
    /// May be empty.
    pub path: &'a str,
    /// Without its question mark.
    pub query: Option<&'a str>,
    /// Without its `#`.
    pub fragment: Option<&'a str>,
}

impl<'a> Url<'a> {
    /// Cuts a URL; `None` if it is none, nor the target of a request.
    #[inline]
    pub fn split(text: &'a str) -> Option<Self> {
        let (text, fragment) = cut(text, b'#');
        let (text, query) = cut(text, b'?');
        let (scheme, authority, path) = match text.as_bytes().first()? {
            b'/' => (None, None, text),
            b'*' if text == "*" => (None, None, text),
            _ => split_front(text)?,
        };
        Some(Url {
            scheme,
            authority,
            path,
            query,
            fragment,
        })
    }

    /// The user, without a password.
    pub fn user(&self) -> Option<&'a str> {
        let (user, _) = self.authority?.rsplit_once('@')?;
        Some(user.split_once(':').map_or(user, |(user, _)| user))
    }

    /// The host; an IPv6 address without brackets.
    #[inline]
    pub fn host(&self) -> Option<&'a str> {
        Some(self.host_and_port()?.0)
    }

    /// The port, where it is of digits.
    pub fn port(&self) -> Option<&'a str> {
        let port = self.host_and_port()?.1?;
        port.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then_some(port)
    }

    #[inline]
    fn host_and_port(&self) -> Option<(&'a str, Option<&'a str>)> {
        let authority = self.authority?;
        // The last one: a client takes what stands behind it for the host, whatever stands before.
        let place = authority
            .rsplit_once('@')
            .map_or(authority, |(_, place)| place);
        Some(split_place(place))
    }

    /// What stands behind the last dot of the path's last name, if something stands before that,
    /// too. Parameters of the path (`;jsessionid=…`) are left out.
    pub fn extension(&self) -> Option<&'a str> {
        let (_, name) = self.path.rsplit_once('/')?;
        let name = name.split_once(';').map_or(name, |(name, _)| name);
        let (stem, extension) = name.rsplit_once('.')?;
        (!stem.is_empty()).then_some(extension)
    }

    /// The value of the first parameter of a name; empty where it has none.
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        let mut parameters = self.query?.split('&');
        parameters.find_map(|parameter| {
            let value = parameter.strip_prefix(name)?;
            match value.as_bytes().first() {
                None => Some(value),
                Some(b'=') => Some(&value[1..]),
                Some(_) => None,
            }
        })
    }
}

/// What stands before a byte, and what behind it if it is there.
#[inline]
fn cut(text: &str, byte: u8) -> (&str, Option<&str>) {
    match memchr(byte, text.as_bytes()) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

type Front<'a> = (Option<&'a str>, Option<&'a str>, &'a str);

/// Cuts scheme, authority and path, of what does not begin with a path.
#[inline]
fn split_front(text: &str) -> Option<Front<'_>> {
    let end = memchr3(b':', b'/', b'\\', text.as_bytes()).unwrap_or(text.len());
    if let Some(behind) = text[end..].strip_prefix("://") {
        let scheme = Some(&text[..end]).filter(|scheme| is_scheme(scheme))?;
        let (authority, path) = split_path(behind);
        return Some((Some(scheme), Some(authority), path));
    }
    let (place, path) = split_path(text);
    if is_place(place) {
        return Some((None, Some(place), path));
    }
    let (scheme, path) = text.split_once(':')?;
    is_scheme(scheme).then_some((Some(scheme), None, path))
}

#[inline]
fn split_path(text: &str) -> (&str, &str) {
    let end = memchr::memchr2(b'/', b'\\', text.as_bytes()).unwrap_or(text.len());
    text.split_at(end)
}

/// RFC 3986, section 3.1.
#[inline]
fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Whether a text without a scheme is a host, and a port behind it if there is a colon.
fn is_place(text: &str) -> bool {
    let (host, port) = split_place(text);
    let is_port = |port: &str| !port.starts_with('+') && port.parse::<u16>().is_ok();
    // A hyphen alone is how a log says that there is nothing.
    let is_name = |host: &str| {
        let host = host.strip_suffix('.').unwrap_or(host);
        !host.starts_with('-') && host::is_name(host)
    };
    port.is_none_or(is_port) && (is_name(host) || is_ipv4(host) || host.parse::<Ipv6Addr>().is_ok())
}

fn is_ipv4(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>().is_ok()
}

/// Cuts a host from its port, and brackets from a host.
#[inline]
fn split_place(text: &str) -> (&str, Option<&str>) {
    if let Some((host, behind)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        return (host, behind.strip_prefix(':'));
    }
    match text.split_once(':') {
        // More colons than one: an IPv6 address that lacks its brackets.
        Some((_, port)) if port.contains(':') => (text, None),
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    }
}
