//! What the simulated gateway carries out: its own copy of the blocklist, as its bouncer last heard it.

use domain::{Client, Timestamp};
use simulator::Verdict;
use std::collections::HashMap;
use std::net::IpAddr;

/// Most entries that the gateway holds. A demo's attackers are a few hundred an hour; past it new entries are left out.
const ENTRIES_MAX: usize = 100_000;

/// Until when a client is refused and slowed down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Held {
    refused_until: Option<Timestamp>,
    slowed_until: Option<Timestamp>,
}

impl Held {
    fn verdict(self, now: Timestamp) -> Verdict {
        let holds = |until: Option<Timestamp>| until.is_some_and(|until| now < until);
        if holds(self.refused_until) {
            Verdict::Deny
        } else if holds(self.slowed_until) {
            Verdict::Throttle
        } else {
            Verdict::Pass
        }
    }

    fn until_mut(&mut self, verdict: Verdict) -> Option<&mut Option<Timestamp>> {
        match verdict {
            Verdict::Deny => Some(&mut self.refused_until),
            Verdict::Throttle => Some(&mut self.slowed_until),
            Verdict::Pass => None,
        }
    }
}

/// Clients and wider ranges that the gateway refuses or slows down.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// Single addresses and /64s: what [`Client::from_address`] gives.
    clients: HashMap<Client, Held>,
    /// Other ranges, which are few: looked through one by one.
    ranges: HashMap<Client, Held>,
}

impl Carried {
    /// Forgets everything: the bouncer begins anew.
    pub(super) fn clear(&mut self) {
        self.clients.clear();
        self.ranges.clear();
    }

    /// Refuses or slows a client down until that moment.
    pub(super) fn hold(&mut self, client: Client, verdict: Verdict, until: Timestamp) {
        let is_full = self.clients.len() + self.ranges.len() >= ENTRIES_MAX;
        let entries = self.entries_for(&client);
        if is_full && !entries.contains_key(&client) {
            return;
        }
        if let Some(held) = entries.entry(client).or_default().until_mut(verdict) {
            *held = Some(until);
        }
    }

    /// Lets a client through again, as far as that verdict goes.
    pub(super) fn release(&mut self, client: &Client, verdict: Verdict) {
        let entries = self.entries_for(client);
        let Some(held) = entries.get_mut(client) else {
            return;
        };
        if let Some(until) = held.until_mut(verdict) {
            *until = None;
        }
        if *held == Held::default() {
            entries.remove(client);
        }
    }

    /// What becomes of a request from that address.
    pub(super) fn verdict(&self, address: IpAddr, now: Timestamp) -> Verdict {
        let own = self.clients.get(&Client::from_address(address));
        let around = self
            .ranges
            .iter()
            .filter(|(range, _)| range.covers_address(address))
            .map(|(_, held)| held);
        let verdicts = own.into_iter().chain(around).map(|held| held.verdict(now));
        verdicts
            .max_by_key(|verdict| severity(*verdict))
            .unwrap_or(Verdict::Pass)
    }

    fn entries_for(&mut self, client: &Client) -> &mut HashMap<Client, Held> {
        let is_single = client
            .range()
            .is_some_and(|range| Client::from_address(range.addr()) == *client);
        if is_single {
            &mut self.clients
        } else {
            &mut self.ranges
        }
    }
}

const fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass => 0,
        Verdict::Throttle => 1,
        Verdict::Deny => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Scope;

    const NOW: Timestamp = Timestamp::from_secs(1_000);
    const LATER: Timestamp = Timestamp::from_secs(2_000);

    fn client(scope: Scope, value: &str) -> Client {
        Client::parse(scope, value).unwrap()
    }

    fn check(carried: &Carried, address: &str, expected: Verdict) {
        assert_eq!(
            carried.verdict(address.parse().unwrap(), NOW),
            expected,
            "{address}"
        );
    }

    #[test]
    fn an_ipv6_client_is_refused_with_its_whole_64() {
        let mut carried = Carried::default();
        carried.hold(client(Scope::Range, "2001:db8:1:2::/64"), Verdict::Deny, LATER);
        check(&carried, "2001:db8:1:2:3:4:5:6", Verdict::Deny);
        check(&carried, "2001:db8:1:3::1", Verdict::Pass);
    }

    #[test]
    fn a_wider_range_holds_for_each_of_its_addresses_and_the_stronger_word_counts() {
        let mut carried = Carried::default();
        carried.hold(client(Scope::Range, "203.0.113.0/24"), Verdict::Throttle, LATER);
        carried.hold(client(Scope::Ip, "203.0.113.9"), Verdict::Deny, LATER);
        check(&carried, "203.0.113.8", Verdict::Throttle);
        check(&carried, "203.0.113.9", Verdict::Deny);
        check(&carried, "203.0.114.9", Verdict::Pass);
    }

    #[test]
    fn a_block_ends_by_itself_or_when_it_is_taken_back() {
        let mut carried = Carried::default();
        carried.hold(client(Scope::Ip, "203.0.113.8"), Verdict::Deny, NOW);
        check(&carried, "203.0.113.8", Verdict::Pass);
        carried.hold(client(Scope::Ip, "203.0.113.9"), Verdict::Deny, LATER);
        carried.hold(client(Scope::Ip, "203.0.113.9"), Verdict::Throttle, LATER);
        carried.release(&client(Scope::Ip, "203.0.113.9"), Verdict::Deny);
        check(&carried, "203.0.113.9", Verdict::Throttle);
        carried.release(&client(Scope::Ip, "203.0.113.9"), Verdict::Throttle);
        check(&carried, "203.0.113.9", Verdict::Pass);
    }
}
