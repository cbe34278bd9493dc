//! Fitting the tails and looking values up in them.

use linfa::traits::{Fit, PredictInplace};
use linfa::{DatasetBase, Float};
use ndarray::{Array1, ArrayBase, Data, Ix2};
use serde::{Deserialize, Serialize};

use crate::empirical::{Place, SurvivalTable};
use crate::robust::{inverse_or_zero, quantile};
use crate::rows::{Rows, RowsError, predict_rows, to_f32};
use crate::schema::Direction;

use super::error::TailError;
use super::hyperparams::{TailParams, TailValidParams};

/// Farthest values kept one by one: the tail that decisions are about is exact down to 16 clients.
const EXACT_VALUES: usize = 16;

/// Ratio of ranks below those: probabilities are at most 12% too large, and a million clients need 100 values.
const RANK_RATIO: f64 = 1.12;

/// Most spreads beyond the farthest client that still add evidence: ln(1 + 1000) is about as much as seven orders of
/// magnitude halved, enough to rank and too little for one feature to drown the others.
const EXCESS_MAX: f32 = 1000.0;

/// −ln 0.05: evidence below this is what every client shows somewhere and does not count. Without it the noise of forty
/// ordinary features hides the one that is not: on generated loud attacks the plain sum loses to the largest z-score.
const ORDINARY: f32 = 2.995_732_3;

/// ln 2: what looking at two sides instead of one costs in evidence.
const TWO_SIDES: f32 = std::f32::consts::LN_2;

/// One side of one feature; the lower side is the upper side of the negated values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredSide")]
struct OneSide {
    table: SurvivalTable,
    /// −ln p on each knot, and after each knot: looked up instead of computed for every value scored.
    evidence_on: Vec<f32>,
    evidence_after: Vec<f32>,
    /// One over the distance from the median to the farthest client; 0 when all are equal.
    per_spread: f32,
    /// Values below this are ordinary, as most are: they need not be looked up.
    #[serde(skip)]
    ordinary_below: f32,
}

/// A side as it is stored.
#[derive(Deserialize)]
struct StoredSide {
    table: SurvivalTable,
    evidence_on: Vec<f32>,
    evidence_after: Vec<f32>,
    per_spread: f32,
}

impl From<StoredSide> for OneSide {
    fn from(stored: StoredSide) -> Self {
        let StoredSide {
            table,
            evidence_on,
            evidence_after,
            per_spread,
        } = stored;
        // Evidence rises from knot to knot.
        let ordinary = evidence_on
            .iter()
            .zip(&evidence_after)
            .take_while(|(on, after)| on.max(**after) <= ORDINARY)
            .count();
        Self {
            ordinary_below: table.knot(ordinary.min(table.len().saturating_sub(1))),
            table,
            evidence_on,
            evidence_after,
            per_spread,
        }
    }
}

impl OneSide {
    fn fit(sorted: &[f32]) -> Self {
        let table = SurvivalTable::from_sorted(sorted, EXACT_VALUES, RANK_RATIO);
        let knots = 0..table.len();
        let evidence = |place| -libm::log(tail_probability(&table, place)) as f32;
        let evidence_on = knots.clone().map(|knot| evidence(Place::On(knot))).collect();
        let evidence_after = knots.map(|knot| evidence(Place::After(knot))).collect();
        let spread = f64::from(table.largest()) - f64::from(quantile(sorted, 0.5));
        Self::from(StoredSide {
            table,
            evidence_on,
            evidence_after,
            per_spread: inverse_or_zero(spread),
        })
    }

    fn probability(&self, value: f32) -> f64 {
        tail_probability(&self.table, self.table.place(value))
    }

    /// −ln p of a value; 0 where that is no more than [`ORDINARY`] and cheaply seen.
    #[inline]
    fn evidence(&self, value: f32) -> f32 {
        if value < self.ordinary_below {
            return 0.0;
        }
        match self.table.place(value) {
            Place::Below => 0.0,
            Place::On(knot) => self.evidence_on[knot],
            Place::After(knot) if knot + 1 < self.evidence_after.len() => self.evidence_after[knot],
            Place::After(knot) => self.evidence_after[knot] + self.excess(value),
        }
    }

