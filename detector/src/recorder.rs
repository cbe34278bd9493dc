//! What a model is made from: the rows that it would have been asked to score, written down.

use crate::score::{Contribution, Score, Scorer, Windows};
use domain::HashKey;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};

/// Rows kept for one run: past this it is thinned by never looking again. Four times what a calibration to one in a
/// hundred thousand needs.
const ROWS_MAX: usize = 1_000_000;

/// Numbers of days are told apart by run: a simulated day is no other run's day.
pub const DAYS_PER_RUN: i64 = 1_000_000;

/// What everybody is called while rows are written down.
const ORDINARY: Score = Score {
    value: 0.0,
    p_value: 1.0,
};

/// Rows as the detector would hand them to a model.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Recorded {
    /// Rows of [`crate::feature::FEATURES`] values, one after the other.
    pub values: Vec<f32>,
    /// Requests behind each row.
    pub requests: Vec<u32>,
    /// Keyed hash of each row's client.
    pub clients: Vec<u64>,
    /// Day of each row, told apart by run.
    pub days: Vec<i64>,
}

impl Recorded {
    /// A number for each row's client and day.
    #[must_use]
    pub fn client_days(&self, key: &HashKey) -> Vec<u64> {
        let pairs = self.clients.iter().zip(&self.days);
        pairs.map(|pair| key.hash(&pair)).collect()
    }

    /// Adds another collection's rows.
    pub fn append(&mut self, mut other: Self) {
        self.values.append(&mut other.values);
        self.requests.append(&mut other.requests);
        self.clients.append(&mut other.clients);
        self.days.append(&mut other.days);
    }

    /// Keeps the rows whose number passes. `width` is the number of values in a row.
    #[must_use]
    pub fn retain(self, width: usize, keeps: impl Fn(usize) -> bool) -> Self {
        let mut kept = Self::default();
        for row in (0..self.requests.len()).filter(|row| keeps(*row)) {
            kept.values
                .extend_from_slice(&self.values[row * width..][..width]);
            kept.requests.push(self.requests[row]);
            kept.clients.push(self.clients[row]);
            kept.days.push(self.days[row]);
        }
        kept
    }
}

/// Writes down what it is asked to score, and calls everything ordinary.
#[derive(Debug, Default)]
pub struct Recorder {
    rows: Mutex<Recorded>,
    run: i64,
}

impl Recorder {
    /// The recorder of a run with that number.
    #[must_use]
    pub fn new(run: i64) -> Self {
        Self {
            rows: Mutex::default(),
            run,
        }
    }

    /// What was written down.
    #[must_use]
    pub fn into_rows(self) -> Recorded {
        // Poisoned means that another thread panicked while it appended: whoever ran it has the panic.
        self.rows.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scorer for Recorder {
    fn version(&self) -> &'static str {
        "training"
    }

    fn score(&self, windows: Windows<'_>, out: &mut [Score]) {
        out.fill(ORDINARY);
        // A poisoned lock means that another thread panicked: the run is lost anyway.
        let Ok(mut rows) = self.rows.lock() else { return };
        if rows.requests.len() + windows.requests.len() > ROWS_MAX {
            return;
        }
        rows.values.extend_from_slice(windows.rows);
        rows.requests.extend_from_slice(windows.requests);
        rows.clients.extend_from_slice(windows.clients);
        let days = windows.days.iter().map(|day| self.run * DAYS_PER_RUN + day);
        rows.days.extend(days);
    }

    fn peek(&self, _windows: Windows<'_>, out: &mut [Score]) {
        out.fill(ORDINARY);
    }

    fn explain(&self, _row: &[f32], _requests: u64, _most: usize) -> Vec<Contribution> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_written_down_with_their_runs_days() {
        let recorder = Recorder::new(2);
        let mut scores = [Score::default(); 2];
        let windows = Windows {
            rows: &[1.0, 2.0],
            requests: &[5, 12],
            clients: &[7, 8],
            days: &[3, 4],
        };
        recorder.score(windows, &mut scores);
        assert!(scores.iter().all(|score| score.p_value == 1.0));
        recorder.peek(windows, &mut scores);
        let rows = recorder.into_rows().retain(1, |row| row == 1);
        assert_eq!((rows.values, rows.requests), (vec![2.0], vec![12]));
        assert_eq!((rows.clients, rows.days), (vec![8], vec![2 * DAYS_PER_RUN + 4]));
    }
}
