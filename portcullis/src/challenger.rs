//! A second model that scores what the first one scores, and decides nothing: how alike the two are on this site, before
//! one takes the other's place.

use crate::command::model::beside;
use crate::scorer::BundleScorer;
use anyhow::Context;
use detector::{Contribution, Score, Scorer, Standing, Windows};
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The budget at which the two are compared, in wrongly blocked clients per million client-days: the shipped model shows it.
pub(crate) const BUDGET: f64 = 1_000.0;

/// Acted on from this p-value where a model is calibrated on too few client-days to show the budget.
const P_WITHOUT_PROOF: f64 = 0.001;

/// Clients of a day that are followed, some 20 bytes each. Looks at further ones are counted, and not compared.
const FOLLOWED_MAX: usize = 100_000;

/// How alike two models are, in client-days: a client is looked at many times a day, and counts by its highest score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Agreement {
    /// Client-days that both models scored.
    pub(crate) client_days: u64,
    /// Of these, beyond the budget's threshold for both.
    pub(crate) both: u64,
    /// Beyond it for the champion alone.
    pub(crate) champion_only: u64,
    /// Beyond it for the challenger alone.
    pub(crate) challenger_only: u64,
    /// Looks that were not compared: at clients beyond those that are followed, or at a day that was over.
    pub(crate) left_out: u64,
}

impl fmt::Display for Agreement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} client-days, of which beyond a budget of {BUDGET} per million: {} for both, {} for the champion alone, \
             {} for the challenger alone",
            self.client_days, self.both, self.champion_only, self.challenger_only
        )?;
        if self.left_out > 0 {
            write!(formatter, "; {} looks were not compared", self.left_out)?;
        }
        Ok(())
    }
}

/// Whether a client is beyond the budget today, for the champion and for the challenger. Its highest score decides: once
/// beyond, it stays so for the day.
type Beyond = (bool, bool);

/// What is remembered to compare two models.
#[derive(Debug)]
struct Comparison {
    /// P-values from which a client is beyond the budget, for the champion and for the challenger.
    thresholds: (f64, f64),
    day: i64,
    followed: HashMap<u64, Beyond>,
    /// Counted as looks come in: it is read more often than days end.
    agreement: Agreement,
}

impl Comparison {
    fn new(thresholds: (f64, f64)) -> Self {
        Self {
            thresholds,
            day: i64::MIN,
            followed: HashMap::new(),
            agreement: Agreement::default(),
        }
    }

    /// Takes in one look at a client. Looks at a day that is over are late, and left out.
    fn look(&mut self, client: u64, day: i64, p_values: (f64, f64)) {
        if day > self.day {
            self.followed.clear();
            self.day = day;
        }
        let known = self.followed.get(&client).copied();
        let has_room = known.is_some() || self.followed.len() < FOLLOWED_MAX;
        if day < self.day || !has_room {
            self.agreement.left_out += 1;
            return;
        }
        let before = known.unwrap_or_default();
        let now = (
            before.0 || p_values.0 <= self.thresholds.0,
            before.1 || p_values.1 <= self.thresholds.1,
        );
        self.agreement.client_days += u64::from(known.is_none());
        if now != before {
            self.agreement.move_one(before, now);
        }
        self.followed.insert(client, now);
    }
}

impl Agreement {
    /// A client was beyond for these models, and is for those.
    fn move_one(&mut self, before: Beyond, now: Beyond) {
        if let Some(count) = self.count_of(before) {
            *count -= 1;
        }
        if let Some(count) = self.count_of(now) {
            *count += 1;
        }
    }

    fn count_of(&mut self, beyond: Beyond) -> Option<&mut u64> {
        match beyond {
            (true, true) => Some(&mut self.both),
            (true, false) => Some(&mut self.champion_only),
            (false, true) => Some(&mut self.challenger_only),
            (false, false) => None,
        }
    }
}

/// A champion that decides, and perhaps a challenger that only scores.
pub(crate) struct Duel {
    champion: BundleScorer,
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
        Self { champion, challenger }
    }

    /// The model that decides.
    pub(crate) const fn champion(&self) -> &BundleScorer {
        &self.champion
    }

    /// The model that only scores.
    pub(crate) const fn challenger(&self) -> Option<&Arc<Challenger>> {
        self.challenger.as_ref()
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
        comparison.agreement
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

    fn score(&self, windows: Windows<'_>, out: &mut [Score]) {
        self.champion.score(windows, out);
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

    fn standing(&self, feature: usize, value: f32) -> Option<Standing> {
        self.champion.standing(feature, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_counts_once_a_day_by_its_highest_scores() {
        let mut comparison = Comparison::new((0.01, 0.01));
        for (client, day, p_values) in [
            (1, 5, (0.5, 0.5)),
            (1, 5, (0.001, 0.5)),
            (1, 5, (0.5, 0.002)),
            (2, 5, (0.5, 0.002)),
            (3, 5, (0.001, 0.5)),
            (4, 5, (0.5, 0.5)),
            // The next day; what comes late for the one before is left out.
            (1, 6, (0.5, 0.5)),
            (4, 5, (0.001, 0.001)),
        ] {
            comparison.look(client, day, p_values);
        }
        let expected = Agreement {
            client_days: 5,
            both: 1,
            champion_only: 1,
            challenger_only: 1,
            left_out: 1,
        };
        assert_eq!(comparison.agreement, expected);
    }

    #[test]
    fn too_many_clients_of_a_day_are_counted_and_not_followed() {
        let mut comparison = Comparison::new((0.01, 0.01));
        for client in 0..FOLLOWED_MAX as u64 + 7 {
            comparison.look(client, 1, (0.5, 0.5));
        }
        let agreement = comparison.agreement;
        assert_eq!(
            (agreement.client_days, agreement.left_out),
            (FOLLOWED_MAX as u64, 7)
        );
        assert_eq!(comparison.followed.len(), FOLLOWED_MAX);
    }

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
            champion: BundleScorer::load(None).unwrap(),
            challenger: Some(Arc::new(challenger)),
        };
        let (mut expected, mut found) = ([Score::default()], [Score::default()]);
        alone.score(windows, &mut expected);
        duel.score(windows, &mut found);
        assert_eq!(found, expected);
        assert_eq!(
            duel.agreement()
                .map(|agreement| (agreement.client_days, agreement.both)),
            Some((1, 1))
        );
    }

    #[test]
    fn a_model_does_not_challenge_itself() {
        let duel = Duel::load(None, None).unwrap();
        assert_eq!(duel.agreement(), None);
        let shipped = || BundleScorer::load(None).unwrap();
        assert_eq!(Duel::of(shipped(), Some(shipped())).agreement(), None);
    }
}
