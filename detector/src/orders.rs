//! What is not a record: people's orders, new settings. Each takes effect at the end of a tick.

use crate::detector::{Detector, Input};
use crate::limits::ORDERED_ALLOWS_MAX;
use crate::population::day_of;
use crate::score::Scorer;
use crate::source::window_keys;
use crate::stage::client::Shard;
use crate::stage::sequencer::{Block, wide_range};
use domain::{AllowEntry, Allowlist, Client, Judgement, Order, OrderKind, Timestamp};

/// Who is never blocked: as configured, and as people ordered since.
#[derive(Debug, Clone, Default)]
pub(crate) struct Allowances {
    configured: Allowlist,
    ordered: Vec<AllowEntry>,
    /// Entries forgotten because there were too many.
    pub(crate) forgotten: u64,
    together: Allowlist,
}

impl Allowances {
    pub(crate) fn new(configured: Allowlist, ordered: Vec<AllowEntry>, forgotten: u64) -> Self {
        let mut allowances = Self {
            ordered,
            forgotten,
            ..Self::default()
        };
        allowances.configure(configured);
        allowances
    }

    /// Everybody who is never blocked.
    pub(crate) fn list(&self) -> &Allowlist {
        &self.together
    }

    /// The entries that people ordered, in that order.
    pub(crate) fn ordered(&self) -> &[AllowEntry] {
        &self.ordered
    }

    fn configure(&mut self, configured: Allowlist) {
        self.configured = configured;
        self.join();
    }

    fn allow(&mut self, entry: AllowEntry, now: Timestamp) {
        self.ordered
            .retain(|other| other.client != entry.client && other.until.is_none_or(|until| until > now));
        if self.ordered.len() == ORDERED_ALLOWS_MAX {
            self.ordered.remove(0);
            self.forgotten += 1;
        }
        self.ordered.push(entry);
        self.join();
    }

    /// Takes back what was ordered; what is configured stays, as on the effective blocklist.
    fn disallow(&mut self, client: &Client) {
        self.ordered.retain(|entry| entry.client != *client);
        self.join();
    }

    fn join(&mut self) {
        self.together = self.configured.clone();
        for entry in &self.ordered {
            self.together.allow(entry.clone());
        }
    }
}

impl<S: Scorer> Detector<S> {
    pub(crate) fn apply(&mut self, input: Input) {
        match input {
            Input::Order(order) => self.apply_order(order),
            Input::Effort(effort) => self.efforts.set(effort, self.now),
            Input::Policy(policy, allowlist) => {
                self.settings.policy = *policy;
                self.allowances.configure(allowlist);
            }
            Input::Clauses(clauses) => self.settings.clauses = clauses,
            Input::Listed(listed) => self.settings.listed = listed,
            Input::Rules(rules, roles) => {
                self.settings.rules = rules;
                self.settings.roles = roles;
            }
        }
    }

    fn apply_order(&mut self, order: Order) {
        let owner = self.owner_of(&order.client);
        match order.kind {
            OrderKind::Allow { until } => {
                let entry = AllowEntry {
                    client: order.client.clone(),
                    reason: order.reason,
                    until,
                };
                self.allowances.allow(entry, self.now);
                self.release(owner, &order.client);
            }
            OrderKind::Disallow => self.allowances.disallow(&order.client),
            // Whether decisions are carried out is for those to know who carry them out.
            OrderKind::Suspend { .. } | OrderKind::Resume => {}
            OrderKind::Report { until, .. } => self.memory.sequencer.reports.note(owner, order.at, until),
            OrderKind::Lift { grace_secs } => {
                let until = self.now.plus_secs(i64::from(grace_secs));
                self.memory.sequencer.graces.insert(owner, until);
                self.release(owner, &order.client);
            }
            OrderKind::Revoke { .. } => self.release(owner, &order.client),
            OrderKind::Block { ttl_secs } => {
                self.allowances.disallow(&order.client);
                self.memory.sequencer.graces.remove(&owner);
                self.heed(owner, Judgement::Attack);
                self.block(owner, &order.client, ttl_secs);
            }
            // A label: what a false positive takes back, lifts take back that come with it. Of an earlier day the reservoir has
            // no client any more, and whoever has the address today may be somebody else.
            OrderKind::Verdict {
                alerted_at,
                judgement,
                ..
            } => {
                if day_of(alerted_at) == self.memory.population.scores.day() {
                    self.heed(owner, judgement);
                }
            }
        }
    }

    /// What a person says of a client goes before what evidence says, and tells the reservoir who is harmless on the present day.
    fn heed(&mut self, owner: u64, judgement: Judgement) {
        let scores = &mut self.memory.population.scores;
        for key in window_keys(&self.settings.hash_key, owner) {
            match judgement {
                Judgement::Attack => scores.condemn(key),
                Judgement::FalsePositive => scores.acquit(key),
            }
        }
    }

    fn block(&mut self, owner: u64, client: &Client, ttl_secs: u32) {
        let block = Block {
            from: self.now,
            until: self.now.plus_secs(i64::from(ttl_secs)),
            is_ordered: true,
            is_partial: false,
            only: None,
        };
        let shard = &self.shards[Shard::of(owner)];
        let is_established = shard.slots.find(owner).is_some_and(|slot| slot.is_established);
        self.memory.sequencer.guard.ordered += u64::from(is_established);
        self.memory.sequencer.blocks.put(owner, client, block);
        self.refresh_blocks(owner, client);
    }

    fn release(&mut self, owner: u64, client: &Client) {
        for key in window_keys(&self.settings.hash_key, owner) {
            self.memory.sequencer.offenders.release(key);
        }
        self.memory.sequencer.blocks.release(owner, client);
        self.refresh_blocks(owner, client);
    }

    /// Tells the windows of a client, or of every client of a range, which block now holds.
    pub(crate) fn refresh_blocks(&mut self, owner: u64, client: &Client) {
        let hash_key = self.settings.hash_key;
        let blocks = &self.memory.sequencer.blocks;
        let Some(range) = wide_range(client) else {
            let block = blocks.find(owner, client);
            for key in window_keys(&hash_key, owner) {
                if let Some(slot) = self.shards[Shard::of(key)].slots.find_mut(key) {
                    slot.block_by(block);
                }
            }
            return;
        };
        // Orders about ranges are rare: looking at every client once is cheaper than an index kept for them.
        let slots = self.shards.iter_mut().flat_map(|shard| shard.slots.iter_mut());
        for slot in slots.filter(|slot| {
            let address = slot.client.range();
            address.is_some_and(|address| range.contains(&address))
        }) {
            slot.block_by(blocks.find(hash_key.hash(&slot.client), &slot.client));
        }
    }
}
