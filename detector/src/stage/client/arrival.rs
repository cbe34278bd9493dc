//! One record on its way to its shard, and for whom it counts.

use domain::{Action, Client, RequestRecord, Timestamp};
use std::borrow::Cow;

/// One record on its way to its shard.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'r, 'l> {
    /// Place in the order of arrival.
    pub seq: u64,
    /// The time at which it counts.
    pub at: Timestamp,
    /// Key of the client's window.
    pub key: u64,
    /// The client's keyed hash.
    pub owner: u64,
    /// The strongest action that it may lead to.
    pub most: Action,
    /// The gateway that wrote it, as what is counted with its source.
    pub gateway: u16,
    /// The name that it came under, where that is not known to be one client's: it counts for its address.
    pub stand_in: Option<StandIn>,
    /// The record.
    pub record: &'r RequestRecord<'l>,
}

/// A name for which an address stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandIn {
    /// The number under which the name's state is kept.
    pub name: u64,
    /// Whether the name is many's.
    pub is_shared: bool,
}

impl<'r> Arrival<'r, '_> {
    /// The number under which the state of its client, as the log names it, is kept.
    #[must_use]
    pub fn name(&self) -> u64 {
        self.stand_in.map_or(self.owner, |stand_in| stand_in.name)
    }

    /// For whom the request counts.
    #[must_use]
    pub fn client(&self) -> Cow<'r, Client> {
        let address = self.record.address.filter(|_| self.stand_in.is_some());
        address.map_or(Cow::Borrowed(&self.record.client), |address| {
            Cow::Owned(Client::from_address(address))
        })
    }
}
