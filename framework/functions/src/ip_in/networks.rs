//! Networks as ranges of addresses.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// An address as it stands in a log; `None` if it is none. IPv4 in IPv6 is IPv4.
///
/// ```
/// use datashark_functions::ip_in::address;
///
/// assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
/// assert_eq!(address("192.0.2.1:443"), None);
/// ```
#[inline]
pub fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let (address, zone) = text.split_once('%')?;
    let address: Ipv6Addr = address.parse().ok()?;
    (!zone.is_empty()).then(|| IpAddr::V6(address).to_canonical())
}

/// Whether an address is in one of the networks of a list, which is read for this alone.
///
/// # Errors
/// The first that is none, if the address is in none before it.
pub fn is_in(address: IpAddr, networks: &str) -> Result<bool, NetworkError> {
    for network in networks.split(',') {
        let found = match (address, Range::parse(network)?) {
            (IpAddr::V4(address), Range::V4(first, last)) => {
                (first..=last).contains(&u32::from(address))
            }
            (IpAddr::V6(address), Range::V6(first, last)) => {
                (first..=last).contains(&u128::from(address))
            }
            _ => false,
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A set of networks that is asked often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    /// First and last addresses, sorted, apart from each other.
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl Networks {
    /// Reads networks with commas between them.
    ///
    /// # Errors
    /// The first that is none.
    ///
    /// ```
    /// use datashark_functions::ip_in::{Networks, address};
    ///
    /// let networks = Networks::parse("10.0.0.0/8, 2001:db8::/32")?;
    /// assert!(address("10.1.2.3").is_some_and(|address| networks.contains(address)));
    /// # Ok::<(), datashark_functions::ip_in::NetworkError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in text.split(',') {
            match Range::parse(network)? {
                Range::V4(first, last) => v4.push((first, last)),
                Range::V6(first, last) => v6.push((first, last)),
            }
        }
        Ok(Networks {
            v4: joined(v4),
            v6: joined(v6),
        })
    }

    /// Whether an address, as [`address`] gives it, is in one of them.
    #[inline]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => holds(&self.v4, u32::from(address)),
            IpAddr::V6(address) => holds(&self.v6, u128::from(address)),
        }
    }
}

#[inline]
fn holds<N: Ord + Copy>(ranges: &[(N, N)], number: N) -> bool {
    // Of those that start at it or before it, the last reaches farthest.
    let n_before = ranges.partition_point(|(first, _)| *first <= number);
    n_before > 0 && number <= ranges[n_before - 1].1
}

/// Sorts ranges and joins those that overlap.
fn joined<N: Ord + Copy>(mut ranges: Vec<(N, N)>) -> Vec<(N, N)> {
    ranges.sort_unstable();
    ranges.dedup_by(|next, before| {
        let overlaps = next.0 <= before.1;
        if overlaps {
            before.1 = before.1.max(next.1);
        }
        overlaps
    });
    ranges
}

/// The first and the last address of a network.
enum Range {
    V4(u32, u32),
    V6(u128, u128),
}

/// Bits of IPv6 before a mapped IPv4 address.
const MAPPED_BITS: u8 = 96;

impl Range {
    fn parse(text: &str) -> Result<Self, NetworkError> {
        let text = text.trim();
        let wrong = |reason| NetworkError {
            network: text.to_owned(),
            reason,
        };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong(Reason::Address))?;
        let prefix_max = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => number(prefix).filter(|prefix| *prefix <= prefix_max),
            None => Some(prefix_max),
        };
        let prefix = prefix.ok_or(wrong(Reason::Prefix(prefix_max)))?;
        Ok(match address {
            IpAddr::V4(address) => Range::v4(address.into(), prefix),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(mapped) if prefix >= MAPPED_BITS => {
                    Range::v4(mapped.into(), prefix - MAPPED_BITS)
                }
                _ => Range::v6(address.into(), prefix),
            },
        })
    }

    fn v4(address: u32, prefix: u8) -> Self {
        let host_bits = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
        Range::V4(address & !host_bits, address | host_bits)
    }

    fn v6(address: u128, prefix: u8) -> Self {
        let host_bits = u128::MAX.checked_shr(prefix.into()).unwrap_or(0);
        Range::V6(address & !host_bits, address | host_bits)
    }
}

/// Digits and nothing else, such as a sign.
fn number(digits: &str) -> Option<u8> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// What was meant as a network and is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkError {
    network: String,
    reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reason {
    Address,
    Prefix(u8),
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = &self.network;
        match self.reason {
            Reason::Address if network.is_empty() => write!(
                f,
                "a network is missing; expected such as `10.0.0.0/8` or `2001:db8::/32`, with \
                 commas between them"
            ),
            Reason::Address => write!(
                f,
                "`{network}` is no network; expected an address and a prefix, such as \
                 `10.0.0.0/8` or `2001:db8::/32`"
            ),
            Reason::Prefix(max) => write!(
                f,
                "the prefix of `{network}` is no number from 0 to {max}; expected such as `{}`",
                if max == 32 {
                    "10.0.0.0/8"
                } else {
                    "2001:db8::/32"
                }
            ),
        }
    }
}

impl std::error::Error for NetworkError {}
