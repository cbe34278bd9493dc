//! Blocks in force, the machine's and those that people ordered: whose requests no longer count as behaviour.

use crate::limits::{BLOCKS_MAX, RANGE_BLOCKS_MAX};
use domain::{Client, IPV6_CLIENT_PREFIX, Timestamp};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use ipnet::IpNet;
use std::num::NonZeroU32;

/// One block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Since when, by event time.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Whether a person ordered it: those hold in shadow mode too.
    pub is_ordered: bool,
    /// Whether only some gateways carry it out: at the others its client is served, and nothing is wrong.
    pub is_partial: bool,
    /// The one program of its address that it is about; `None` for all of the client's requests.
    pub only: Option<NonZeroU32>,
}

/// All blocks in force.
#[derive(Debug, Clone, Default)]
pub struct Blocks {
    by_owner: HashMap<u64, Block, FixedState>,
    /// Blocks of ranges that hold more than one client, in the order in which they were given.
    ranges: Vec<(IpNet, Block)>,
    /// Blocks forgotten because there were too many: their clients' requests count as behaviour again.
    pub forgotten: u64,
}

/// The range of a client when it holds more than one client.
#[must_use]
pub fn wide_range(client: &Client) -> Option<IpNet> {
    let Client::Range(range) = client else {
        return None;
    };
    match range {
        IpNet::V6(v6) if v6.prefix_len() >= IPV6_CLIENT_PREFIX => None,
        _ => Some(*range),
    }
}

impl Blocks {
    /// Notes a block of a client by its keyed hash, or of every client of a range.
    pub fn put(&mut self, owner: u64, client: &Client, block: Block) {
        let Some(range) = wide_range(client) else {
            self.by_owner.insert(owner, block);
            return;
        };
        self.ranges.retain(|(other, _)| *other != range);
        if self.ranges.len() == RANGE_BLOCKS_MAX {
            self.ranges.remove(0);
            self.forgotten += 1;
        }
        self.ranges.push((range, block));
    }

    /// Ends the block that names exactly this client.
    pub fn release(&mut self, owner: u64, client: &Client) {
        match wide_range(client) {
            Some(range) => self.ranges.retain(|(other, _)| *other != range),
            None => {
                self.by_owner.remove(&owner);
            }
        }
    }

    /// The block that covers a client, the longest of several.
    #[must_use]
    pub fn find(&self, owner: u64, client: &Client) -> Option<Block> {
        let own = self.by_owner.get(&owner).copied();
        let address = client.range();
        let around = self
            .ranges
            .iter()
            .filter(|(range, _)| address.is_some_and(|address| range.contains(&address)));
        around
            .map(|(_, block)| *block)
            .chain(own)
            .max_by_key(|block| (block.until, block.is_ordered))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_owner.is_empty() && self.ranges.is_empty()
    }

    /// Forgets what is over when there are many, and those that end first when there are too many.
    pub fn forget(&mut self, now: Timestamp) {
        self.ranges.retain(|(_, block)| block.until > now);
        if self.by_owner.len() <= BLOCKS_MAX {
            return;
        }
        self.by_owner.retain(|_, block| block.until > now);
        // An eighth more than needed: the next block must not sort everything again.
        let surplus = self.by_owner.len().saturating_sub(BLOCKS_MAX / 8 * 7);
        let mut first: Vec<(Timestamp, u64)> = self
            .by_owner
            .iter()
            .map(|(owner, block)| (block.until, *owner))
            .collect();
        first.sort_unstable();
        for (_, owner) in first.into_iter().take(surplus) {
            self.by_owner.remove(&owner);
        }
        self.forgotten += surplus as u64;
    }

    /// Blocks of clients that are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.by_owner.len()
    }

    /// Every client's block, in the order of their keys.
    #[must_use]
    pub fn sorted(&self) -> Vec<(u64, Block)> {
        let mut all: Vec<(u64, Block)> = self
            .by_owner
            .iter()
            .map(|(owner, block)| (*owner, *block))
            .collect();
        all.sort_unstable_by_key(|(owner, _)| *owner);
        all
    }

    /// Every range's block, in the order in which they were given.
    #[must_use]
    pub fn ranges(&self) -> &[(IpNet, Block)] {
        &self.ranges
    }

    /// Puts blocks back, as a checkpoint holds them.
    pub fn restore(&mut self, all: Vec<(u64, Block)>, ranges: Vec<(IpNet, Block)>, forgotten: u64) {
        self.by_owner = all.into_iter().collect();
        self.ranges = ranges;
        self.ranges.truncate(RANGE_BLOCKS_MAX);
        self.forgotten = forgotten;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Scope;

    fn client(text: &str) -> Client {
        let scope = if text.contains('/') {
            Scope::Range
        } else {
            Scope::Ip
        };
        Client::parse(scope, text).unwrap()
    }

    fn until(secs: i64) -> Block {
        Block {
            from: Timestamp::from_secs(0),
            until: Timestamp::from_secs(secs),
            is_ordered: true,
            is_partial: false,
            only: None,
        }
    }

    #[test]
    fn a_range_covers_its_clients_until_it_is_released() {
        let mut blocks = Blocks::default();
        blocks.put(1, &client("203.0.113.0/24"), until(10));
        assert_eq!(blocks.find(7, &client("203.0.113.9")), Some(until(10)));
        assert_eq!(blocks.find(7, &client("203.0.114.9")), None);
        blocks.put(7, &client("203.0.113.9"), until(20));
        assert_eq!(blocks.find(7, &client("203.0.113.9")), Some(until(20)));
        blocks.release(7, &client("203.0.113.9"));
        assert_eq!(blocks.find(7, &client("203.0.113.9")), Some(until(10)));
        blocks.release(1, &client("203.0.113.0/24"));
        assert!(blocks.is_empty());
    }

    #[test]
    fn too_many_blocks_push_out_those_that_end_first() {
        let mut blocks = Blocks::default();
        for owner in 0..=BLOCKS_MAX as u64 {
            blocks.put(owner, &client("203.0.113.9"), until(100 + owner as i64));
        }
        blocks.forget(Timestamp::from_secs(50));
        let kept = blocks.sorted();
        assert_eq!(kept.len(), BLOCKS_MAX / 8 * 7);
        assert_eq!(kept.last().unwrap().0, BLOCKS_MAX as u64);
        assert_eq!(blocks.forgotten as usize, BLOCKS_MAX + 1 - BLOCKS_MAX / 8 * 7);
    }
}
