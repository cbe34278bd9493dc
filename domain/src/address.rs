//! Whose address: resolved right to left through trusted proxies only.
//!
//! Whoever writes `X-Forwarded-For` must not be able to get somebody else blocked, nor to hide. Taking the
//! left-most entry is the mistake that several peers made: it is whatever the client sent.

use ipnet::IpNet;
use std::net::IpAddr;

/// Most hops of a forwarded chain that are looked at, from the right. A longer chain is the attacker's to write:
/// past this, the last trusted hop is the client.
pub const MAX_FORWARDED_HOPS: usize = 16;

/// How an address is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressSource {
    /// The peer of the gateway's own connection, or what the gateway itself resolved.
    Peer,
    /// A trusted proxy named it.
    TrustedHop,
    /// Somebody untrusted claimed it, or the log carries no peer: shown, never acted on.
    Claimed,
}

/// The proxies whose word about the next hop is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    ranges: Vec<IpNet>,
}

impl TrustedProxies {
    /// Makes the list from ranges.
    #[must_use]
    pub fn new(ranges: Vec<IpNet>) -> Self {
        Self { ranges }
    }

    /// Whether the address is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.ranges.iter().any(|range| range.contains(&address))
    }

    /// Resolves the client's address from the connection's peer and the forwarded chain (as in
    /// `X-Forwarded-For`: the nearest hop last).
    ///
    /// Walks from the right while the hop just passed is trusted; the first untrusted address is the client. An
    /// entry that is no address ends the walk at the hop before it: nothing left of it can be believed. Without
    /// a peer in the log the right-most entry is only claimed.
    #[must_use]
    pub fn resolve(&self, peer: Option<IpAddr>, forwarded: &str) -> Option<(IpAddr, AddressSource)> {
        let mut hops = forwarded.rsplit(',').take(MAX_FORWARDED_HOPS).map(parse_hop);
        let Some(peer) = peer else {
            return hops
                .next()
                .flatten()
                .map(|address| (address, AddressSource::Claimed));
        };
        let mut client = (peer.to_canonical(), AddressSource::Peer);
        for hop in hops {
            if !self.contains(client.0) {
                break;
            }
            let Some(address) = hop else { break };
            client = (address, AddressSource::TrustedHop);
        }
        Some(client)
    }
}

/// Reads one entry of a forwarded chain: an address, perhaps with a port, brackets or quotes.
fn parse_hop(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim().trim_matches('"');
    if let Ok(address) = entry.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    if let Ok(socket) = entry.parse::<std::net::SocketAddr>() {
        return Some(socket.ip().to_canonical());
    }
    let bracketed = entry.strip_prefix('[')?.strip_suffix(']')?;
    bracketed
        .parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: Option<&str>, forwarded: &str, expected: Option<(&str, AddressSource)>) {
        let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        let peer = peer.map(|text| text.parse().unwrap());
        let expected = expected.map(|(text, source)| (text.parse().unwrap(), source));
        assert_eq!(trusted.resolve(peer, forwarded), expected, "{peer:?} {forwarded}");
    }

    #[test]
    fn the_first_untrusted_hop_from_the_right_is_the_client() {
        use AddressSource::{Peer, TrustedHop};
        check(Some("203.0.113.9"), "198.51.100.1", Some(("203.0.113.9", Peer)));
        check(
            Some("10.0.0.1"),
            "198.51.100.1, 203.0.113.9",
            Some(("203.0.113.9", TrustedHop)),
        );
        check(
            Some("10.0.0.1"),
            "198.51.100.1, 203.0.113.9, 10.2.2.2",
            Some(("203.0.113.9", TrustedHop)),
        );
        check(
            Some("::ffff:10.0.0.1"),
            "[2001:db8::1]:4711",
            Some(("2001:db8::1", TrustedHop)),
        );
        check(Some("10.0.0.1"), "", Some(("10.0.0.1", Peer)));
    }

    #[test]
    fn what_is_no_address_ends_the_walk() {
        check(
            Some("10.0.0.1"),
            "198.51.100.1, unknown, 10.2.2.2",
            Some(("10.2.2.2", AddressSource::TrustedHop)),
        );
        check(
            Some("10.0.0.1"),
            "<script>",
            Some(("10.0.0.1", AddressSource::Peer)),
        );
    }

    #[test]
    fn without_a_peer_the_chain_is_only_a_claim() {
        check(
            None,
            "198.51.100.1, 203.0.113.9",
            Some(("203.0.113.9", AddressSource::Claimed)),
        );
        check(None, "", None);
    }

    #[test]
    fn a_thousand_trusted_hops_end_at_the_named_limit() {
        let chain = vec!["10.1.1.1"; 1000].join(",");
        check(
            Some("10.0.0.1"),
            &format!("203.0.113.9,{chain}"),
            Some(("10.1.1.1", AddressSource::TrustedHop)),
        );
    }
}
