//! What a point is to hold. Pure.

use crate::item::{Expresses, Holding, Item, Obstacle};
use domain::blocklist::Blocklist;
use domain::{Client, Scope};
use ipnet::IpNet;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;

/// What a point is to hold, and what is not sent to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What it is to hold, by client.
    pub items: BTreeMap<Client, Item>,
    /// Decisions in force that are not sent to it, by what is in the way.
    pub unexpressed: BTreeMap<Obstacle, u64>,
    /// Generation of the blocklist that this was made from.
    pub generation: u64,
}

impl Wanted {
    /// What of a blocklist a point is to hold that stands for `gateway` (`None`: for one without a name).
    #[must_use]
    pub fn of(list: &Blocklist, gateway: Option<&str>, expresses: &Expresses) -> Self {
        let mut wanted = Self::gather(list, gateway, expresses);
        wanted.settle(expresses);
        wanted
    }

    /// The first half of [`Self::of`], for as long as the list is held: what fits, entry by entry.
    #[must_use]
    pub fn gather(list: &Blocklist, gateway: Option<&str>, expresses: &Expresses) -> Self {
        let mut wanted = Self {
            generation: list.generation(),
            ..Self::default()
        };
        for entry in list.iter().filter(|entry| entry.holds_at(gateway)) {
            match expresses.obstacle(entry) {
                Some(obstacle) => wanted.leave_out(obstacle),
                None => wanted.take(Item::of(entry)),
            }
        }
        wanted
    }

    /// The second half of [`Self::of`]: leaves out what is covered, joins what may be joined, and cuts to what there is room for.
    pub fn settle(&mut self, expresses: &Expresses) {
        self.drop_covered(expresses.is_disjoint);
        if expresses.is_aggregated {
            self.aggregate();
        }
        if let Some(capacity) = expresses.capacity {
            self.cut(capacity);
        }
    }

    /// What a point holds that was told all of it.
    #[must_use]
    pub fn holding(&self) -> Holding {
        held(&self.items)
    }

    fn leave_out(&mut self, obstacle: Obstacle) {
        *self.unexpressed.entry(obstacle).or_default() += 1;
    }

    /// Takes an item in; of two about one client the stronger, then the longer.
    fn take(&mut self, item: Item) {
        match self.items.entry(item.client.clone()) {
            Place::Vacant(vacant) => {
                vacant.insert(item);
            }
            Place::Occupied(mut other) => {
                let strength = |item: &Item| (item.action, item.expires_at, item.created_at);
                if strength(&item) > strength(other.get()) {
                    other.insert(item);
                }
            }
        }
    }

    /// Leaves out what lies in a range that does as much for at least as long: it would change nothing. Where ranges may not overlap
    /// a range within another waits until that one has ended.
    fn drop_covered(&mut self, is_disjoint: bool) {
        let ranges: Vec<(IpNet, Item)> = self
            .items
            .values()
            .filter_map(|item| Some((item.client.range()?, item.clone())))
            .filter(|(range, _)| range.prefix_len() < range.max_prefix_len())
            .collect();
        for (range, wide) in &ranges {
            // Clients are ordered by their addresses within their kind, so what lies in a range lies side by side.
            let covered: Vec<Client> = inside(&self.items, *range)
                .filter(|item| item.client != wide.client)
                .filter(|item| item.action <= wide.action)
                .filter(|item| {
                    let waits = is_disjoint && item.client.scope() == Scope::Range;
                    waits || item.expires_at <= wide.expires_at
                })
                .map(|item| item.client.clone())
                .collect();
            for client in covered {
                self.items.remove(&client);
            }
        }
    }

    /// Writes two halves of a range as the range, as often as that goes, where both do the same and both were decided: nobody is
    /// hit who was not to be. It ends with the half that ends first; what is left of the other is written anew then.
    fn aggregate(&mut self) {
        let mut lengths: Vec<u8> = self
            .items
            .keys()
            .filter_map(|client| Some(client.range()?.prefix_len()))
            .collect();
        lengths.sort_unstable();
        let longest = lengths.last().copied().unwrap_or(0);
        for length in (1..=longest).rev() {
            let halves: Vec<IpNet> = self
                .items
                .keys()
                .filter_map(Client::range)
                .filter(|range| range.prefix_len() == length)
                .collect();
            for lower in halves {
                self.join(lower);
            }
        }
    }

    /// Joins a range with its upper half, when it is a lower one.
    fn join(&mut self, lower: IpNet) {
        let Some(whole) = lower
            .supernet()
            .filter(|whole| whole.network() == lower.network())
        else {
            return;
        };
        let Some(upper) = whole
            .subnets(lower.prefix_len())
            .ok()
            .and_then(|mut halves| halves.nth(1))
        else {
            return;
        };
        let (first, second) = (Client::from_range(lower), Client::from_range(upper));
        let (Some(left), Some(right)) = (self.items.get(&first), self.items.get(&second)) else {
            return;
        };
        if left.action != right.action {
            return;
        }
        let joined = Item {
            client: Client::from_range(whole),
            action: left.action,
            expires_at: left.expires_at.min(right.expires_at),
            created_at: left.created_at.max(right.created_at),
            decision: left.decision.clone(),
            priority: left.priority.max(right.priority),
            is_ordered: left.is_ordered || right.is_ordered,
        };
        self.items.remove(&first);
        self.items.remove(&second);
        self.take(joined);
    }

    /// Keeps the most important: a person's orders, then by priority, strength, and how long they hold.
    fn cut(&mut self, capacity: usize) {
        if self.items.len() <= capacity {
            return;
        }
        let mut ranked: Vec<(_, Client)> = self
            .items
            .values()
            .map(|item| {
                let rank = Reverse((item.is_ordered, item.priority, item.action, item.expires_at));
                (rank, item.client.clone())
            })
            .collect();
        ranked.sort_unstable();
        for (_, client) in ranked.drain(capacity..) {
            self.items.remove(&client);
            self.leave_out(Obstacle::Capacity);
        }
    }
}

/// What a point holds that was told these.
pub(crate) fn held(items: &BTreeMap<Client, Item>) -> Holding {
    items
        .iter()
        .map(|(client, item)| (client.clone(), item.held()))
        .collect()
}

/// The items whose addresses all lie in a range.
fn inside(items: &BTreeMap<Client, Item>, range: IpNet) -> impl Iterator<Item = &Item> {
    let addresses = match range {
        IpNet::V4(v4) => Some(Client::Ip(v4.network())..=Client::Ip(v4.broadcast())),
        IpNet::V6(_) => None,
    };
    let ranges = items
        .range(Client::Range(range)..)
        .take_while(move |(client, _)| client.range().is_some_and(|other| range.contains(&other)));
    addresses
        .into_iter()
        .flat_map(|addresses| items.range(addresses))
        .chain(ranges)
        .map(|(_, item)| item)
}

#[cfg(test)]
#[path = "wanted_tests.rs"]
mod tests;
