//! Whether one feature alone tells attackers from the others: then the labels are too easy, or the feature gives them away.

use detector::feature::{COUNT, FEATURES};
use models::evaluation::area_under_roc;
use std::collections::BTreeSet;

/// From this area under the ROC curve on, one feature separates the labels.
pub(crate) const SEPARATES_FROM: f64 = 0.99;

/// Fewer attackers, or fewer others, are told apart by something or other by chance.
const CLIENTS_MIN: usize = 5;

/// Innocent clients whose features are kept, the first of the truth file: their order of scores has settled long before.
const INNOCENTS_MAX: usize = 100_000;

/// Features of labelled clients at the end of a pass.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    /// Of each client, the kind of an attacker, `None` for an innocent one.
    kinds: Vec<Option<String>>,
    /// The values, client by client.
    values: Vec<f32>,
    innocents: usize,
}

/// A feature that tells some attackers from the others nearly by itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Separation {
    /// The kind that it tells apart; `None` for all attackers together.
    pub kind: Option<String>,
    /// Name of the feature.
    pub feature: &'static str,
    /// Area under its ROC curve, read in the direction that is larger.
    pub area: f64,
    /// Attackers that were compared.
    pub attackers: usize,
    /// Others that were compared.
    pub innocents: usize,
}

impl Rows {
    /// Adds a client's features.
    pub(crate) fn push(&mut self, kind: Option<&str>, values: &[f32]) {
        if kind.is_none() {
            if self.innocents >= INNOCENTS_MAX {
                return;
            }
            self.innocents += 1;
        }
        debug_assert_eq!(values.len(), COUNT);
        self.kinds.push(kind.map(str::to_owned));
        self.values.extend_from_slice(values);
    }

    /// Adds another log's clients.
    pub(crate) fn pool(&mut self, other: &Self) {
        for (kind, values) in other.kinds.iter().zip(other.values.chunks_exact(COUNT)) {
            self.push(kind.as_deref(), values);
        }
    }

    /// The innocent clients alone.
    #[must_use]
    pub(crate) fn without_attackers(&self) -> Self {
        let mut left = Self::default();
        for (kind, values) in self.kinds.iter().zip(self.values.chunks_exact(COUNT)) {
            if kind.is_none() {
                left.push(None, values);
            }
        }
        left
    }

    /// How well each feature tells all attackers together from the innocent, the best first.
    #[must_use]
    pub(crate) fn ranked(&self) -> Vec<Separation> {
        let mut areas = self.areas(None);
        areas.sort_by(|left, right| right.area.total_cmp(&left.area));
        areas
    }

    /// The best single feature for all attackers together.
    #[must_use]
    pub(crate) fn best(&self) -> Option<Separation> {
        self.ranked().into_iter().next()
    }

    /// Every feature that separates all attackers, or those of one kind, from the innocent by itself.
    #[must_use]
    pub(crate) fn separations(&self) -> Vec<Separation> {
        let kinds: BTreeSet<&String> = self.kinds.iter().flatten().collect();
        // One kind is all of them.
        let single = kinds.iter().filter(|_| kinds.len() > 1);
        let mut found = self.areas(None);
        for kind in single {
            found.extend(self.areas(Some(kind)));
        }
        found.retain(|separation| separation.area >= SEPARATES_FROM);
        found
    }

    /// The area of every feature; none when there are too few clients of either sort.
    fn areas(&self, kind: Option<&str>) -> Vec<Separation> {
        let compared: Vec<usize> = (0..self.kinds.len())
            .filter(|row| match (&self.kinds[*row], kind) {
                (Some(own), Some(kind)) => own == kind,
                _ => true,
            })
            .collect();
        let is_attacker: Vec<bool> = compared.iter().map(|row| self.kinds[*row].is_some()).collect();
        let attackers = is_attacker.iter().filter(|is_attacker| **is_attacker).count();
        let innocents = compared.len() - attackers;
        if attackers.min(innocents) < CLIENTS_MIN {
            return Vec::new();
        }
        let of_feature = |(column, feature): (usize, &detector::feature::Feature)| {
            let values: Vec<f32> = compared
                .iter()
                .map(|row| self.values[row * COUNT + column])
                .collect();
            let area = area_under_roc(&values, &is_attacker)?;
            Some(Separation {
                kind: kind.map(str::to_owned),
                feature: feature.name,
                area: area.max(1.0 - area),
                attackers,
                innocents,
            })
        };
        FEATURES.iter().enumerate().filter_map(of_feature).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(first: f32, second: f32) -> Vec<f32> {
        let mut row = vec![0.0; COUNT];
        (row[0], row[1]) = (first, second);
        row
    }

    #[test]
    fn a_feature_that_gives_one_kind_away_is_named_also_when_low_values_do_it() {
        let mut rows = Rows::default();
        for number in 0..10_u8 {
            let value = f32::from(number);
            rows.push(None, &row(value, value));
            rows.push(Some("scraping"), &row(value + 0.5, -1.0 - value));
            rows.push(Some("injection"), &row(value, value + 0.2));
        }
        let found = rows.separations();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].kind.as_deref(), Some("scraping"));
        assert_eq!(found[0].feature, FEATURES[1].name);
        assert_eq!((found[0].attackers, found[0].innocents), (10, 10));
        assert!(rows.best().unwrap().area < SEPARATES_FROM);
    }

    #[test]
    fn few_attackers_say_nothing() {
        let mut rows = Rows::default();
        for number in 0..10_u8 {
            rows.push(None, &row(f32::from(number), 0.0));
        }
        rows.push(Some("scraping"), &row(100.0, 0.0));
        assert!(rows.separations().is_empty() && rows.best().is_none());
    }
}
