//! What a bundle is trained on, and how it is divided so that nothing is judged by what it was fitted to.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::rows::{Rows, RowsError};
use crate::schema::FeatureSchema;

/// Most rows: row numbers are 32 bits, and beyond ten million clients a sample teaches the same.
pub const ROWS_MAX: usize = 10_000_000;

/// Says why rows cannot be trained on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrainingError {
    /// The values are not rows of the schema, or not all numbers.
    #[error("could not train: {0}")]
    Rows(#[from] RowsError),
    /// There is not one request count and one client-day for each row.
    #[error("could not train on {rows} rows with {counts} request counts and {client_days} client-days")]
    Mismatch {
        /// Rows given.
        rows: usize,
        /// Request counts given.
        counts: usize,
        /// Client-day numbers given.
        client_days: usize,
    },
    /// Too many rows.
    #[error("could not train on {0} rows: at most {ROWS_MAX} are allowed")]
    TooManyRows(usize),
    /// A share is not between 0 and 1, or the two leave nothing.
    #[error(
        "could not divide the rows: shares {fit} for fitting and {views} for the views leave nothing to calibrate"
    )]
    Shares {
        /// Share of the client-days the models are fitted to.
        fit: f64,
        /// Share that calibrates each view.
        views: f64,
    },
}

/// Rows of ordinary clients with what is known of each.
///
/// Give rows that are decided to be clean, at least a day old, one or few per client and day, capped per range and
/// autonomous system: no model here can tell a campaign from a custom if it is part of the training set.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSet {
    schema: FeatureSchema,
    values: Vec<f32>,
    request_counts: Vec<u32>,
    client_days: Vec<u64>,
    /// The day of each row.
    days: Vec<i64>,
    description: String,
}

impl TrainingSet {
    /// Checks and keeps the rows.
    ///
    /// `request_counts` says how many requests stood behind each row; `client_days` numbers the client and day it
    /// belongs to, so that all rows of one stay together; `description` goes into the model card.
    ///
    /// # Errors
    /// When lengths differ, a value is not finite, or there are too many rows.
    pub fn new(
        schema: FeatureSchema,
        values: Vec<f32>,
        request_counts: Vec<u32>,
        client_days: Vec<u64>,
        description: String,
    ) -> Result<Self, TrainingError> {
        let rows = Rows::new(&values, schema.len())?;
        if rows.len() != request_counts.len() || rows.len() != client_days.len() {
            return Err(TrainingError::Mismatch {
                rows: rows.len(),
                counts: request_counts.len(),
                client_days: client_days.len(),
            });
        }
        if rows.len() > ROWS_MAX {
            return Err(TrainingError::TooManyRows(rows.len()));
        }
        rows.require_finite()?;
        let days = vec![0; request_counts.len()];
        Ok(Self {
            schema,
            values,
            request_counts,
            client_days,
            days,
            description,
        })
    }

    /// Says which day each row is of, in any numbering: days are not alike, and a calibration is checked on each of them
    /// with the others. Without it all rows are of one day.
    ///
    /// # Errors
    /// When there is not one day for each row.
    pub fn with_days(mut self, days: Vec<i64>) -> Result<Self, TrainingError> {
        if days.len() != self.request_counts.len() {
            return Err(TrainingError::Mismatch {
                rows: self.request_counts.len(),
                counts: self.request_counts.len(),
                client_days: days.len(),
            });
        }
        self.days = days;
        Ok(self)
    }

    /// What the values mean.
    #[must_use]
    pub fn schema(&self) -> &FeatureSchema {
        &self.schema
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> Rows<'_> {
        Rows::new(&self.values, self.schema.len()).expect("checked by TrainingSet::new")
    }

    /// Requests behind each row.
    #[must_use]
    pub fn request_counts(&self) -> &[u32] {
        &self.request_counts
    }

    /// Client and day of each row.
    #[must_use]
    pub fn client_days(&self) -> &[u64] {
        &self.client_days
    }

    /// Where the rows come from.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Divides the client-days by lot into three parts: one to fit, one to calibrate each view, the rest to calibrate
    /// their combination.
    ///
    /// # Errors
    /// When a share is no share or nothing would be left.
    pub fn split(&self, seed: u64, fit_share: f64, view_share: f64) -> Result<Split, TrainingError> {
        let is_share = |share: f64| share > 0.0 && share < 1.0;
        if !is_share(fit_share) || !is_share(view_share) || fit_share + view_share >= 1.0 {
            return Err(TrainingError::Shares {
                fit: fit_share,
                views: view_share,
            });
        }
        let mut client_days = self.client_days.clone();
        client_days.sort_unstable();
        client_days.dedup();
        client_days.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        let fit = (client_days.len() as f64 * fit_share) as usize;
        let views = (client_days.len() as f64 * view_share) as usize;
        let part = |range: std::ops::Range<usize>| {
            let mut chosen = client_days[range].to_vec();
            chosen.sort_unstable();
            self.part_of(&chosen)
        };
        Ok(Split {
            fit: part(0..fit).one_vote_each(seed),
            views: part(fit..fit + views),
            combined: part(fit + views..client_days.len()),
        })
    }

