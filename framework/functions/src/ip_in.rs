//! `ip_in(ip, networks)`: whether an address is in one of some networks.
//!
//! | argument | |
//! |---|---|
//! | `ip` | an IPv4 or IPv6 address |
//! | `networks` | networks in CIDR notation (RFC 4632), with commas between them: `10.0.0.0/8, 2001:db8::/32`; an address alone is a network of one |
//!
//! An IPv6 address that maps an IPv4 one (`::ffff:192.0.2.1`) counts as that, and so does a network
//! of such; `::/0` holds no IPv4 address. Bits of a network's address behind its prefix do not
//! matter: `10.1.2.3/8` is `10.0.0.0/8`. A zone (`fe80::1%eth0`) is passed over.
//!
//! Null: what is no address, such as a name, or an address with a port. Literal networks are read
//! once, and it is an error of the query if they are none; in a column, say of a joined table, they
//! are null then.
//!
//! ```sql
//! ip_in('192.168.7.1', '10.0.0.0/8, 192.168.0.0/16')    -- true
//! ip_in('::ffff:10.0.0.1', '10.0.0.0/8')                -- true
//! ip_in('proxy.example.com', '10.0.0.0/8')              -- null
//! ```
//!
//! Work is linear in an address's length and logarithmic in the number of literal networks.

mod networks;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue, plan_datafusion_err};

pub use networks::{NetworkError, Networks, address, is_in};

use crate::function::{Arguments, Function, text};

#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub(crate) struct IpIn;

impl Function for IpIn {
    const NAME: &'static str = "ip_in";
    const ARGUMENTS: &'static [(&'static str, &'static str)] = &[
        ("ip", "An IPv4 or IPv6 address."),
        (
            "networks",
            "Networks such as `10.0.0.0/8` or `2001:db8::/32`, with commas between them.",
        ),
    ];
    const RETURNS: DataType = DataType::Boolean;
    const ABOUT: &'static str = "Whether an address is in one of some networks. An IPv6 address \
        that maps an IPv4 one counts as that. Null for what is no address.";
    const EXAMPLE: &'static str =
        "SELECT ip_in('192.168.7.1', '10.0.0.0/8, 192.168.0.0/16') -- true";

    fn check(literals: &[Option<&ScalarValue>]) -> Result<()> {
        match literals.get(1).copied().flatten().and_then(text) {
            Some(networks) => parse(networks).map(drop),
            None => Ok(()),
        }
    }

    fn run(arguments: &Arguments<'_>) -> Result<ArrayRef> {
        let ips = arguments.column(0)?;
        let found: BooleanArray = match arguments.literal(1) {
            Some(networks) => {
                let networks = parse(networks)?;
                let is_in = |ip: &str| Some(networks.contains(address(ip)?));
                ips.iter().map(|ip| ip.and_then(is_in)).collect()
            }
            None => {
                let networks = arguments.column(1)?;
                let rows = ips.iter().zip(&networks);
                rows.map(|(ip, networks)| is_in(address(ip?)?, networks?).ok())
                    .collect()
            }
        };
        Ok(Arc::new(found) as ArrayRef)
    }
}

fn parse(networks: &str) -> Result<Networks> {
    Networks::parse(networks).map_err(|error| plan_datafusion_err!("`ip_in`: {error}"))
}

#[cfg(test)]
mod tests;
