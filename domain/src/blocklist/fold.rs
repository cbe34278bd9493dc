//! The blocklist that runs: a fold over the two logs and the clock, microseconds per change.

use super::Entry;
use super::allowed::Allowed;
use super::cell::{Candidate, Cell};
use super::entry::is_candidate;
use super::limits::{BlocklistLimits, Overflow};
use super::orders::{Touched, Words};
use super::prefix::PrefixMap;
use super::ring::{Added, Change, Delta, Removed, Ring};
use super::suspension::{Suspended, Suspension};
use crate::{Action, Allowlist, Client, DecisionId, Order, Origin, StampedDecision, Timestamp};
use ipnet::IpNet;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

type CellIndex = u32;
type IsConfigured = bool;

/// The effective blocklist, kept up to date. Equal to [`super::effective`] of what it was given, at its own clock.
///
/// Each log must be applied in its order; how the two interleave does not matter. The clock never goes back.
#[derive(Debug)]
pub struct Blocklist {
    now: Timestamp,
    cells: Vec<Cell>,
    free_cells: Vec<CellIndex>,
    ranges: PrefixMap<CellIndex>,
    named: HashMap<Client, CellIndex>,
    by_id: HashMap<DecisionId, (CellIndex, u64)>,
    expiries: BTreeSet<(Timestamp, u64, CellIndex)>,
    /// Moments at which a grace or an allow entry ends, and whether the configuration set it or a person.
    due: BTreeSet<(Timestamp, IsConfigured, Client)>,
    pub(super) configured: Allowed,
    pub(super) words: Words,
    suspension: Suspension,
    pub(super) ring: Ring,
    in_force: usize,
    candidates: usize,
    limits: BlocklistLimits,
    overflow: Overflow,
}

impl Blocklist {
    /// An empty list whose clock stands at `now`.
    #[must_use]
    pub fn new(configured: &Allowlist, now: Timestamp) -> Self {
        Self::with_limits(configured, now, BlocklistLimits::default())
    }

    /// Like [`Self::new`], with limits of its own.
    #[must_use]
    pub fn with_limits(configured: &Allowlist, now: Timestamp, limits: BlocklistLimits) -> Self {
        let mut list = Self {
            now,
            cells: Vec::new(),
            free_cells: Vec::new(),
            ranges: PrefixMap::new(),
            named: HashMap::new(),
            by_id: HashMap::new(),
            expiries: BTreeSet::new(),
            due: BTreeSet::new(),
            configured: Allowed::new(),
            words: Words::new(limits.orders_max),
            suspension: Suspension::default(),
            ring: Ring::new(limits.changes_max, limits.changes_burst_max, now),
            in_force: 0,
            candidates: 0,
            limits,
            overflow: Overflow::default(),
        };
        list.set_configured(configured);
        list
    }

    /// Replaces the configured allowlist and looks at every decision again.
    pub fn set_configured(&mut self, configured: &Allowlist) {
        self.configured = Allowed::new();
        self.due.retain(|(_, is_configured, _)| !is_configured);
        for range in configured.standing_ranges() {
            self.configured.set(&Client::from_range(range), None);
        }
        for entry in configured.entries() {
            self.configured.add_longest(&entry.client, entry.until);
            self.look_again_at(entry.until, true, &entry.client);
        }
        self.refresh_all();
    }

    /// Since when, and until when, nothing is carried out, and who said so; `None` while decisions are carried out.
    #[must_use]
    pub fn suspension(&self) -> Option<&Suspended> {
        self.suspension.at(self.now)
    }

    /// Takes in the next row of the decision log.
    pub fn apply_decision(&mut self, row: &StampedDecision) {
        if !is_candidate(row) {
            return;
        }
        let id = row.decision.id;
        if let Some(&(cell, seq)) = self.by_id.get(&id) {
            if seq >= row.seq {
                return;
            }
            self.remove_candidate(cell, seq);
        }
        let client = &row.decision.client;
        if row.revoked_at.is_some()
            || row.expires_at <= self.now
            || self.words.has_ended(client, id, row.seq)
            || !self.has_room_for(row.decision.origin)
        {
            return;
        }
        let entry = Entry::new(row);
        let cell = self.cell_of(client);
        self.by_id.insert(id, (cell, row.seq));
        self.expiries.insert((row.expires_at, row.seq, cell));
        self.cells[cell as usize].push(Candidate {
            entry,
            is_in_force: false,
        });
        self.candidates += 1;
        self.refresh(cell);
    }

