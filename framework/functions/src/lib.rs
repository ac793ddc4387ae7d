//! SQL functions for security logs: what a query over hosts, addresses, URLs and names needs and
//! DataFusion lacks.
//!
//! | function | gives |
//! |---|---|
//! | [`registered_domain(host)`](registered_domain) | the domain that somebody has registered: `example.co.uk` of `www.example.co.uk` |
//! | [`entropy(text)`](entropy) | how evenly the characters of a text are spread, in bits a character |
//! | [`ip_in(ip, networks)`](ip_in) | whether an address is in a network: `10.0.0.0/8, 2001:db8::/32` |
//! | [`url_part(url, part)`](url_part) | host, path, query and the like of a URL |
//!
//! ```sql
//! SELECT   registered_domain(url_part(url_original, 'host')) AS key, count(*) AS score
//! FROM     records
//! WHERE    ip_in(source_ip, '10.0.0.0/8, 192.168.0.0/16')
//! GROUP BY key
//! ```
//!
//! Arguments are text of any of Arrow's kinds (`Utf8`, `LargeUtf8`, `Utf8View`). Text that a function
//! gives is `Utf8View` and points into the argument's blocks: it is copied only where it is not a
//! part of the argument as it stands. Null gives null. A value that a function can make nothing of
//! gives null, never an error; a mistake in the query, such as the name of a part that no URL has,
//! is an error when the query is planned.
//!
//! Each module has what its function computes as a plain Rust function, and the function of SQL on
//! top of it. Everything is pure: no I/O, no network, no clock, and the same result each time.
//!
//! # Hostile input
//! Work is linear in an argument's length. Nothing is allocated per row, but for a text beyond
//! ASCII in `entropy` and in a host that has to be lower-cased, whose room is used again.
//!
//! # Adding one
//! A module with a type that implements the crate's `Function`, and a line in [`all`]. A query then
//! has it, and [`ScalarUDF::documentation`] says what it is.

pub mod entropy;
pub mod ip_in;
pub mod registered_domain;
pub mod url_part;

mod function;
mod host;
mod parts;

use datafusion_expr::ScalarUDF;

/// Every function, to be registered with a session.
pub fn all() -> Vec<ScalarUDF> {
    vec![
        function::udf::<entropy::Entropy>(),
        function::udf::<ip_in::IpIn>(),
        function::udf::<registered_domain::RegisteredDomain>(),
        function::udf::<url_part::UrlPart>(),
    ]
}

#[cfg(test)]
mod testing;
