//! Who is never blocked.

use crate::{Client, Timestamp};
use ipnet::IpNet;
use std::net::IpAddr;

/// One entry of the allowlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowEntry {
    /// Who.
    pub client: Client,
    /// Why, for people.
    pub reason: String,
    /// Until when; `None` for good.
    pub until: Option<Timestamp>,
}

/// Who is never blocked: private addresses (unless told otherwise), one's own ranges, and entries with reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowlist {
    own_ranges: Vec<IpNet>,
    entries: Vec<AllowEntry>,
    allow_private: bool,
}

impl Default for Allowlist {
    fn default() -> Self {
        Self {
            own_ranges: Vec::new(),
            entries: Vec::new(),
            allow_private: true,
        }
    }
}

impl Allowlist {
    /// Makes it from one's own ranges and entries. `allow_private` is off only where private addresses are the
    /// clients, as in a simulation.
    #[must_use]
    pub fn new(own_ranges: Vec<IpNet>, entries: Vec<AllowEntry>, allow_private: bool) -> Self {
        Self {
            own_ranges,
            entries,
            allow_private,
        }
    }

    /// One's own ranges.
    #[must_use]
    pub fn own_ranges(&self) -> &[IpNet] {
        &self.own_ranges
    }

    /// Whether private addresses are protected.
    #[must_use]
    pub fn protects_private(&self) -> bool {
        self.allow_private
    }

    /// The entries, in the order they were given.
    #[must_use]
    pub fn entries(&self) -> &[AllowEntry] {
        &self.entries
    }

    /// Every range that is protected for good: one's own, and the private ones unless told otherwise.
    pub(crate) fn standing_ranges(&self) -> impl Iterator<Item = IpNet> {
        let private = private_ranges().filter(|_| self.allow_private);
        self.own_ranges.iter().copied().chain(private)
    }

    /// Adds an entry, or replaces the one of the same client.
    pub fn allow(&mut self, entry: AllowEntry) {
        self.disallow(&entry.client);
        self.entries.push(entry);
    }

    /// Takes a client's entry out.
    pub fn disallow(&mut self, client: &Client) {
        self.entries.retain(|entry| entry.client != *client);
    }

    /// Why a decision about `client` must not be enforced at `now`; `None` when it may be.
    ///
    /// A range is protected as soon as it *overlaps* an own or allowed range: a block of a /24 must not hit an
    /// allowlisted address inside it.
    #[must_use]
    pub fn protects(&self, client: &Client, now: Timestamp) -> Option<&str> {
        if let Some(range) = client.range() {
            if self.allow_private && private_ranges().any(|private| overlaps(private, range)) {
                return Some("a private address");
            }
            if self.own_ranges.iter().any(|own| overlaps(*own, range)) {
                return Some("one of your own ranges");
            }
        }
        let alive = |entry: &&AllowEntry| entry.until.is_none_or(|until| until > now);
        self.entries
            .iter()
            .filter(alive)
            .find(|entry| clients_overlap(&entry.client, client))
            .map(|entry| entry.reason.as_str())
    }
}

fn overlaps(left: IpNet, right: IpNet) -> bool {
    left.contains(&right) || right.contains(&left)
}

/// Whether two clients share an address, or are the same name.
pub(crate) fn clients_overlap(left: &Client, right: &Client) -> bool {
    match (left.range(), right.range()) {
        (Some(left), Some(right)) => overlaps(left, right),
        _ => left == right,
    }
}

/// Addresses that are not a public client's: this network, private (RFC 1918), shared (RFC 6598), loopback,
/// link-local, multicast, broadcast; unspecified, loopback, unique local, link-local and multicast of IPv6.
/// Documentation ranges count as public, so that examples behave like clients.
const PRIVATE_V4: [([u8; 4], u8); 9] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 168, 0, 0], 16),
    ([224, 0, 0, 0], 4),
    ([255, 255, 255, 255], 32),
];
const PRIVATE_V6: [(u16, u8); 4] = [(0, 127), (0xfc00, 7), (0xfe80, 10), (0xff00, 8)];

fn private_ranges() -> impl Iterator<Item = IpNet> {
    let v4 = PRIVATE_V4
        .into_iter()
        .map(|(octets, len)| IpNet::new_assert(IpAddr::from(octets), len));
    let v6 = PRIVATE_V6
        .into_iter()
        .map(|(first, len)| IpNet::new_assert(IpAddr::from([first, 0, 0, 0, 0, 0, 0, 0]), len));
    v4.chain(v6)
}

/// Whether an address is not a public client's: one of the private ranges, also when mapped into IPv6.
#[must_use]
pub fn is_private(address: IpAddr) -> bool {
    let address = address.to_canonical();
    private_ranges().any(|range| range.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &Allowlist, client: &str, expected: Option<&str>) {
        let scope = if client.contains('/') {
            crate::Scope::Range
        } else {
            crate::Scope::Ip
        };
        let client = Client::parse(scope, client).unwrap();
        assert_eq!(
            list.protects(&client, Timestamp::from_secs(100)),
            expected,
            "{client}"
        );
    }

    #[test]
    fn private_own_and_allowed_clients_are_protected() {
        let entry = |text: &str, until| AllowEntry {
            client: Client::parse(crate::Scope::Ip, text).unwrap(),
            reason: "partner".to_owned(),
            until,
        };
        let entries = vec![
            entry("203.0.113.9", None),
            entry("203.0.113.77", Some(Timestamp::from_secs(100))),
        ];
        let list = Allowlist::new(vec!["198.51.100.0/24".parse().unwrap()], entries, true);
        check(&list, "10.1.2.3", Some("a private address"));
        check(&list, "198.51.100.7", Some("one of your own ranges"));
        check(&list, "203.0.113.9", Some("partner"));
        check(&list, "203.0.113.0/24", Some("partner"));
        check(&list, "203.0.113.77", None);
        check(&list, "fd00::1", Some("a private address"));
        check(&list, "2001:db8::1", None);
    }

    #[test]
    fn a_range_around_a_private_address_is_protected() {
        let list = Allowlist::default();
        check(&list, "8.0.0.0/5", Some("a private address"));
        check(&list, "192.0.0.0/8", Some("a private address"));
        check(&list, "203.0.113.0/24", None);
        check(&list, "::/0", Some("a private address"));
        check(&list, "2001:db8::/32", None);
    }

    #[test]
    fn private_addresses_are_known() {
        for text in [
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.9.9.9",
            "169.254.1.1",
            "172.31.0.1",
            "192.168.1.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fd00::1",
            "fe80::1",
            "ff02::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_private(text.parse().unwrap()), "{text}");
        }
        for text in [
            "8.8.8.8",
            "100.128.0.1",
            "172.32.0.1",
            "203.0.113.9",
            "240.0.0.1",
            "2001:db8::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(!is_private(text.parse().unwrap()), "{text}");
        }
    }
}
