//! A detector without a model: for what is measured of everything else.

use detector::{Contribution, Describe, Score, Scorer, Windows};

/// Calls everybody ordinary, at no cost.
#[derive(Debug, Clone, Copy)]
pub struct Ordinary;

impl Scorer for Ordinary {
    fn version(&self) -> &'static str {
        "ordinary"
    }

    fn score(&self, _windows: Windows<'_>, out: &mut [Score]) {
        out.fill(Score {
            value: 0.0,
            p_value: 1.0,
        });
    }

    fn explain(&self, _row: &[f32], _requests: u64, _most: usize) -> Vec<Contribution> {
        Vec::new()
    }
}

/// Writes everything as logged.
pub const AS_LOGGED: Describe = Describe {
    request: |record| record.path.to_string(),
    name: str::to_owned,
    route: |record| record.path.to_string(),
};
