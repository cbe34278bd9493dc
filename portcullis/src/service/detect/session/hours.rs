//! The hours of the site beside what is usual: told to the store, from which the dashboard reads them.

use super::Session;
use detector::HourView;
use domain::Timestamp;
use std::time::{Duration, Instant};
use storage::HourRecord;

/// How often the store is told: an hour moves slowly.
const TELL_EVERY: Duration = Duration::from_secs(15);

/// When hours were last told of, and which.
#[derive(Debug, Default)]
pub(super) struct HoursTold {
    at: Option<Instant>,
    hours: Vec<HourRecord>,
}

impl Session<'_> {
    /// Stores the hours that changed. What could not be stored is tried again.
    pub(super) fn tell_of_hours(&mut self) {
        if self.hours_told.at.is_some_and(|at| at.elapsed() < TELL_EVERY) {
            return;
        }
        self.hours_told.at = Some(Instant::now());
        let hours: Vec<HourRecord> = self.detector.hours().iter().map(record).collect();
        let changed: Vec<HourRecord> = hours
            .iter()
            .filter(|hour| !self.hours_told.hours.contains(hour))
            .copied()
            .collect();
        if changed.is_empty() {
            return;
        }
        let setup = &self.role.setup;
        match self.role.wait(setup.shared.store.put_hours(&changed)) {
            Ok(()) => self.hours_told.hours = hours,
            Err(error) => tracing::debug!(%error, "could not store hours: {error}"),
        }
    }
}

/// As the store keeps it, in whole numbers: what is usual is no exact science.
fn record(view: &HourView) -> HourRecord {
    let whole = |(from, to): (f32, f32)| (from.floor() as u64, to.ceil() as u64);
    HourRecord {
        hour: Timestamp::from_millis(view.at_millis),
        requests: u64::from(view.requests),
        failed_sign_ins: u64::from(view.failed_sign_ins),
        usual: view
            .usual
            .map(|usual| [whole(usual.requests), whole(usual.failed_sign_ins)]),
    }
}
