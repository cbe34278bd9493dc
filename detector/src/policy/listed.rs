//! Lists of addresses that others keep. To be on one strengthens what is seen here, as a report does, and is nothing by itself.

use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;

/// Ranges that stand on lists, joined; shared, for there may be a million.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// First and last address of each, in order, without overlap; IPv4 as IPv6 has it.
    ranges: Arc<[(u128, u128)]>,
}

impl Listed {
    /// Of ranges in any order.
    #[must_use]
    pub fn new(ranges: impl IntoIterator<Item = IpNet>) -> Self {
        let mut all: Vec<(u128, u128)> = ranges
            .into_iter()
            .map(|range| (number(range.network()), number(range.broadcast())))
            .collect();
        all.sort_unstable();
        let mut joined: Vec<(u128, u128)> = Vec::with_capacity(all.len());
        for (first, last) in all {
            match joined.last_mut() {
                Some((_, known)) if first <= known.saturating_add(1) => *known = last.max(*known),
                _ => joined.push((first, last)),
            }
        }
        Self {
            ranges: joined.into(),
        }
    }

    /// Whether an address is on one of them.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        let address = number(address);
        let after = self.ranges.partition_point(|(first, _)| *first <= address);
        after > 0
            && self
                .ranges
                .get(after - 1)
                .is_some_and(|(_, last)| address <= *last)
    }

    /// How many ranges there are, joined.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

fn number(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_on_a_list_that_covers_it() {
        let ranges = [
            "198.51.100.0/25",
            "198.51.100.128/25",
            "203.0.113.7/32",
            "2001:db8::/32",
            "203.0.113.0/29",
        ];
        let listed = Listed::new(ranges.iter().map(|range| range.parse().unwrap()));
        assert_eq!(listed.len(), 3, "halves are joined, and what lies in another");
        let has = |address: &str| listed.has(address.parse().unwrap());
        assert!(has("198.51.100.0") && has("198.51.100.255") && has("::ffff:198.51.100.9"));
        assert!(has("203.0.113.7") && !has("203.0.113.8") && !has("198.51.101.0"));
        assert!(has("2001:db8:ffff::1") && !has("2001:db9::"));
        assert!(!Listed::default().has("203.0.113.7".parse().unwrap()));
    }
}