    /// Takes in the next entry of the order journal.
    pub fn apply_order(&mut self, order: &Order) {
        if order.kind.is_about_everybody() {
            if self.suspension.apply(order) {
                self.look_again_at(self.suspension.ends_at(), false, &Client::everybody());
                self.refresh_all();
            }
            return;
        }
        for moment in self.words.moments(&order.client).into_iter().flatten() {
            self.due.remove(&(moment, false, order.client.clone()));
        }
        let touched = self.words.apply(order, self.now);
        self.overflow.orders = self.words.forgotten();
        for moment in self.words.moments(&order.client) {
            self.look_again_at(moment, false, &order.client);
        }
        // A lift ends what was stored before it even where its grace could not be remembered.
        if matches!(order.kind, crate::OrderKind::Lift { .. }) {
            self.end_before(&order.client, order.seq);
        }
        match touched {
            Touched::Nothing => {}
            Touched::Client => {
                if let Some(cell) = self.find_cell(&order.client) {
                    self.refresh(cell);
                }
            }
            Touched::Overlapping => self.refresh_overlapping(&order.client),
            Touched::Decision(id) => {
                if let Some(&(cell, seq)) = self.by_id.get(&id) {
                    self.remove_candidate(cell, seq);
                }
            }
        }
    }

    /// Moves the clock: decisions expire, graces and allow entries end, each at its own moment. An earlier moment
    /// than the clock's changes nothing.
    pub fn advance(&mut self, now: Timestamp) {
        loop {
            let expiry = self.expiries.first().map(|(at, _, _)| *at);
            let due = self.due.first().map(|(at, _, _)| *at);
            let Some(next) = [expiry, due].into_iter().flatten().min().filter(|at| *at <= now) else {
                break;
            };
            self.now = self.now.max(next);
            if expiry == Some(next)
                && let Some((_, seq, cell)) = self.expiries.pop_first()
            {
                self.remove_candidate(cell, seq);
            } else if let Some((_, _, client)) = self.due.pop_first() {
                // The end of a suspension, or of a word about everybody.
                if client == Client::everybody() {
                    self.refresh_all();
                } else {
                    self.refresh_overlapping(&client);
                }
            }
        }
        self.now = self.now.max(now);
    }

    /// The list's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The strongest unconditional entry around an address, at a gateway (`None`: one that has no name).
    #[must_use]
    pub fn check_address(&self, address: IpAddr, gateway: Option<&str>) -> Option<&Entry> {
        self.check_address_where(address, gateway, &|_| false)
    }

    /// Like [`Self::check_address`], with the conditional entries of which every condition holds, as whoever can compare says.
    #[must_use]
    pub fn check_address_where(
        &self,
        address: IpAddr,
        gateway: Option<&str>,
        holds: &impl Fn(&Client) -> bool,
    ) -> Option<&Entry> {
        let mut strongest = None;
        self.ranges.each_around(address.to_canonical(), |cell| {
            strongest = stronger(strongest, self.strongest_of(*cell, gateway, holds));
        });
        strongest
    }

    /// The strongest unconditional entry about a client: for an address or a range, of everything that covers it.
    #[must_use]
    pub fn check_client(&self, client: &Client, gateway: Option<&str>) -> Option<&Entry> {
        match client.range() {
            Some(range) => self.ranges.covering(range).fold(None, |strongest, cell| {
                stronger(strongest, self.strongest_of(*cell, gateway, &|_| false))
            }),
            None => self
                .named
                .get(client)
                .and_then(|cell| self.strongest_of(*cell, gateway, &|_| false)),
        }
    }

    /// Every entry whose range covers `range`, conditional ones included.
    pub fn covering(&self, range: IpNet) -> impl Iterator<Item = &Entry> {
        self.ranges
            .covering(range)
            .flat_map(|cell| self.entries_of(*cell))
    }

    /// Every entry whose range lies inside `range`, conditional ones included.
    pub fn inside(&self, range: IpNet) -> impl Iterator<Item = &Entry> {
        self.ranges.inside(range).flat_map(|cell| self.entries_of(*cell))
    }

