//! What the fields of a flow say that is printed as text.

use std::net::IpAddr;

use crate::rows::quote;
use crate::scalar;

/// An address.
pub(crate) fn address(text: &[u8]) -> Result<IpAddr, String> {
    let address = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok());
    address.ok_or_else(|| format!("expected an address, found {}", quote(text)))
}

/// A number of packets or bytes, or any other that is not negative.
pub(crate) fn count(text: &[u8]) -> Result<u64, String> {
    let count = scalar::int(text).and_then(|count| u64::try_from(count).ok());
    count.ok_or_else(|| format!("expected a count, found {}", quote(text)))
}
