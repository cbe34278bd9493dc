//! Addresses: a peer's, a forwarded chain's, a client's by scope. The first line is the peer, the second the chain.

use crate::text;
use domain::{AddressSource, Client, Scope, TrustedProxies};
use ingest::address::{parse_ip, parse_socket};

/// One input.
pub fn run(data: &[u8]) {
    let data = text(data);
    let (first, rest) = data.split_once('\n').unwrap_or((data, ""));
    let _ = parse_ip(first);
    let peer = parse_socket(first);
    let ranges = ["10.0.0.0/8", "fd00::/8"];
    let trusted = TrustedProxies::new(ranges.iter().filter_map(|range| range.parse().ok()).collect());
    match (peer, trusted.resolve(peer, rest)) {
        (Some(peer), Some((address, source))) => {
            // Nobody speaks for another unless a trusted proxy passes the word on.
            let is_trusted = trusted.contains(peer);
            assert!(is_trusted || (address == peer.to_canonical() && source == AddressSource::Peer));
        }
        (Some(_), None) => unreachable!("a peer is always somebody"),
        (None, Some((_, source))) => assert_eq!(source, AddressSource::Claimed),
        (None, None) => {}
    }
    for scope in Scope::ALL {
        if let Ok(client) = Client::parse(scope, rest) {
            let again = Client::parse(client.scope(), &client.value());
            assert_eq!(again.as_ref().ok(), Some(&client), "a client survives writing");
        }
    }
}