    /// Every entry that names exactly this client, conditional ones included.
    pub fn naming(&self, client: &Client) -> impl Iterator<Item = &Entry> {
        self.find_cell(client)
            .into_iter()
            .flat_map(|cell| self.entries_of(cell))
    }

    /// Every entry in force, conditional ones included, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        (0..self.cells.len() as CellIndex).flat_map(|cell| self.entries_of(cell))
    }

    /// Of the visible entries the strongest of each key (client and action): what a gateway that starts is sent.
    pub fn strongest(&self, visible: impl Fn(&Entry) -> bool) -> impl Iterator<Item = &Entry> {
        (0..self.cells.len() as CellIndex)
            .flat_map(move |cell| {
                Action::ALL.map(|action| {
                    self.entries_of(cell)
                        .filter(|entry| entry.action == action && visible(entry))
                        .max_by(|left, right| left.cmp_strength(right))
                })
            })
            .flatten()
    }

    /// How many entries are in force, conditional ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.in_force
    }

    /// Whether nothing is in force.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.in_force == 0
    }

    /// Grows with every entry that comes into force or goes.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.ring.generation()
    }

    /// What did not fit so far.
    #[must_use]
    pub fn overflow(&self) -> Overflow {
        self.overflow
    }

    /// What changed among the visible entries after a generation; `None` when that is too long ago, or from another
    /// life of this process: take the whole list.
    #[must_use]
    pub fn delta_since(&self, generation: u64, visible: impl Fn(&Entry) -> bool) -> Option<Delta<'_>> {
        Some(self.delta(self.ring.since_generation(generation)?, visible))
    }

    /// What changed among the visible entries after a moment; `None` when that is too long ago.
    #[must_use]
    pub fn delta_since_time(&self, after: Timestamp, visible: impl Fn(&Entry) -> bool) -> Option<Delta<'_>> {
        Some(self.delta(self.ring.since_time(after)?, visible))
    }
}

/// The details of lookups and deltas.
impl Blocklist {
    fn entries_of(&self, cell: CellIndex) -> impl Iterator<Item = &Entry> {
        self.cells[cell as usize]
            .iter()
            .filter(|candidate| candidate.is_in_force)
            .map(|candidate| &candidate.entry)
    }

    fn strongest_of(
        &self,
        cell: CellIndex,
        gateway: Option<&str>,
        holds: &impl Fn(&Client) -> bool,
    ) -> Option<&Entry> {
        self.entries_of(cell)
            .filter(|entry| entry.conditions().iter().all(holds) && entry.holds_at(gateway))
            .max_by(|left, right| left.cmp_strength(right))
    }

    fn delta<'a>(
        &'a self,
        changes: impl Iterator<Item = &'a Change>,
        visible: impl Fn(&Entry) -> bool,
    ) -> Delta<'a> {
        let mut delta = Delta {
            generation: self.generation(),
            ..Delta::default()
        };
        let changes: Vec<&Change> = changes.filter(|change| visible(&change.entry)).collect();
        let came: HashSet<u64> = changes
            .iter()
            .filter(|change| change.is_added)
            .map(|change| change.entry.seq)
            .collect();
        // Newest first, so that of several changes to one key the last one speaks.
        let mut seen: HashSet<(&Client, Action)> = HashSet::new();
        for change in changes.into_iter().rev() {
            let (entry, at) = (&change.entry, change.at);
            if !seen.insert((&entry.client, entry.action)) {
                continue;
            }
            let left = self
                .naming(&entry.client)
                .filter(|other| other.action == entry.action && visible(other))
                .max_by(|left, right| left.cmp_strength(right));
            match left {
                None => delta.removed.push(Removed { entry, at }),
                Some(left) if came.contains(&left.seq) => delta.added.push(Added { entry: left, at }),
                // A weaker entry came or went behind one that the gateway already has.
                Some(_) => {}
            }
        }
        delta.added.reverse();
        delta.removed.reverse();
        delta
    }
}

/// The details of changes.
impl Blocklist {
    fn find_cell(&self, client: &Client) -> Option<CellIndex> {
        match client.range() {
            Some(range) => self.ranges.get(range).copied(),
            None => self.named.get(client).copied(),
        }
    }

