//! How far each point is: what people, metrics and alarms are told.

use crate::item::Obstacle;
use domain::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Upper bounds of the delay's histogram, in milliseconds: from a decision's being stored to a point's confirming it.
pub const DELAY_BOUNDS: [u64; 10] = [50, 100, 250, 500, 1_000, 2_000, 5_000, 15_000, 60_000, 300_000];

/// How a point stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PointState {
    /// Nothing was compared yet.
    #[default]
    Starting,
    /// It holds what it is to, as far as anybody knows.
    Equal,
    /// What it is to hold is being written.
    Changing,
    /// It could not be read or written, and is tried again.
    Failing,
    /// It failed so often in a row that a person should look.
    Broken,
    /// Another process keeps it.
    Standby,
}

impl PointState {
    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Equal => "equal",
            Self::Changing => "changing",
            Self::Failing => "failing",
            Self::Broken => "broken",
            Self::Standby => "standby",
        }
    }
}

/// How a point stands, and what was done at it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PointStatus {
    /// Its name.
    pub name: String,
    /// What it is: `haproxy`.
    pub kind: &'static str,
    /// The gateway it stands for.
    pub gateway: Option<String>,
    /// How it stands.
    pub state: PointState,
    /// What went wrong last; kept until it goes well again.
    pub error: Option<String>,
    /// Since when it fails.
    pub failing_since: Option<Timestamp>,
    /// Clients that it is to act on.
    pub wanted: usize,
    /// Clients that it acts on, of ours, when it was last read or written.
    pub held: usize,
    /// Decisions in force that are not sent to it, by what is in the way.
    pub unexpressed: BTreeMap<Obstacle, u64>,
    /// Generation of the blocklist that it confirmed.
    pub generation: u64,
    /// When it last confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// The longest delay of what it confirmed last, in milliseconds.
    pub last_delay_millis: Option<u64>,
    /// Delays until something new was confirmed, by [`DELAY_BOUNDS`], the last for all above.
    pub delays: [u64; DELAY_BOUNDS.len() + 1],
    /// Sum of those delays, in milliseconds.
    pub delays_millis: u64,
    /// Clients written.
    pub put: u64,
    /// Clients taken away.
    pub removed: u64,
    /// Times that it held something else than was last confirmed: somebody changed it, or it was restarted.
    pub drifted: u64,
    /// Attempts that failed.
    pub failures: u64,
}

impl PointStatus {
    /// Counts the delay of something that was confirmed.
    pub(crate) fn note_delay(&mut self, millis: u64) {
        let bin = DELAY_BOUNDS.iter().position(|bound| millis <= *bound);
        self.delays[bin.unwrap_or(DELAY_BOUNDS.len())] += 1;
        self.delays_millis = self.delays_millis.saturating_add(millis);
    }
}

/// How all points stand.
#[derive(Debug, Default)]
pub struct Board {
    points: Mutex<Vec<Arc<Mutex<PointStatus>>>>,
}

impl Board {
    /// Adds a point, and gives what its keeper writes on.
    pub(crate) fn add(&self, status: PointStatus) -> Arc<Mutex<PointStatus>> {
        let status = Arc::new(Mutex::new(status));
        self.points
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::clone(&status));
        status
    }

    /// Lists a point that another process keeps.
    pub fn add_elsewhere(&self, name: &str, kind: &'static str, gateway: Option<&str>) {
        self.add(PointStatus {
            name: name.to_owned(),
            kind,
            gateway: gateway.map(str::to_owned),
            state: PointState::Standby,
            ..PointStatus::default()
        });
    }

    /// How every point stands, in the order of the configuration.
    #[must_use]
    pub fn all(&self) -> Vec<PointStatus> {
        let points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        points
            .iter()
            .map(|point| point.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .collect()
    }
}
