//! What looks on while a model decides: whether clients have changed, so that a score tells little, and a second model that scores
//! what the first one scores, to tell how alike the two are on this site before one takes the other's place.

mod comparison;

pub(crate) use comparison::Agreement;

use crate::command::model::beside;
use crate::drift::{Day, Drift, Moved};
use crate::scorer::BundleScorer;
use anyhow::Context;
use comparison::Comparison;
use detector::{Contribution, Score, Scorer, Standing, Windows};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The budget at which the two are compared, in wrongly blocked clients per million client-days: the shipped model shows it.
pub(crate) const BUDGET: f64 = 1_000.0;

/// Acted on from this p-value where a model is calibrated on too few client-days to show the budget.
const P_WITHOUT_PROOF: f64 = 0.001;

/// A champion that decides, and perhaps a challenger that only scores.
pub(crate) struct Duel {
    champion: BundleScorer,
    drift: Mutex<Drift>,
    challenger: Option<Arc<Challenger>>,
}

/// A model that only scores, and what came of it.
pub(crate) struct Challenger {
    scorer: BundleScorer,
    comparison: Mutex<Comparison>,
}

impl Duel {
    /// Loads both: the champion from its file or the shipped one, the challenger from the file that is named.
    ///
    /// # Errors
    /// When a file cannot be read, is no model, is newer than this binary, or was trained on other features.
    pub(crate) fn load(champion: Option<&Path>, challenger: Option<&Path>) -> anyhow::Result<Self> {
        let champion = BundleScorer::load(champion)?;
        let challenger = challenger
            .map(|file| {
                BundleScorer::load(Some(file)).context(
                    "model.challenger (or --challenger): expected a model that this version can load",
                )
            })
            .transpose()?;
        Ok(Self::of(champion, challenger))
    }

    /// As the configuration has it: the challenger that it names; else the model that was there before the latest training;
    /// else, beside a model of one's own, the shipped one.
    ///
    /// # Errors
    /// When the champion, or a challenger that is named, cannot be loaded.
    pub(crate) fn configured(champion: Option<&Path>, challenger: Option<&Path>) -> anyhow::Result<Self> {
        let (Some(file), None) = (champion, challenger) else {
            return Self::load(champion, challenger);
        };
        // The model before may have been trained on other features: then it cannot challenge.
        let before = BundleScorer::load(Some(&beside(file, "1")));
        let challenger = before.or_else(|_| BundleScorer::load(None)).ok();
        Ok(Self::of(BundleScorer::load(champion)?, challenger))
    }

    fn of(champion: BundleScorer, challenger: Option<BundleScorer>) -> Self {
        let threshold = |scorer: &BundleScorer| scorer.threshold_for(BUDGET).unwrap_or(P_WITHOUT_PROOF);
        // Names are given freely: only the same model is none to compare with.
        let challenger = challenger.filter(|scorer| scorer.card() != champion.card());
        let challenger = challenger.map(|scorer| {
            Arc::new(Challenger {
                comparison: Mutex::new(Comparison::new((threshold(&champion), threshold(&scorer)))),
                scorer,
            })
        });
        let drift = Drift::new(champion.drift_reference().clone(), threshold(&champion));
        Self {
            champion,
            drift: Mutex::new(drift),
            challenger,
        }
    }

    /// The model that decides.
    pub(crate) const fn champion(&self) -> &BundleScorer {
        &self.champion
    }

    /// The model that only scores.
    pub(crate) const fn challenger(&self) -> Option<&Arc<Challenger>> {
        self.challenger.as_ref()
    }

    /// How far this site's clients have moved; `None` before the first look.
    pub(crate) fn moved(&self) -> Option<Moved> {
        self.drift.lock().unwrap_or_else(PoisonError::into_inner).moved()
    }

    /// Goes on from whole days that another process counted, if it counted them by this model.
    pub(crate) fn resume(&self, by: &str, days: impl Iterator<Item = (i64, u64, Vec<Vec<u64>>)>) {
        let mut drift = self.drift.lock().unwrap_or_else(PoisonError::into_inner);
        if drift.reference().fingerprint() != by {
            return;
        }
        let whole = |(number, beyond, counts)| {
            let votes = drift.reference().counted(counts)?;
            Some(Day {
                number,
                votes,
                beyond,
            })
        };
        let days = days.filter_map(whole).collect();
        drift.resume(days);
    }

