//! The score: how unlike clean clients a window is. The model stands outside; the detector only knows this interface.

/// What a model says of one window.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// How unlike clean clients, in `[0, 1]`.
    pub value: f32,
    /// Chance of such a score in a clean client of about as many requests.
    pub p_value: f64,
}

/// How one feature carried a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contribution {
    /// Index of the feature in [`crate::feature::FEATURES`].
    pub feature: usize,
    /// Its share, from 0 to 1.
    pub share: f32,
    /// The median of clean clients, as the model sees the feature.
    pub typical: f32,
    /// What 99.9% of clean clients stay under, as the model sees the feature.
    pub extreme: f32,
}

/// Where clean clients stand in one feature, beside one client's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// The median of clean clients, as the model sees the feature.
    pub typical: f32,
    /// What 99.9% of clean clients stay on the other side of, on the value's side, as the model sees the feature.
    pub extreme: f32,
}

/// Windows to be scored together.
#[derive(Debug, Clone, Copy)]
pub struct Windows<'a> {
    /// Rows of [`crate::feature::FEATURES`] values, one after the other.
    pub rows: &'a [f32],
    /// Each client's number of requests.
    pub requests: &'a [u32],
    /// Each client, by its keyed hash.
    pub clients: &'a [u64],
    /// The day of each window's latest request, counted from 1970.
    pub days: &'a [i64],
}

/// A trained model. Scoring a row must not depend on the batch it came in.
pub trait Scorer: Send + Sync {
    /// Version name, for alerts and decisions.
    fn version(&self) -> &str;

    /// Scores the windows and writes one score for each.
    fn score(&self, windows: Windows<'_>, out: &mut [Score]);

    /// Scores windows for somebody who looks at a client. The same scores; a model that counts what it scores does not count
    /// this: how often people look is no behaviour of clients.
    fn peek(&self, windows: Windows<'_>, out: &mut [Score]) {
        self.score(windows, out);
    }

    /// Which features carried a row's score, strongest first, at most `most`.
    fn explain(&self, row: &[f32], requests: u64, most: usize) -> Vec<Contribution>;

    /// The p-value at or below which acting keeps wrongly blocked clients within a budget per million client-days, as far
    /// as the model's own calibration shows; `None` when it cannot show it.
    fn threshold_for(&self, _per_million: f64) -> Option<f64> {
        None
    }

    /// Whether this site's clients have changed so much in the feature of that index, since the days before, that a score which it
    /// carries tells little: nothing is done for such a score alone.
    fn has_changed(&self, _feature: usize) -> bool {
        false
    }

    /// Where clean clients stand in the feature of that index, beside that value as the model sees it; `None` when the
    /// model does not know.
    fn standing(&self, _feature: usize, _value: f32) -> Option<Standing> {
        None
    }
}
