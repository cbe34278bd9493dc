//! The warm-up: what a new installation is not sure of before it knows the site.

use std::fmt;

/// Clients that a site must have shown before anybody is judged beside them. One that has fewer visitors is known after
/// [`PATIENCE`] times the warm-up.
const CLIENTS_MIN: u64 = 100;

/// So many times the warm-up is enough, however few clients came.
const PATIENCE: i64 = 24;

/// How much of a site was seen, where that is too little to act on anything but conclusive acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WarmUp {
    /// Seconds of its traffic.
    secs: i64,
    /// Seconds that it takes.
    secs_needed: i64,
    /// Its clients.
    clients: u64,
}

impl WarmUp {
    /// What is missing after so many seconds and clients; `None` when it is enough.
    ///
    /// Before anything was seen every route is new, nobody is established, and no cohort has others to stand beside:
    /// evidence that lives by comparison convicts whoever comes first.
    #[must_use]
    pub fn of(secs: i64, clients: u64, secs_needed: u32) -> Option<Self> {
        let secs_needed = i64::from(secs_needed);
        let is_over = secs_needed == 0
            || secs >= secs_needed && (clients >= CLIENTS_MIN || secs >= PATIENCE * secs_needed);
        (!is_over).then_some(Self {
            secs,
            secs_needed,
            clients,
        })
    }
}

impl fmt::Display for WarmUp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "warming up: the site was seen for {} of {} minutes, and {} of {CLIENTS_MIN} clients",
            self.secs / 60,
            self.secs_needed.div_euclid(60).max(1),
            self.clients
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_time_and_clients_or_much_time() {
        let is_over = |secs, clients| WarmUp::of(secs, clients, 3600).is_none();
        assert!(!is_over(3599, 5000) && !is_over(3600, 99) && is_over(3600, 100));
        assert!(!is_over(24 * 3600 - 1, 3) && is_over(24 * 3600, 3));
        assert_eq!(WarmUp::of(0, 0, 0), None, "none is asked for");
        assert_eq!(
            WarmUp::of(130, 7, 3600).unwrap().to_string(),
            "warming up: the site was seen for 2 of 60 minutes, and 7 of 100 clients"
        );
    }
}