    /// The whole days that are known, and what they are counted by.
    pub(crate) fn whole_days(&self) -> (String, Vec<Day>) {
        let drift = self.drift.lock().unwrap_or_else(PoisonError::into_inner);
        (drift.reference().fingerprint(), drift.whole_days())
    }

    /// How alike the two were so far; `None` without a challenger.
    pub(crate) fn agreement(&self) -> Option<Agreement> {
        self.challenger.as_ref().map(|challenger| challenger.agreement())
    }
}

impl Challenger {
    /// The model.
    pub(crate) const fn scorer(&self) -> &BundleScorer {
        &self.scorer
    }

    /// How alike it was to the one that decides.
    pub(crate) fn agreement(&self) -> Agreement {
        // What is counted here decides nothing: a thread that panicked leaves the counts usable.
        let comparison = self.comparison.lock().unwrap_or_else(PoisonError::into_inner);
        comparison.agreement()
    }

    fn score(&self, windows: Windows<'_>, champion: &[Score]) {
        let mut scores = vec![Score::default(); champion.len()];
        self.scorer.score(windows, &mut scores);
        let looks = windows.clients.iter().zip(windows.days);
        let mut comparison = self.comparison.lock().unwrap_or_else(PoisonError::into_inner);
        for ((client, day), (champion, challenger)) in looks.zip(champion.iter().zip(&scores)) {
            comparison.look(*client, *day, (champion.p_value, challenger.p_value));
        }
    }
}

impl Scorer for Duel {
    fn version(&self) -> &str {
        self.champion.version()
    }

    fn peek(&self, windows: Windows<'_>, out: &mut [Score]) {
        self.champion.peek(windows, out);
    }

    fn score(&self, windows: Windows<'_>, out: &mut [Score]) {
        self.champion.score(windows, out);
        // What looks on decides nothing: a thread that panicked there leaves its counts usable.
        let mut drift = self.drift.lock().unwrap_or_else(PoisonError::into_inner);
        drift.look(windows, out);
        drop(drift);
        if let Some(challenger) = &self.challenger {
            challenger.score(windows, out);
        }
    }

    fn explain(&self, row: &[f32], requests: u64, most: usize) -> Vec<Contribution> {
        self.champion.explain(row, requests, most)
    }

    fn threshold_for(&self, per_million: f64) -> Option<f64> {
        self.champion.threshold_for(per_million)
    }

    fn has_changed(&self, feature: usize) -> bool {
        self.drift
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .has_changed(feature)
    }

    fn standing(&self, feature: usize, value: f32) -> Option<Standing> {
        self.champion.standing(feature, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_champion_says_is_the_same_beside_a_challenger() {
        let row: Vec<f32> = detector::feature::FEATURES.iter().map(|_| 3.0).collect();
        let windows = Windows {
            rows: &row,
            requests: &[40],
            clients: &[7],
            days: &[1],
        };
        let alone = BundleScorer::load(None).unwrap();
        let challenger = Challenger {
            comparison: Mutex::new(Comparison::new((1.0, 1.0))),
            scorer: BundleScorer::load(None).unwrap(),
        };
        let duel = Duel {
            challenger: Some(Arc::new(challenger)),
            ..Duel::load(None, None).unwrap()
        };
        let (mut expected, mut found) = ([Score::default()], [Score::default()]);
        alone.score(windows, &mut expected);
        // Whoever looks at a client is not counted.
        duel.peek(windows, &mut found);
        duel.score(windows, &mut found);
        assert_eq!(found, expected);
        assert_eq!(
            duel.agreement()
                .map(|agreement| (agreement.client_days, agreement.both)),
            Some((1, 1))
        );
        let moved = duel.moved().unwrap();
        assert_eq!((moved.day, moved.client_days + moved.beyond), (1, 1));
    }

    #[test]
    fn a_model_does_not_challenge_itself() {
        let duel = Duel::load(None, None).unwrap();
        assert_eq!(duel.agreement(), None);
        let shipped = || BundleScorer::load(None).unwrap();
        assert_eq!(Duel::of(shipped(), Some(shipped())).agreement(), None);
    }
}