    fn part_of(&self, chosen: &[u64]) -> Part {
        let mut part = Part {
            features: self.schema.len(),
            ..Part::default()
        };
        for (row, values) in self.rows().iter().enumerate() {
            if chosen.binary_search(&self.client_days[row]).is_ok() {
                part.values.extend_from_slice(values);
                part.request_counts.push(self.request_counts[row]);
                part.client_days.push(self.client_days[row]);
                part.days.push(self.days[row]);
            }
        }
        part
    }

    /// The last row of each client-day: where rows were written down as clients were looked at, its last look.
    #[must_use]
    pub fn last_looks(&self) -> Part {
        let mut order: Vec<usize> = (0..self.client_days.len()).rev().collect();
        order.sort_by_key(|&row| self.client_days[row]);
        order.dedup_by_key(|row| self.client_days[*row]);
        order.sort_unstable();
        self.whole().only(&order)
    }

    /// All rows as one part.
    #[must_use]
    pub fn whole(&self) -> Part {
        Part {
            features: self.schema.len(),
            values: self.values.clone(),
            request_counts: self.request_counts.clone(),
            client_days: self.client_days.clone(),
            days: self.days.clone(),
        }
    }
}

/// A training set in three parts that share no client-day.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// What the models are fitted to.
    pub fit: Part,
    /// What each view's scores are compared with.
    pub views: Part,
    /// What the combined score is compared with.
    pub combined: Part,
}

/// Some rows of a training set, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Part {
    features: usize,
    values: Vec<f32>,
    request_counts: Vec<u32>,
    client_days: Vec<u64>,
    days: Vec<i64>,
}

impl Part {
    /// The rows.
    #[must_use]
    pub fn rows(&self) -> Rows<'_> {
        Rows::new(&self.values, self.features).expect("whole rows of a checked training set")
    }

    /// Requests behind each row.
    #[must_use]
    pub fn request_counts(&self) -> &[u32] {
        &self.request_counts
    }

    /// Client and day of each row.
    #[must_use]
    pub fn client_days(&self) -> &[u64] {
        &self.client_days
    }

    /// The day of each row.
    #[must_use]
    pub fn days(&self) -> &[i64] {
        &self.days
    }

    /// Keeps one row of each client-day, drawn by lot: whoever is looked at more often has no more say in what is normal.
    fn one_vote_each(self, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..self.client_days.len()).collect();
        order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        order.sort_by_key(|&row| self.client_days[row]);
        order.dedup_by_key(|row| self.client_days[*row]);
        order.sort_unstable();
        self.only(&order)
    }

    /// These rows alone.
    fn only(&self, rows: &[usize]) -> Self {
        let mut part = Self {
            features: self.features,
            ..Self::default()
        };
        for &row in rows {
            part.values
                .extend_from_slice(&self.values[row * self.features..][..self.features]);
            part.request_counts.push(self.request_counts[row]);
            part.client_days.push(self.client_days[row]);
            part.days.push(self.days[row]);
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Direction;
    use crate::testing::schema_of;

    fn set(client_days: Vec<u64>) -> TrainingSet {
        let rows = client_days.len();
        let values = (0..rows as u16).map(f32::from).collect();
        TrainingSet::new(
            schema_of(1, Direction::Up),
            values,
            vec![1; rows],
            client_days,
            String::new(),
        )
        .unwrap()
    }

    #[test]
    fn all_rows_of_a_client_day_fall_into_one_part() {
        let split = set((0..300).map(|row| row / 3).collect())
            .split(1, 0.5, 0.25)
            .unwrap();
        let parts = [&split.fit, &split.views, &split.combined];
        // The models are fitted to one of each client-day's rows.
        assert_eq!(parts.map(|part| part.rows().len()), [50, 75, 75]);
        for (at, part) in parts.iter().enumerate() {
            for other in &parts[at + 1..] {
                assert!(
                    part.client_days
                        .iter()
                        .all(|day| !other.client_days.contains(day))
                );
            }
        }
    }

    #[test]
    fn the_last_look_of_each_client_day_is_its_last_row() {
        let part = set(vec![7, 3, 7, 5, 3]).last_looks();
        assert_eq!(part.client_days, [7, 5, 3]);
        assert_eq!(part.values, [2.0, 3.0, 4.0]);
    }

    #[test]
    fn the_lot_is_decided_by_the_seed() {
        let set = set((0..100).collect());
        assert_eq!(set.split(1, 0.5, 0.25), set.split(1, 0.5, 0.25));
        assert_ne!(set.split(1, 0.5, 0.25), set.split(2, 0.5, 0.25));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let schema = schema_of(2, Direction::Up);
        let new = |values: &[f32], counts, days| {
            TrainingSet::new(
                schema.clone(),
                values.to_vec(),
                vec![1; counts],
                vec![1; days],
                String::new(),
            )
        };
        assert!(matches!(
            new(&[1.0; 4], 2, 1).unwrap_err(),
            TrainingError::Mismatch { .. }
        ));
        assert!(matches!(
            new(&[1.0; 3], 1, 1).unwrap_err(),
            TrainingError::Rows(_)
        ));
        assert!(matches!(
            new(&[f32::NAN; 2], 1, 1).unwrap_err(),
            TrainingError::Rows(_)
        ));
        assert!(matches!(
            set(vec![1, 2]).split(1, 0.6, 0.4).unwrap_err(),
            TrainingError::Shares { .. }
        ));
    }
}
