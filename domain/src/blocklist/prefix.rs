//! Values by address range: the ranges around an address, and those inside a range.
//!
//! One hash table per prefix length in use. A lookup probes the lengths in use, of which real lists have few, and
//! rare lengths have small tables that stay in the processor's cache; a binary tree would walk some twenty nodes
//! through cold memory for every address that is *not* blocked, which is nearly every request. The hash is seeded
//! anew for each table, so that nobody can choose addresses that collide.

use foldhash::fast::RandomState;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address family's bits.
trait Bits: Copy + Ord + Hash {
    const WIDTH: u8;
    /// The first `len` bits, the rest zero.
    fn first_of(self, len: u8) -> Self;
    /// The first `len` bits, the rest one.
    fn last_of(self, len: u8) -> Self;
}

impl Bits for u32 {
    const WIDTH: u8 = 32;
    fn first_of(self, len: u8) -> Self {
        self & !Self::MAX.checked_shr(u32::from(len)).unwrap_or(0)
    }
    fn last_of(self, len: u8) -> Self {
        self | Self::MAX.checked_shr(u32::from(len)).unwrap_or(0)
    }
}

impl Bits for u128 {
    const WIDTH: u8 = 128;
    fn first_of(self, len: u8) -> Self {
        self & !Self::MAX.checked_shr(u32::from(len)).unwrap_or(0)
    }
    fn last_of(self, len: u8) -> Self {
        self | Self::MAX.checked_shr(u32::from(len)).unwrap_or(0)
    }
}

#[derive(Debug)]
struct Family<B, V> {
    /// By prefix length.
    tables: Vec<HashMap<B, V, RandomState>>,
    /// The lengths in use, longest first.
    lengths: Vec<u8>,
    /// Every range by its first address, to find those inside another.
    order: BTreeSet<(B, u8)>,
}

impl<B: Bits, V> Family<B, V> {
    fn new() -> Self {
        Self {
            tables: (0..=B::WIDTH).map(|_| HashMap::default()).collect(),
            lengths: Vec::new(),
            order: BTreeSet::new(),
        }
    }

    fn get(&self, bits: B, len: u8) -> Option<&V> {
        self.tables[usize::from(len)].get(&bits.first_of(len))
    }

    fn insert(&mut self, bits: B, len: u8, value: V) -> Option<V> {
        let bits = bits.first_of(len);
        let earlier = self.tables[usize::from(len)].insert(bits, value);
        if earlier.is_none() {
            self.order.insert((bits, len));
            if let Err(place) = self.lengths.binary_search_by(|other| len.cmp(other)) {
                self.lengths.insert(place, len);
            }
        }
        earlier
    }

    fn remove(&mut self, bits: B, len: u8) -> Option<V> {
        let bits = bits.first_of(len);
        let table = &mut self.tables[usize::from(len)];
        let value = table.remove(&bits)?;
        if table.is_empty() {
            self.lengths.retain(|other| *other != len);
        }
        self.order.remove(&(bits, len));
        Some(value)
    }

    /// Values of the ranges that cover `bits/len`, itself included, narrowest first.
    fn covering(&self, bits: B, len: u8) -> impl Iterator<Item = &V> {
        self.lengths
            .iter()
            .filter(move |&&other| other <= len)
            .filter_map(move |&other| self.tables[usize::from(other)].get(&bits.first_of(other)))
    }

    /// Values of the ranges inside `bits/len`, itself included.
    fn inside(&self, bits: B, len: u8) -> impl Iterator<Item = &V> {
        self.order
            .range((bits.first_of(len), len)..=(bits.last_of(len), B::WIDTH))
            .filter(move |(_, other)| *other >= len)
            .filter_map(|&(bits, other)| self.tables[usize::from(other)].get(&bits))
    }
}

/// A map from address ranges to values.
#[derive(Debug)]
pub(super) struct PrefixMap<V> {
    v4: Family<u32, V>,
    v6: Family<u128, V>,
}

impl<V> PrefixMap<V> {
    pub(super) fn new() -> Self {
        Self {
            v4: Family::new(),
            v6: Family::new(),
        }
    }

    pub(super) fn get(&self, range: IpNet) -> Option<&V> {
        match range {
            IpNet::V4(v4) => self.v4.get(bits_v4(v4), v4.prefix_len()),
            IpNet::V6(v6) => self.v6.get(bits_v6(v6), v6.prefix_len()),
        }
    }

    pub(super) fn insert(&mut self, range: IpNet, value: V) -> Option<V> {
        match range {
            IpNet::V4(v4) => self.v4.insert(bits_v4(v4), v4.prefix_len(), value),
            IpNet::V6(v6) => self.v6.insert(bits_v6(v6), v6.prefix_len(), value),
        }
    }

