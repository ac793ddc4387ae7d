//! The section `[in_netflow]` as the user writes it, and what types cannot check.

use std::net::SocketAddr;

use datashark_sdk::conf::{Problem, Problems};
use serde::Deserialize;

/// The least and the most of a receive buffer: a datagram, and what the kernel can count.
const BUFFER_BYTES: std::ops::RangeInclusive<u64> = 65_536..=1 << 30;

/// The section `[in_netflow]`. The crate's page has the keys in a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetflowConf {
    /// Addresses and ports to receive at.
    #[serde(default = "listen")]
    pub listen: Vec<String>,
    /// What the kernel may hold of each socket.
    #[serde(default = "receive_buffer", with = "datashark_sdk::conf::size")]
    pub receive_buffer: u64,
}

fn listen() -> Vec<String> {
    vec!["0.0.0.0:2055".to_owned()]
}

fn receive_buffer() -> u64 {
    8_000_000
}

impl NetflowConf {
    /// Every mistake that the types let pass.
    pub(crate) fn problems(&self) -> Problems {
        let mut problems = Problems::default();
        if self.listen.is_empty() {
            problems.push(Problem::at(
                ["listen"],
                "expected an address and port, found nothing",
            ));
        }
        for listen in &self.listen {
            if listen.parse::<SocketAddr>().is_err() {
                let message = format!("expected an address and port, found `{listen}`");
                let help = "such as `0.0.0.0:2055`, or `[::]:2055` for IPv6 as well";
                problems.push(Problem::at(["listen"], message).help(help));
            }
        }
        if !BUFFER_BYTES.contains(&self.receive_buffer) {
            let found = self.receive_buffer;
            let message = format!("expected 64KiB to 1GiB, found {found} bytes");
            problems.push(Problem::at(["receive_buffer"], message));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use datashark_sdk::Stores;
    use datashark_sdk::conf::Section;
    use datashark_sdk::input::InputEntry;

    use crate::Netflow;

    #[test]
    fn every_mistake_is_found_at_once() {
        let section = Section::from_iter([
            ("listen", "localhost, 0.0.0.0:70000, [::]:2055"),
            ("receive_buffer", "10"),
        ]);
        let problems = InputEntry::of::<Netflow>().check(&section, &Stores::default());
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "listen: expected an address and port, found `localhost`",
                "listen: expected an address and port, found `0.0.0.0:70000`",
                "receive_buffer: expected 64KiB to 1GiB, found 10 bytes"
            ]
        );
    }
}
