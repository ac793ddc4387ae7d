//! Networks against a comparison bit by bit, and what is no address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use arrow::array::AsArray;
use datafusion_common::ScalarValue;
use datafusion_expr::ColumnarValue;
use proptest::prelude::*;

use super::*;
use crate::testing::{self, literal};

fn of(ip: &str, networks: &str) -> Option<bool> {
    let networks = Networks::parse(networks).unwrap();
    Some(networks.contains(address(ip)?))
}

#[test]
fn an_address_is_in_a_network_by_its_first_bits() {
    for (ip, networks, is_in) in [
        ("10.0.0.0", "10.0.0.0/8", true),
        ("10.255.255.255", "10.0.0.0/8", true),
        ("11.0.0.0", "10.0.0.0/8", false),
        ("9.255.255.255", "10.0.0.0/8", false),
        ("192.168.7.1", "10.0.0.0/8, 192.168.0.0/16", true),
        (
            "172.32.0.1",
            "10.0.0.0/8,172.16.0.0/12 ,192.168.0.0/16",
            false,
        ),
        ("10.9.9.9", "10.1.2.3/8", true),
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.2", "192.0.2.1/32", false),
        ("255.255.255.255", "0.0.0.0/0", true),
        ("2001:db8:1::1", "2001:db8::/32", true),
        ("2001:db9::", "2001:DB8::/32", false),
        ("::1", "::1", true),
        ("ffff::", "::/0", true),
        ("192.0.2.1", "::/0", false),
        ("2001:db8::1", "0.0.0.0/0", false),
        ("::ffff:10.0.0.1", "10.0.0.0/8", true),
        ("::ffff:a00:1", "10.0.0.0/8", true),
        ("10.0.0.1", "::ffff:10.0.0.0/104", true),
        ("11.0.0.1", "::ffff:10.0.0.0/104", false),
        ("fe80::1%eth0", "fe80::/10", true),
    ] {
        assert_eq!(of(ip, networks), Some(is_in), "{ip} in {networks}");
    }
}

#[test]
fn what_is_no_address_is_null() {
    for ip in [
        "",
        "-",
        "localhost",
        "proxy.example.com",
        "10.0.0.1:80",
        "10.0.0",
        "10.0.0.256",
        "010.0.0.1",
        " 10.0.0.1",
        "10.0.0.1/8",
        "[::1]",
        "10.0.0.1%eth0",
        "fe80::1%",
        ":::",
    ] {
        assert_eq!(of(ip, "0.0.0.0/0, ::/0"), None, "{ip:?}");
    }
}

#[test]
fn literal_networks_that_are_none_are_an_error_of_the_query_that_says_what_to_write() {
    for (networks, message) in [
        (
            "10.0.0.0/33",
            "the prefix of `10.0.0.0/33` is no number from 0 to 32",
        ),
        (
            "10.0.0.0/+8",
            "the prefix of `10.0.0.0/+8` is no number from 0 to 32",
        ),
        (
            "2001:db8::/129",
            "the prefix of `2001:db8::/129` is no number from 0 to 128",
        ),
        (
            "10.0.0.0/8, office",
            "`office` is no network; expected an address and a prefix",
        ),
        ("10.0.0/8", "`10.0.0/8` is no network"),
        (
            "10.0.0.0/8,",
            "a network is missing; expected such as `10.0.0.0/8`",
        ),
        ("", "a network is missing"),
    ] {
        let ips = std::sync::Arc::clone(&testing::columns(&[Some("10.0.0.1")])[0]);
        let error = testing::call("ip_in", vec![ColumnarValue::Array(ips), literal(networks)]);
        let error = error.unwrap_err().strip_backtrace();
        assert!(
            error.starts_with("Error during planning: `ip_in`: "),
            "{error}"
        );
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn networks_in_a_column_are_asked_row_by_row_and_null_where_they_are_none() {
    let ips = [
        Some("10.0.0.1"),
        Some("10.0.0.1"),
        None,
        Some("10.0.0.1"),
        Some("10.0.0.1"),
        Some("x"),
    ];
    let networks = [
        Some("10.0.0.0/8"),
        Some("192.0.2.0/24, 2001:db8::/32"),
        Some("10.0.0.0/8"),
        Some("office"),
        None,
        Some("10.0.0.0/8"),
    ];
    for (ips, networks) in testing::columns(&ips)
        .iter()
        .zip(testing::columns(&networks))
    {
        let found = testing::column("ip_in", ips, &[ColumnarValue::Array(networks)]);
        let found: Vec<_> = found.as_boolean().iter().collect();
        assert_eq!(found, [Some(true), Some(false), None, None, None, None]);
    }
}

#[test]
fn null_networks_give_null() {
    let ips = std::sync::Arc::clone(&testing::columns(&[Some("10.0.0.1")])[2]);
    let null = ColumnarValue::Scalar(ScalarValue::Utf8(None));
    assert_eq!(testing::column("ip_in", &ips, &[null]).null_count(), 1);
}

/// A network and what it holds, by the definition: the first bits are the same.
fn holds(network: IpAddr, prefix: u32, address: IpAddr) -> bool {
    let same_bits = |a: u128, b: u128, n_bits: u32| (a ^ b).checked_shr(n_bits - prefix) == Some(0);
    match (network, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same_bits(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => prefix == 0 || same_bits(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

/// Addresses that lie near each other, so that networks hold some of them.
fn near() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u16>().prop_map(|n| IpAddr::V4(Ipv4Addr::from_bits(0x0A00_0000 | u32::from(n)))),
        any::<u16>()
            .prop_map(|n| IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) | u128::from(n)))),
    ]
}

proptest! {
    #[test]
    fn an_address_is_in_a_list_if_it_is_in_one_of_its_networks(
        networks in proptest::collection::vec((near(), 0_u32..=32), 1..8),
        address in near(),
    ) {
        // Of IPv6 as many of the last bits are left.
        let prefix = |network: &IpAddr, n: u32| if network.is_ipv4() { n } else { 96 + n };
        let expected = networks.iter().any(|(network, n)| holds(*network, prefix(network, *n), address));
        let list: Vec<String> = networks.iter().map(|(network, n)| format!("{network}/{}", prefix(network, *n))).collect();
        let list = list.join(", ");
        prop_assert_eq!(Networks::parse(&list).unwrap().contains(address), expected);
        prop_assert_eq!(is_in(address, &list), Ok(expected));
    }

    #[test]
    fn no_text_makes_it_panic(ip in ".*", networks in prop_oneof![".*", "[0-9a-f:./, ]{0,40}"]) {
        let (address, list) = (address(&ip), Networks::parse(&networks));
        if let (Some(address), Ok(list)) = (address, list) {
            prop_assert_eq!(is_in(address, &networks), Ok(list.contains(address)));
        }
    }
}
