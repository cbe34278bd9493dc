//! The windows of one shard: an index by keyed hash and a slab. When full, somebody long silent is forgotten.

use super::chunks::Chunks;
use crate::stage::sequencer::Block;
use crate::window::Window;
use domain::{Action, Client, Timestamp};
use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

/// One client of a shard.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// Keyed hash of the client.
    pub key: u64,
    /// Who.
    pub client: Client,
    /// What is remembered.
    pub window: Window,
    /// The strongest action that its records may lead to.
    pub most: Action,
    /// The client's latest block.
    pub blocked: Option<Block>,
    /// The suspicion at the last look.
    pub last_rank: f32,
    /// Whether it counts among the established clients.
    pub is_established: bool,
    /// Whether its address was only claimed, or it is a name that came without one.
    pub is_claimed: bool,
    /// Hash of the user agent under which a hint of it stands, 0 for none.
    pub hinted_agent: u32,
    /// Hash of the TLS fingerprint of its first request, 0 for none.
    pub fingerprint: u32,
    /// Hash of the virtual host of its first request, 0 for none.
    pub host: u32,
    /// As what hints of it stand.
    pub shows: Shows,
    /// The gateway at which it became established.
    pub gateway: u16,
}

impl Slot {
    /// Notes the client's latest block, or that there is none any more. Whether it holds is to be seen yet.
    pub fn block_by(&mut self, block: Option<Block>) {
        if self.blocked.map(|block| block.from) != block.map(|block| block.from) {
            self.shows.set_refused(false);
        }
        self.blocked = block;
    }
}

/// As what hints of a client stand, and what name it used. One byte: a slot has no room for another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shows(u8);

impl Shows {
    const SUSPECT: u8 = 1;
    const WITNESS: u8 = 2;
    const HINTED: u8 = 4;
    const USED_SHARED: u8 = 8;
    const REFUSED: u8 = 16;
    const COMPANY: u8 = 32;

    /// Whether a hint of it stands.
    #[must_use]
    pub fn is_hinted(self) -> bool {
        self.0 & Self::HINTED != 0
    }

    /// Notes whether a hint of it stands.
    pub fn set_hinted(&mut self, is_it: bool) {
        self.set(Self::HINTED, is_it);
    }

    /// Whether a hint was enough to make it a suspect of its cohorts.
    #[must_use]
    pub fn is_suspect(self) -> bool {
        self.0 & Self::SUSPECT != 0
    }

    /// Whether it is a witness of a surge where people sign in.
    #[must_use]
    pub fn is_witness(self) -> bool {
        self.0 & Self::WITNESS != 0
    }

    /// Notes whether it is a suspect.
    pub fn set_suspect(&mut self, is_it: bool) {
        self.set(Self::SUSPECT, is_it);
    }

    /// Notes whether it is a witness.
    pub fn set_witness(&mut self, is_it: bool) {
        self.set(Self::WITNESS, is_it);
    }

    /// Whether it used a name that is many's.
    #[must_use]
    pub fn has_used_shared(self) -> bool {
        self.0 & Self::USED_SHARED != 0
    }

    /// Notes that it used a name that is many's.
    pub fn set_used_shared(&mut self) {
        self.set(Self::USED_SHARED, true);
    }

    /// Whether its latest block was seen to hold.
    #[must_use]
    pub fn has_been_refused(self) -> bool {
        self.0 & Self::REFUSED != 0
    }

    /// Notes whether its latest block was seen to hold.
    pub fn set_refused(&mut self, is_it: bool) {
        self.set(Self::REFUSED, is_it);
    }

    /// Whether its address was seen with several programs.
    #[must_use]
    pub fn has_company(self) -> bool {
        self.0 & Self::COMPANY != 0
    }

    /// Notes that its address was seen with several programs.
    pub fn set_company(&mut self) {
        self.set(Self::COMPANY, true);
    }

    fn set(&mut self, bit: u8, is_it: bool) {
        self.0 = self.0 & !bit | if is_it { bit } else { 0 };
    }
}

/// Whoever was forgotten to make room.
#[derive(Debug, Clone, PartialEq)]
pub struct Forgotten {
    /// Keyed hash of the client.
    pub key: u64,
    /// Its window, when it counted among the established clients, and the gateway at which it did.
    pub established: Option<(Box<Window>, u16)>,
}

/// Where a client's slot is.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// For [`Slots::get_mut`].
    pub place: usize,
    /// Whether it was made just now.
    pub is_new: bool,
    /// Whoever was forgotten for it.
    pub forgotten: Option<Forgotten>,
}

/// The windows of one shard.
#[derive(Debug)]
pub struct Slots {
    index: HashTable<u32>,
    slots: Chunks<Slot>,
    slots_max: usize,
    hand: usize,
    /// Clients forgotten because the shard was full.
    pub forgotten: u64,
}

/// When full, the longest silent of this many neighbours is forgotten: nearly the longest silent of all, at a
/// bounded cost that a flood of addresses cannot raise.
const NEIGHBOURS: usize = 16;

impl Slots {
    /// Makes room for at most `slots_max` clients, at least 16.
    #[must_use]
    pub fn new(slots_max: usize) -> Self {
        Self {
            index: HashTable::new(),
            slots: Chunks::default(),
            slots_max: slots_max.max(NEIGHBOURS),
            hand: 0,
            forgotten: 0,
        }
    }