    pub(super) fn remove(&mut self, range: IpNet) -> Option<V> {
        match range {
            IpNet::V4(v4) => self.v4.remove(bits_v4(v4), v4.prefix_len()),
            IpNet::V6(v6) => self.v6.remove(bits_v6(v6), v6.prefix_len()),
        }
    }

    /// Calls `visit` with the value of every range around an address. The hot path: no allocation, no boxing.
    pub(super) fn each_around<'a>(&'a self, address: IpAddr, mut visit: impl FnMut(&'a V)) {
        match address {
            IpAddr::V4(v4) => self.v4.covering(u32::from(v4), u32::WIDTH).for_each(&mut visit),
            IpAddr::V6(v6) => self.v6.covering(u128::from(v6), u128::WIDTH).for_each(&mut visit),
        }
    }

    /// Values of the ranges that cover `range`, itself included.
    pub(super) fn covering(&self, range: IpNet) -> Box<dyn Iterator<Item = &V> + '_> {
        match range {
            IpNet::V4(v4) => Box::new(self.v4.covering(bits_v4(v4), v4.prefix_len())),
            IpNet::V6(v6) => Box::new(self.v6.covering(bits_v6(v6), v6.prefix_len())),
        }
    }

    /// Values of the ranges inside `range`, itself included.
    pub(super) fn inside(&self, range: IpNet) -> Box<dyn Iterator<Item = &V> + '_> {
        match range {
            IpNet::V4(v4) => Box::new(self.v4.inside(bits_v4(v4), v4.prefix_len())),
            IpNet::V6(v6) => Box::new(self.v6.inside(bits_v6(v6), v6.prefix_len())),
        }
    }

    /// Values of the ranges that share an address with `range`; `range` itself may come twice.
    pub(super) fn overlapping(&self, range: IpNet) -> impl Iterator<Item = &V> {
        self.covering(range).chain(self.inside(range))
    }
}

fn bits_v4(range: Ipv4Net) -> u32 {
    u32::from(Ipv4Addr::from(range.addr().octets()))
}

fn bits_v6(range: Ipv6Net) -> u128 {
    u128::from(Ipv6Addr::from(range.addr().octets()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nets(texts: &[&str]) -> PrefixMap<IpNet> {
        let mut map = PrefixMap::new();
        for text in texts {
            let net: IpNet = text.parse().unwrap();
            map.insert(net, net);
        }
        map
    }

    fn around(map: &PrefixMap<IpNet>, address: &str) -> Vec<String> {
        let mut found = Vec::new();
        map.each_around(address.parse().unwrap(), |net| found.push(net.to_string()));
        found
    }

    #[test]
    fn the_ranges_around_an_address_are_found_narrowest_first() {
        let mut map = nets(&[
            "0.0.0.0/0",
            "203.0.113.0/24",
            "203.0.113.9/32",
            "::/0",
            "2001:db8::/64",
        ]);
        assert_eq!(
            around(&map, "203.0.113.9"),
            ["203.0.113.9/32", "203.0.113.0/24", "0.0.0.0/0"]
        );
        assert_eq!(around(&map, "2001:db8::7"), ["2001:db8::/64", "::/0"]);
        map.remove("0.0.0.0/0".parse().unwrap());
        assert_eq!(around(&map, "198.51.100.1"), [] as [String; 0]);
    }

    fn small_range() -> impl Strategy<Value = IpNet> {
        (0..16u8, 26..=32u8).prop_map(|(host, len)| {
            let address = IpAddr::from([203, 0, 113, host * 4]);
            IpNet::new(address, len).unwrap().trunc()
        })
    }

    proptest! {
        #[test]
        fn covering_and_inside_are_what_a_list_would_say(
            ranges in prop::collection::vec(small_range(), 0..20),
            removed in prop::collection::vec(small_range(), 0..10),
            probe in small_range(),
        ) {
            let mut map = PrefixMap::new();
            let mut list: BTreeSet<IpNet> = BTreeSet::new();
            for range in ranges {
                map.insert(range, range);
                list.insert(range);
            }
            for range in removed {
                prop_assert_eq!(map.remove(range).is_some(), list.remove(&range));
            }
            let covering: BTreeSet<IpNet> = map.covering(probe).copied().collect();
            let inside: BTreeSet<IpNet> = map.inside(probe).copied().collect();
            prop_assert_eq!(covering, list.iter().copied().filter(|net| net.contains(&probe)).collect());
            prop_assert_eq!(inside, list.iter().copied().filter(|net| probe.contains(net)).collect());
            prop_assert_eq!(map.get(probe).is_some(), list.contains(&probe));
        }
    }
}
