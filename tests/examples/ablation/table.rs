//! The figures as Markdown.

use crate::measure::Worth;
use std::fmt::Write as _;

/// Two-sided 95% points of Student's t for 1, 2, … degrees of freedom.
const T: [f64; 9] = [12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26];

/// Mean and half the width of its 95% interval over the seeds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    mean: f64,
    half: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let square = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        let free = values.len().saturating_sub(1);
        let point = T.get(free.saturating_sub(1)).copied().unwrap_or(T[T.len() - 1]);
        let half = point * (square / (free.max(1) as f64 * count)).sqrt();
        Self { mean, half }
    }

    /// Bold where the seeds agree that it is not nothing.
    fn signed(self) -> String {
        let Self { mean, half } = self;
        if mean.abs() > half {
            format!("**{mean:+.4}** ± {half:.4}")
        } else {
            format!("{mean:+.4} ± {half:.4}")
        }
    }
}

/// One figure of each seed.
fn figure(worths: &[Worth], place: usize) -> Vec<f64> {
    worths.iter().map(|worth| worth.figures[place]).collect()
}

/// Three cells: the figures as they are.
pub(crate) fn absolute(worths: &[Worth]) -> String {
    (0..3).fold(String::new(), |mut cells, place| {
        let Spread { mean, half } = Spread::of(&figure(worths, place));
        let _ = write!(cells, " {mean:.4} ± {half:.4} |");
        cells
    })
}

/// Three cells: what is left of the figures of all features, seed by seed, when some are taken away.
pub(crate) fn difference(worths: &[Worth], all: &[Worth]) -> String {
    (0..3).fold(String::new(), |mut cells, place| {
        let pairs = figure(worths, place).into_iter().zip(figure(all, place));
        let lost: Vec<f64> = pairs.map(|(worth, all)| worth - all).collect();
        let _ = write!(cells, " {} |", Spread::of(&lost).signed());
        cells
    })
}
