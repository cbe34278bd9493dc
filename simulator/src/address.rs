//! Addresses for clients, from ranges that belong to nobody: benchmarking (RFC 2544) and documentation
//! (RFC 5737, RFC 3849).

use crate::random::Stream;
use hashbrown::HashSet;
use rand::Rng;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a behaviour's clients sit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Neighbourhood {
    /// Anywhere, one in eight on IPv6.
    Anywhere,
    /// Close together in a few rented /24 ranges.
    HostingRanges,
}

/// Tries for a free IPv4 address before an IPv6 one is given: the IPv4 ranges hold 131,840 addresses and may fill up.
const TRIES_MAX: usize = 16;

/// First address and size of each documentation range.
const DOCUMENTATION: [(u32, u32); 3] = [
    (0xcb00_7100, 256), // 203.0.113.0/24
    (0xc633_6400, 256), // 198.51.100.0/24
    (0xc000_0200, 256), // 192.0.2.0/24
];
/// 198.18.0.0, the first address of 198.18.0.0/15.
const BENCHMARKING: u32 = 0xc612_0000;
/// How many /24 ranges the clustered behaviours share.
const HOSTING_RANGES: u32 = 10;

/// Gives out addresses, each once (an IPv6 client gets its own /64).
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    given: HashSet<IpAddr>,
}

impl Addresses {
    /// An address that nobody else has, drawn from the client's own stream.
    pub(crate) fn give(&mut self, rng: &mut Stream, neighbourhood: Neighbourhood) -> IpAddr {
        for _ in 0..TRIES_MAX {
            let address = draw(rng, neighbourhood);
            if self.given.insert(address) {
                return address;
            }
        }
        loop {
            let address = v6(rng);
            if self.given.insert(address) {
                return address;
            }
        }
    }
}

fn draw(rng: &mut Stream, neighbourhood: Neighbourhood) -> IpAddr {
    match neighbourhood {
        Neighbourhood::HostingRanges => {
            // Every 23rd /24 of the upper half: far enough apart not to read as one network.
            let range = 256 + rng.gen_range(0..HOSTING_RANGES) * 23;
            v4(BENCHMARKING + range * 256 + rng.gen_range(1..255))
        }
        Neighbourhood::Anywhere => match rng.gen_range(0..100) {
            0..12 => v6(rng),
            12..16 => {
                let (first, size) = DOCUMENTATION[rng.gen_range(0..DOCUMENTATION.len())];
                v4(first + rng.gen_range(1..size - 1))
            }
            _ => v4(BENCHMARKING + rng.gen_range(0..1 << 17)),
        },
    }
}

fn v4(bits: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(bits))
}

/// A host in a /64 of 2001:db8::/32. The host part follows from the /64, so that one /64 is one address here.
fn v6(rng: &mut Stream) -> IpAddr {
    let net: u32 = rng.r#gen();
    let bits =
        (0x2001_0db8_u128 << 96) | (u128::from(net) << 64) | u128::from(crate::random::mix(net.into()));
    IpAddr::V6(Ipv6Addr::from(bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;
    use domain::Client;

    #[test]
    fn no_two_clients_share_an_address_or_a_64() {
        let mut addresses = Addresses::default();
        let mut rng = stream(3, "test", 0);
        let clients: HashSet<String> = (0..20_000)
            .map(|_| Client::from_address(addresses.give(&mut rng, Neighbourhood::Anywhere)).to_string())
            .collect();
        assert_eq!(clients.len(), 20_000);
    }

    #[test]
    fn clustered_clients_fill_a_few_24s_and_then_move_to_ipv6() {
        let mut addresses = Addresses::default();
        let mut rng = stream(3, "test", 0);
        let given: Vec<IpAddr> = (0..400)
            .map(|_| addresses.give(&mut rng, Neighbourhood::HostingRanges))
            .collect();
        let ranges: HashSet<[u8; 3]> = given
            .iter()
            .filter_map(|address| match address {
                IpAddr::V4(v4) => Some([v4.octets()[0], v4.octets()[1], v4.octets()[2]]),
                IpAddr::V6(_) => None,
            })
            .collect();
        assert!(ranges.len() <= 10, "{ranges:?}");
    }
}
