//! How much a blocklist holds.

/// How much a blocklist holds, and what happens at each limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlocklistLimits {
    /// Decisions that are or may come into force. Above it a machine's decision is not taken in and counted in
    /// [`Overflow::machine`]; gateways hold far fewer.
    pub entries_max: usize,
    /// Room for people's decisions beyond `entries_max`: their word must not wait for the machine's list to shrink.
    pub operator_reserve: usize,
    /// Changes that are remembered for gateways, however old. A gateway that was away for longer takes the whole list.
    pub changes_max: usize,
    /// Changes of the last hour that are remembered at most: whoever takes the whole list is told what ended within it.
    pub changes_burst_max: usize,
    /// Clients about which a person's grace or allow entry is remembered.
    pub orders_max: usize,
}

impl Default for BlocklistLimits {
    fn default() -> Self {
        Self {
            // About 400 bytes each: 400 MB, the most that a process beside a gateway may take.
            entries_max: 1_000_000,
            operator_reserve: 10_000,
            // A list of 100,000 replaced at once, both ways.
            changes_max: 200_000,
            // A full list replaced or suspended at once, both ways: 250 MB, and only for an hour after so much has changed.
            changes_burst_max: 2_020_000,
            orders_max: 100_000,
        }
    }
}

/// What did not fit. Anything above zero belongs in the health report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Overflow {
    /// Machine decisions that were not taken in.
    pub machine: u64,
    /// People's decisions that were not taken in.
    pub operator: u64,
    /// Orders whose grace or allow entry was not remembered.
    pub orders: u64,
}
