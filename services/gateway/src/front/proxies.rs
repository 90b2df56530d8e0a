//! Where a request came from, if it came through proxies.
//!
//! Anybody can write a header. What a proxy of ours has written is believed, and of that only
//! as much as it has seen itself: read from the right, the first address that is no proxy of
//! ours is the client's, whatever stands before it.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The most proxies of ours in a row.
const HOPS_MAX: usize = 16;

/// The header in which the proxies say whom they serve. The other one is ignored: a proxy that
/// writes the one hands on what its client has written into the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardedBy {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded`, as RFC 7239 has it.
    Forwarded,
}

/// The proxies in front of this server.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    header: ForwardedBy,
}

impl Proxies {
    /// The proxies in those networks, which all write that header.
    pub fn new(trusted: Vec<IpNet>, header: ForwardedBy) -> Self {
        Self { trusted, header }
    }

    /// Whether it is one of them.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// Who has sent a request with those headers over a connection of `peer`.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        if !self.trusts(peer) {
            return client;
        }
        let (name, read): (_, fn(&str) -> Option<IpAddr>) = match self.header {
            ForwardedBy::XForwardedFor => (X_FORWARDED_FOR, address),
            ForwardedBy::Forwarded => (header::FORWARDED, forwarded_for),
        };
        // Several lines are one list.
        let lines: Vec<&str> =
            headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("?")).collect();
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
        for hop in hops.take(HOPS_MAX) {
            // What cannot be read is nobody's address: the last one that can is as near as we get.
            let Some(seen) = read(hop.trim()) else { break };
            client = seen;
            if !self.trusts(seen) {
                break;
            }
        }
        client
    }
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = IpAddr::from_str(bare).ok();
    let address = address.or_else(|| SocketAddr::from_str(text).ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

/// The address in `proto=https;for="[2001:db8::1]:4711"`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, node) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    address(node.trim_matches('"'))
}

/// What stands for an address where something is counted: all of a /64 is one network of
/// IPv6, whose addresses cost nothing.
pub(crate) fn bucket(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        // Networks whose first half is 0 are never routed: no IPv4 address is taken for one.
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn seen(header: ForwardedBy, peer: &str, lines: &[(&'static str, &str)]) -> IpAddr {
        let trusted = ["10.0.0.0/8", "2001:db8:1::/48"].map(|network| network.parse().unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        Proxies::new(trusted.to_vec(), header).client(ip(peer), &headers)
    }

    fn through(peer: &str, lines: &[&str]) -> IpAddr {
        let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
        seen(ForwardedBy::XForwardedFor, peer, &lines)
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(through("192.0.2.1", &["198.51.100.7"]), ip("192.0.2.1"));
        assert_eq!(through("192.0.2.1", &["198.51.100.7, 10.0.0.1"]), ip("192.0.2.1"));
    }

    #[test]
    fn the_right_most_stranger_is_the_client() {
        for (lines, client) in [
            (&["198.51.100.7"][..], "198.51.100.7"),
            (&["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
            (&["1.1.1.1", "198.51.100.7"], "198.51.100.7"),
            (&["1.1.1.1, 198.51.100.7, 10.9.9.9,10.1.1.1"], "198.51.100.7"),
            (&["198.51.100.7:4711"], "198.51.100.7"),
            (&["[2001:db8:2::7]:4711"], "2001:db8:2::7"),
            (&["[2001:db8:2::7]"], "2001:db8:2::7"),
            (&["2001:db8:2::7"], "2001:db8:2::7"),
            (&["2001:db8:2::7, 2001:db8:1::1"], "2001:db8:2::7"),
            (&["::ffff:198.51.100.7"], "198.51.100.7"),
            (&["10.3.3.3"], "10.3.3.3"),
        ] {
            assert_eq!(through("10.0.0.1", lines), ip(client), "{lines:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_ends_the_search() {
        for lines in [
            &[][..],
            &[""],
            &["unknown"],
            &["198.51.100.7, "],
            &["198.51.100.7, _hidden"],
            &["1.1.1.1, \u{e9}"],
        ] {
            assert_eq!(through("10.0.0.1", lines), ip("10.0.0.1"), "{lines:?}");
        }
        assert_eq!(through("10.0.0.1", &["198.51.100.7, nonsense, 10.2.2.2"]), ip("10.2.2.2"));
        let many = vec!["10.7.7.7"; 1_000].join(",");
        assert_eq!(through("10.0.0.1", &[&format!("198.51.100.7,{many}")]), ip("10.7.7.7"));
    }

    #[test]
    fn only_the_header_that_the_proxies_write_counts() {
        let lines = [("forwarded", "for=198.51.100.7"), ("x-forwarded-for", "198.51.100.8")];
        assert_eq!(seen(ForwardedBy::XForwardedFor, "10.0.0.1", &lines), ip("198.51.100.8"));
        assert_eq!(seen(ForwardedBy::Forwarded, "10.0.0.1", &lines), ip("198.51.100.7"));
        for element in ["For=\"[2001:db8:2::7]:4711\"", "proto=http; for=\"2001:db8:2::7\";by=10.0.0.1"] {
            let lines = [("forwarded", format!("for=1.1.1.1, {element}"))];
            let lines = lines.each_ref().map(|(name, value)| (*name, value.as_str()));
            assert_eq!(seen(ForwardedBy::Forwarded, "10.0.0.1", &lines), ip("2001:db8:2::7"), "{element}");
        }
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        assert_eq!(bucket(ip("2001:db8::1")), bucket(ip("2001:db8::ffff:1")));
        assert_ne!(bucket(ip("2001:db8::1")), bucket(ip("2001:db8:0:1::1")));
        assert_eq!(bucket(ip("::ffff:192.0.2.1")), bucket(ip("192.0.2.1")));
        assert_ne!(bucket(ip("192.0.2.1")), bucket(ip("192.0.2.2")));
    }

    proptest! {
        #[test]
        fn any_header_has_an_answer(value in "[ -~]{0,200}") {
            for header in [ForwardedBy::XForwardedFor, ForwardedBy::Forwarded] {
                seen(header, "10.0.0.1", &[("x-forwarded-for", &value), ("forwarded", &value)]);
            }
        }
    }
}
