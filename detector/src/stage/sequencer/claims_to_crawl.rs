//! Who says that he is a crawler, before something is done about him: somebody who can look is asked whether his address proves it.
//!
//! What is proven comes back as an entry of the allowlist, which a person can see and take back. Nothing comes back of who is none: when
//! the time for an answer is over he is dealt with as anybody, and nobody is asked about him again for a day.

use crate::limits::{ASKED_MAX, PROOF_WAIT_MILLIS};
use domain::{Client, Timestamp};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::net::IpAddr;

/// So long nobody is asked again about whom nothing was proven.
const FORGET_MILLIS: i64 = 24 * 3_600_000;

/// About whom it was asked, and since when.
#[derive(Debug, Clone, Default)]
pub struct ClaimsToCrawl {
    asked: HashMap<u64, i64, FixedState>,
    /// About whom is to be asked now.
    open: Vec<(Client, IpAddr)>,
    /// Those of whom nothing was asked because there were too many.
    pub left_out: u64,
}

impl ClaimsToCrawl {
    /// Whether an answer about a client with that keyed hash is still waited for; asks when nobody did.
    pub(super) fn is_awaited(
        &mut self,
        owner: u64,
        (client, address): (&Client, IpAddr),
        at: Timestamp,
    ) -> bool {
        let millis = at.as_millis();
        if let Some(since) = self.asked.get(&owner) {
            let waited = millis.saturating_sub(*since);
            if waited < FORGET_MILLIS {
                return waited < PROOF_WAIT_MILLIS;
            }
        }
        // Whoever invents crawlers gains nothing past this: he is dealt with at once.
        if self.asked.len() >= ASKED_MAX && !self.asked.contains_key(&owner) {
            self.asked
                .retain(|_, since| millis.saturating_sub(*since) < FORGET_MILLIS);
            if self.asked.len() >= ASKED_MAX {
                self.left_out += 1;
                return false;
            }
        }
        self.asked.insert(owner, millis);
        self.open.push((client.clone(), address));
        true
    }

    /// About whom is to be asked now.
    pub(crate) fn take(&mut self) -> Vec<(Client, IpAddr)> {
        std::mem::take(&mut self.open)
    }

    /// How many are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.asked.len()
    }

    /// Everybody about whom was asked, in the order of their hashes, with the moment.
    #[must_use]
    pub fn sorted(&self) -> Vec<(u64, i64)> {
        let mut all: Vec<(u64, i64)> = self.asked.iter().map(|(owner, since)| (*owner, *since)).collect();
        all.sort_unstable();
        all
    }

    /// Puts them back, as a checkpoint holds them.
    pub fn restore(&mut self, all: Vec<(u64, i64)>, left_out: u64) {
        self.asked = all.into_iter().take(ASKED_MAX).collect();
        self.left_out = left_out;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u32) -> (Client, IpAddr) {
        let address = std::net::Ipv4Addr::from(number);
        (Client::Ip(address), IpAddr::V4(address))
    }

    fn is_awaited(claims: &mut ClaimsToCrawl, number: u32, millis: i64) -> bool {
        let (client, address) = client(number);
        claims.is_awaited(
            u64::from(number),
            (&client, address),
            Timestamp::from_millis(millis),
        )
    }

    #[test]
    fn each_is_asked_about_once_and_waited_for_a_short_while() {
        let mut claims = ClaimsToCrawl::default();
        assert!(is_awaited(&mut claims, 1, 0));
        assert!(is_awaited(&mut claims, 1, PROOF_WAIT_MILLIS - 1));
        assert!(!is_awaited(&mut claims, 1, PROOF_WAIT_MILLIS));
        assert_eq!(claims.take(), [client(1)]);
        assert!(is_awaited(&mut claims, 1, FORGET_MILLIS), "and again after a day");
    }

    #[test]
    fn whoever_invents_crawlers_is_not_waited_for() {
        let mut claims = ClaimsToCrawl::default();
        for number in 0..ASKED_MAX as u32 {
            assert!(is_awaited(&mut claims, number, 0));
        }
        assert!(!is_awaited(&mut claims, u32::MAX, 1));
        assert_eq!((claims.remembered(), claims.left_out), (ASKED_MAX, 1));
    }
}
