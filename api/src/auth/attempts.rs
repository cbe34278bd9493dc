//! Failed attempts to sign in, counted per address.
//!
//! Nobody guesses 256 bits; the limit keeps guessing from costing us a store query and a log line each. A key that
//! is already known in memory passes, so that a neighbour behind the same address cannot lock a gateway out.

use domain::{Client, Timestamp};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Failed attempts that one address has per window: a person who mistypes, a gateway with an old key.
pub const FAILED_ATTEMPTS_MAX: u32 = 10;
/// Length of a window in milliseconds.
pub const FAILED_WINDOW_MILLIS: i64 = 60_000;
/// Most addresses that are counted. Above it the oldest windows go; an attacker with more addresses than this is
/// bounded by connection limits instead.
const ADDRESSES_MAX: usize = 10_000;

/// The failed attempts of late, per address (per /64 for IPv6).
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    windows: Mutex<HashMap<Client, Window>>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    began_at: Timestamp,
    failures: u32,
}

impl Window {
    fn is_over(&self, now: Timestamp) -> bool {
        now.millis_since(self.began_at) >= FAILED_WINDOW_MILLIS
    }
}

impl Attempts {
    /// Whether the address has used up its attempts.
    pub(crate) fn is_exhausted(&self, address: IpAddr, now: Timestamp) -> bool {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows
            .get(&Client::from_address(address))
            .is_some_and(|window| window.failures >= FAILED_ATTEMPTS_MAX && !window.is_over(now))
    }

    /// Notes a failed attempt.
    pub(crate) fn note_failure(&self, address: IpAddr, now: Timestamp) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= ADDRESSES_MAX {
            windows.retain(|_, window| !window.is_over(now));
        }
        if windows.len() >= ADDRESSES_MAX {
            windows.clear();
        }
        let window = windows.entry(Client::from_address(address)).or_insert(Window {
            began_at: now,
            failures: 0,
        });
        if window.is_over(now) {
            *window = Window {
                began_at: now,
                failures: 0,
            };
        }
        window.failures = window.failures.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_ten_failures_a_minute() {
        let attempts = Attempts::default();
        let address: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        let now = Timestamp::from_secs(1000);
        for _ in 0..FAILED_ATTEMPTS_MAX {
            assert!(!attempts.is_exhausted(address, now));
            attempts.note_failure(address, now);
        }
        assert!(attempts.is_exhausted(neighbour, now), "a /64 is one client");
        assert!(!attempts.is_exhausted("203.0.113.9".parse().unwrap(), now));
        assert!(!attempts.is_exhausted(address, now.plus_millis(FAILED_WINDOW_MILLIS)));
    }

    #[test]
    fn a_flood_of_addresses_stays_bounded() {
        let attempts = Attempts::default();
        for number in 0..30_000u32 {
            attempts.note_failure(IpAddr::from(number.to_be_bytes()), Timestamp::from_secs(1));
        }
        assert!(attempts.windows.lock().unwrap().len() <= ADDRESSES_MAX);
    }
}