    /// The slot of a key, made when it is new; then tells so, and who was forgotten for it.
    pub fn place(&mut self, key: u64, client: &Client, most: Action, at: Timestamp) -> Placed {
        if let Some(place) = self
            .index
            .find(key, |place| self.slots[*place as usize].key == key)
        {
            return Placed {
                place: *place as usize,
                is_new: false,
                forgotten: None,
            };
        }
        let slot = Slot {
            key,
            client: client.clone(),
            window: Window {
                first_millis: at.as_millis(),
                last_millis: at.as_millis(),
                ..Window::default()
            },
            most,
            blocked: None,
            last_rank: 0.0,
            is_established: false,
            is_claimed: false,
            hinted_agent: 0,
            fingerprint: 0,
            host: 0,
            shows: Shows::default(),
            gateway: 0,
        };
        if self.slots.len() < self.slots_max {
            self.slots.push(slot);
            let place = self.slots.len() - 1;
            self.enter(key, place);
            return Placed {
                place,
                is_new: true,
                forgotten: None,
            };
        }
        let (place, forgotten) = self.forget_one();
        self.slots[place] = slot;
        self.enter(key, place);
        Placed {
            place,
            is_new: true,
            forgotten: Some(forgotten),
        }
    }

    fn enter(&mut self, key: u64, place: usize) {
        let slots = &self.slots;
        // A shard holds fewer than 2^32 clients: the cap is checked when settings are read.
        self.index
            .insert_unique(key, place as u32, |place| slots[*place as usize].key);
    }

    fn forget_one(&mut self) -> (usize, Forgotten) {
        let neighbours = (0..NEIGHBOURS).map(|step| (self.hand + step) % self.slots.len());
        // Whoever is trusted less goes first: a source that may only observe must not push out everybody else.
        let place = neighbours
            .min_by_key(|place| {
                let slot = &self.slots[*place];
                (slot.most == Action::Block, slot.window.last_millis)
            })
            .unwrap_or(self.hand);
        self.hand = (self.hand + NEIGHBOURS) % self.slots.len();
        let key = self.slots[place].key;
        if let Ok(entry) = self
            .index
            .find_entry(key, |place| self.slots[*place as usize].key == key)
        {
            entry.remove();
        }
        self.forgotten += 1;
        (
            place,
            Forgotten {
                key,
                established: self.slots[place].is_established.then(|| {
                    (
                        Box::new(self.slots[place].window.clone()),
                        self.slots[place].gateway,
                    )
                }),
            },
        )
    }

    /// The slot at a place that [`Self::place`] gave.
    pub fn get_mut(&mut self, place: usize) -> &mut Slot {
        &mut self.slots[place]
    }

    /// The slot of a client, when it is remembered.
    #[must_use]
    pub fn find(&self, key: u64) -> Option<&Slot> {
        let place = *self
            .index
            .find(key, |place| self.slots[*place as usize].key == key)?;
        self.slots.get(place as usize)
    }

    /// The slot of a client for changing, when it is remembered.
    pub fn find_mut(&mut self, key: u64) -> Option<&mut Slot> {
        let place = *self
            .index
            .find(key, |place| self.slots[*place as usize].key == key)?;
        self.slots.get_mut(place as usize)
    }

    /// Every slot for changing, in the order they were first used.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.slots.iter_mut()
    }

    /// Every slot, in the order they were first used.
    pub fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter()
    }

    /// Number of clients remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// How many may be.
    #[must_use]
    pub fn most(&self) -> usize {
        self.slots_max
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Where the search for somebody to forget goes on.
    #[must_use]
    pub fn hand(&self) -> usize {
        self.hand
    }

    /// Puts slots back, as a checkpoint holds them.
    pub fn restore(&mut self, slots: Vec<Slot>, hand: usize, forgotten: u64) {
        self.index.clear();
        self.slots.clear();
        for slot in slots.into_iter().take(self.slots_max) {
            let (key, place) = (slot.key, self.slots.len());
            self.slots.push(slot);
            self.enter(key, place);
        }
        self.hand = if self.slots.is_empty() {
            0
        } else {
            hand % self.slots.len()
        };
        self.forgotten = forgotten;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u32) -> Client {
        Client::Ip(std::net::Ipv4Addr::from(number))
    }

    #[test]
    fn a_client_takes_less_than_six_hundred_bytes() {
        // A million clients in 600 MB: what is remembered of each is chosen with that in mind.
        assert!(
            size_of::<Slot>() + size_of::<u32>() < 600,
            "{}",
            size_of::<Slot>()
        );
    }

    #[test]
    fn a_full_shard_forgets_somebody_long_silent_and_stays_within_its_size() {
        let mut slots = Slots::new(64);
        for number in 0..1000u32 {
            let placed = slots.place(
                u64::from(number),
                &client(number),
                Action::Block,
                Timestamp::from_secs(i64::from(number)),
            );
            slots.get_mut(placed.place).window.last_millis = i64::from(number) * 1000;
        }
        assert_eq!((slots.len(), slots.forgotten), (64, 936));
        assert!(slots.find_mut(999).is_some() && slots.find_mut(0).is_none());
    }

    #[test]
    fn a_restored_shard_finds_its_clients() {
        let mut slots = Slots::new(64);
        for number in 0..40u32 {
            let at = Timestamp::from_secs(1);
            slots.place(u64::from(number), &client(number), Action::Block, at);
        }
        let mut restored = Slots::new(64);
        restored.restore(slots.iter().cloned().collect(), slots.hand(), slots.forgotten);
        assert!(restored.iter().eq(slots.iter()));
        assert!(restored.find_mut(17).is_some());
    }
}
