//! When attackers began: the requests that each had sent before its first attack, counted during the pass.

use super::Truth;
use domain::{Client, RequestRecord, Timestamp};
use std::collections::HashMap;

/// Counts, of each client whose first attack is known, the requests before it.
#[derive(Debug, Default)]
pub(crate) struct Onsets {
    clients: HashMap<Client, (Timestamp, u64)>,
}

impl Onsets {
    /// Nobody was seen yet.
    #[must_use]
    pub(crate) fn new(truth: &Truth) -> Self {
        let known = truth.rows.iter().filter_map(|row| {
            let first_attack_at = row.first_attack_at?;
            Some((row.client.clone(), (first_attack_at, 0)))
        });
        Self {
            clients: known.collect(),
        }
    }

    /// Takes in records.
    pub(crate) fn observe(&mut self, records: &[RequestRecord<'_>]) {
        for record in records {
            if let Some((first_attack_at, requests)) = self.clients.get_mut(&record.client)
                && record.at < *first_attack_at
            {
                *requests += 1;
            }
        }
    }

    /// Requests of a client before its first attack; none when it is not known.
    #[must_use]
    pub(crate) fn requests_before(&self, client: &Client) -> u64 {
        self.clients.get(client).map_or(0, |(_, requests)| *requests)
    }
}