    /// Further evidence for going beyond everyone seen: ln(1 + distance in spreads).
    fn excess(&self, value: f32) -> f32 {
        let spreads = (value - self.table.largest()) * self.per_spread;
        if spreads.is_nan() {
            0.0
        } else {
            libm::log1pf(spreads.clamp(0.0, EXCESS_MAX))
        }
    }

    fn is_valid(&self) -> bool {
        self.table.is_valid()
            && self.evidence_on.len() == self.table.len()
            && self.evidence_after.len() == self.table.len()
            && self
                .evidence_on
                .iter()
                .chain(&self.evidence_after)
                .all(|value| value.is_finite())
            && self.per_spread.is_finite()
    }
}

/// (1 + values at or beyond) / (1 + values): never zero.
fn tail_probability(table: &SurvivalTable, place: Place) -> f64 {
    f64::from(table.count_at(place) + 1).min(f64::from(table.total()) + 1.0)
        / (f64::from(table.total()) + 1.0)
}

/// Where ordinary clients lie in one feature.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FeatureQuantiles {
    /// 0.1% of clients are below.
    pub p001: f32,
    /// 1% of clients are below.
    pub p01: f32,
    /// The typical client.
    pub median: f32,
    /// 99% of clients are below.
    pub p99: f32,
    /// 99.9% of clients are below.
    pub p999: f32,
}

impl FeatureQuantiles {
    fn of(sorted: &[f32]) -> Self {
        let at = |share| quantile(sorted, share);
        Self {
            p001: at(0.001),
            p01: at(0.01),
            median: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
        }
    }
}

/// The side on which a value is unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// Larger than clients usually are.
    High,
    /// Smaller than clients usually are.
    Low,
}

/// What the tails know of one value: enough for a sentence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TailValue {
    /// Share of ordinary clients that go at least this far; at least 1/(n + 1).
    pub probability: f64,
    /// The side that was looked at.
    pub side: Side,
    /// The typical client.
    pub typical: f32,
    /// 99% of clients stay on the other side of this.
    pub p99: f32,
    /// 99.9% of clients stay on the other side of this.
    pub p999: f32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FeatureTail {
    high: Option<OneSide>,
    low: Option<OneSide>,
    quantiles: FeatureQuantiles,
}

impl FeatureTail {
    fn fit(mut column: Vec<f32>, direction: Direction) -> Self {
        column.sort_unstable_by(f32::total_cmp);
        let quantiles = FeatureQuantiles::of(&column);
        let high = (direction != Direction::Down).then(|| OneSide::fit(&column));
        let low = (direction != Direction::Up).then(|| {
            let negated: Vec<f32> = column.iter().rev().map(|value| -value).collect();
            OneSide::fit(&negated)
        });
        Self { high, low, quantiles }
    }

    #[inline]
    fn evidence(&self, value: f32) -> f32 {
        let evidence = match (&self.high, &self.low) {
            (Some(high), None) => high.evidence(value),
            (None, Some(low)) => low.evidence(-value),
            (Some(high), Some(low)) => high.evidence(value).max(low.evidence(-value)) - TWO_SIDES,
            (None, None) => 0.0,
        };
        (evidence - ORDINARY).max(0.0)
    }

    fn describe(&self, value: f32) -> TailValue {
        let high = self.high.as_ref().map(|side| side.probability(value));
        let low = self.low.as_ref().map(|side| side.probability(-value));
        let (probability, side) = match (high, low) {
            (Some(high), Some(low)) if low < high => ((2.0 * low).min(1.0), Side::Low),
            (Some(high), Some(_)) => ((2.0 * high).min(1.0), Side::High),
            (None, Some(low)) => (low, Side::Low),
            (high, None) => (high.unwrap_or(1.0), Side::High),
        };
        let FeatureQuantiles {
            p001,
            p01,
            median,
            p99,
            p999,
        } = self.quantiles;
        let (p99, p999) = if side == Side::High {
            (p99, p999)
        } else {
            (p01, p001)
        };
        TailValue {
            probability,
            side,
            typical: median,
            p99,
            p999,
        }
    }