    fn cell_of(&mut self, client: &Client) -> CellIndex {
        if let Some(cell) = self.find_cell(client) {
            return cell;
        }
        let cell = self.free_cells.pop().unwrap_or_else(|| {
            self.cells.push(Cell::default());
            (self.cells.len() - 1) as CellIndex
        });
        match client.range() {
            Some(range) => drop(self.ranges.insert(range, cell)),
            None => drop(self.named.insert(client.clone(), cell)),
        }
        cell
    }

    fn has_room_for(&mut self, origin: Origin) -> bool {
        let (max, missed) = match origin {
            Origin::Operator => (
                self.limits.entries_max + self.limits.operator_reserve,
                &mut self.overflow.operator,
            ),
            _ => (self.limits.entries_max, &mut self.overflow.machine),
        };
        let has_room = self.candidates < max;
        *missed += u64::from(!has_room);
        has_room
    }

    fn look_again_at(&mut self, moment: Option<Timestamp>, is_configured: IsConfigured, client: &Client) {
        if let Some(moment) = moment.filter(|moment| *moment > self.now) {
            self.due.insert((moment, is_configured, client.clone()));
        }
    }

    /// Ends the decisions about a client that were stored before a position.
    fn end_before(&mut self, client: &Client, seq: u64) {
        let Some(cell) = self.find_cell(client) else {
            return;
        };
        let earlier: Vec<u64> = self.cells[cell as usize]
            .iter()
            .map(|candidate| candidate.entry.seq)
            .filter(|other| *other < seq)
            .collect();
        for seq in earlier {
            self.remove_candidate(cell, seq);
        }
    }

    fn remove_candidate(&mut self, cell: CellIndex, seq: u64) {
        let candidates = &mut self.cells[cell as usize];
        let Some(candidate) = candidates.remove(seq) else {
            return;
        };
        let is_empty = candidates.is_empty();
        self.candidates -= 1;
        self.expiries.remove(&(candidate.entry.expires_at, seq, cell));
        self.by_id.remove(&candidate.entry.id);
        if is_empty {
            match candidate.entry.client.range() {
                Some(range) => drop(self.ranges.remove(range)),
                None => drop(self.named.remove(&candidate.entry.client)),
            }
            // Its memory goes back: a million cells that were used once would keep theirs.
            self.cells[cell as usize] = Cell::default();
            self.free_cells.push(cell);
        }
        if candidate.is_in_force {
            self.in_force -= 1;
            self.ring.push(self.now, false, candidate.entry);
        }
    }

    fn refresh_overlapping(&mut self, client: &Client) {
        let cells: Vec<CellIndex> = match client.range() {
            Some(range) => self.ranges.overlapping(range).copied().collect(),
            None => self.named.get(client).copied().into_iter().collect(),
        };
        for cell in cells {
            self.refresh(cell);
        }
    }

    fn refresh_all(&mut self) {
        for cell in 0..self.cells.len() as CellIndex {
            self.refresh(cell);
        }
    }

    /// Decides anew which decisions of a cell are in force.
    fn refresh(&mut self, cell: CellIndex) {
        let is_suspended = self.suspension.at(self.now).is_some();
        let candidates = &mut self.cells[cell as usize];
        let Some(first) = candidates.iter().next() else {
            return;
        };
        let client = &first.entry.client;
        let is_protected =
            self.configured.protects(client, self.now) || self.words.protects(client, self.now);
        let is_held = self.words.holds(client, self.now);
        for candidate in candidates.iter_mut() {
            let is_wanted =
                !is_suspended && !is_protected && (candidate.entry.origin == Origin::Operator || !is_held);
            if candidate.is_in_force == is_wanted {
                continue;
            }
            candidate.is_in_force = is_wanted;
            if is_wanted {
                self.in_force += 1;
            } else {
                self.in_force -= 1;
            }
            self.ring.push(self.now, is_wanted, candidate.entry.clone());
        }
    }
}

fn stronger<'a>(left: Option<&'a Entry>, right: Option<&'a Entry>) -> Option<&'a Entry> {
    match (left, right) {
        (Some(left), Some(right)) if left.cmp_strength(right).is_lt() => Some(right),
        (Some(left), _) => Some(left),
        (None, right) => right,
    }
}