    fn is_valid(&self) -> bool {
        let sides = [&self.high, &self.low];
        sides.iter().any(|side| side.is_some())
            && sides.into_iter().flatten().all(OneSide::is_valid)
            && self.quantiles.median.is_finite()
    }
}

/// Fitted tails of all features. Higher scores are more unusual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tails {
    features: Vec<FeatureTail>,
}

impl Tails {
    /// Begins the settings with the direction of each feature.
    #[must_use]
    pub fn params(directions: Vec<Direction>) -> TailParams {
        TailParams::new(directions)
    }

    /// Features a row must have.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features.len()
    }

    /// Scores rows by their summed evidence Σ max(0, ln(0.05 / p)). NaN counts as ordinary.
    ///
    /// # Errors
    /// When the slices do not fit together.
    pub fn score_rows(&self, rows: &[f32], out: &mut [f32]) -> Result<(), RowsError> {
        let rows = Rows::with_outputs(rows, self.features(), out.len())?;
        for (row, score) in rows.iter().zip(out) {
            *score = self
                .features
                .iter()
                .zip(row)
                .map(|(tail, &value)| tail.evidence(value))
                .sum();
        }
        Ok(())
    }

    /// Evidence max(0, ln(0.05 / p)) that one value adds to the score. A feature that does not exist has none.
    #[must_use]
    pub fn evidence(&self, feature: usize, value: f32) -> f32 {
        self.features
            .get(feature)
            .map_or(0.0, |tail| tail.evidence(value))
    }

    /// What is known of one value: its tail probability, the typical client and where 99% and 99.9% stay.
    #[must_use]
    pub fn describe(&self, feature: usize, value: f32) -> Option<TailValue> {
        self.features.get(feature).map(|tail| tail.describe(value))
    }

    /// Where ordinary clients lie in one feature.
    #[must_use]
    pub fn quantiles(&self, feature: usize) -> Option<FeatureQuantiles> {
        self.features.get(feature).map(|tail| tail.quantiles)
    }

    /// Checks what stored tails claim, so that scoring can trust them.
    ///
    /// # Errors
    /// When sizes contradict each other or a number is not one.
    pub fn validate(&self) -> Result<(), TailError> {
        if self.features.iter().all(FeatureTail::is_valid) {
            Ok(())
        } else {
            Err(TailError::Stored("a feature's table contradicts itself"))
        }
    }
}

impl<F: Float, D: Data<Elem = F>, T> Fit<ArrayBase<D, Ix2>, T, TailError> for TailValidParams {
    type Object = Tails;

    /// Sorts each column into its tails. Rows must be finite; targets are not looked at.
    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<Tails, TailError> {
        let records = to_f32(&dataset.records);
        let (count, features) = records.dim();
        if features != self.directions().len() {
            return Err(TailError::Mismatch {
                features,
                directions: self.directions().len(),
            });
        }
        if count == 0 {
            return Err(TailError::NoRows);
        }
        let rows = Rows::new(
            records.as_slice().expect("to_f32 gives row-major order"),
            features,
        )?;
        rows.require_finite()?;
        let fit = |(feature, &direction)| FeatureTail::fit(rows.column(feature), direction);
        Ok(Tails {
            features: self.directions().iter().enumerate().map(fit).collect(),
        })
    }
}

impl<F: Float, D: Data<Elem = F>> PredictInplace<ArrayBase<D, Ix2>, Array1<F>> for Tails {
    /// Scores every row; see [`Tails::score_rows`]. Like linfa's own models it panics when the shapes differ.
    fn predict_inplace(&self, x: &ArrayBase<D, Ix2>, y: &mut Array1<F>) {
        predict_rows(x, y, self.features(), |rows, scores| {
            self.score_rows(rows, scores)
        });
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<F> {
        Array1::zeros(x.nrows())
    }
}
