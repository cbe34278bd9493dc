//! The reservoir: how the scores of unsuspicious clients are spread on this site, which the shipped model has never seen.
//!
//! What a budget is held against is each client's highest score of a day: a client is looked at many times, each look is
//! another chance to err, and what an operator counts is clients wrongly blocked per day. Beside it stands how single looks
//! are spread, which is all that evidence is strengthened by. A client leaves it only by evidence that does not
//! rest on the score, a conclusive act or a person's order or verdict; a person who calls it harmless puts it back. Whoever was flagged by score alone stays: a reservoir that
//! loses its highest scores flags more each day, up to 25 times the budget after a month.

use crate::limits::{CLIENT_DAYS_MAX, FOLLOWED_MAX};
use crate::policy::budget;
use crate::population::in_order;
use domain::Timestamp;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Bins of the histogram over `[0, 1]`. A score is one less the root of a rank: the highest bin holds one in a million.
const BINS: usize = 1024;

/// Fewer looks than this say nothing about a site.
const LOOKS_MIN: u64 = 100;

/// Past so many the looks are halved, so that they follow the site.
const LOOKS_MAX: u64 = 100_000;

/// Milliseconds of a day.
const DAY_MILLIS: i64 = 24 * 3600 * 1000;

/// How a score stands beside a budget on this site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// So few client-days stand as high that the budget holds, shown with 95% confidence.
    Within,
    /// Too many do.
    Beyond,
    /// Too few client-days were seen for the budget to be shown at all.
    Unproven {
        /// Client-days seen.
        seen: u64,
        /// Client-days that it takes.
        needed: u64,
    },
}

/// What came of blocks that rest on the score alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreOnly {
    /// Client-days that were to be blocked by the score alone, those held out included.
    pub blocks: u64,
    /// Of these, drawn by lot and only observed: what they go on to do tells how often such blocks are wrong.
    pub held_out: u64,
    /// Of those held out, convicted on the same day by evidence that does not rest on the score.
    pub convicted: u64,
}

/// Histograms of the scores of unsuspicious clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreSpread {
    /// Every look.
    looks: Vec<u64>,
    looks_total: u64,
    /// The highest look of each client-day.
    counts: Vec<u64>,
    total: u64,
    /// The present day, counted from 1970.
    day: i64,
    /// Where each client of the present day that is followed stands.
    #[serde(with = "in_order")]
    today: HashMap<u64, u16, FixedState>,
    /// Clients are followed whose key ends in so many zero bits.
    thinning: u32,
    /// Clients of the present day that were to be blocked by the score alone, and whether they were held out.
    flagged: BTreeMap<u64, bool>,
    /// What stood in the two for clients of the present day that were convicted, in case that a person knows better.
    convicted: BTreeMap<u64, Convicted>,
    /// Clients of the present day that a person calls harmless, whatever evidence says.
    acquitted: BTreeSet<u64>,
    score_only: ScoreOnly,
    /// Looks at clients that are not followed because there are too many, since the start.
    #[serde(skip)]
    pub unfollowed: u64,
}

/// What a conviction took out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Convicted {
    highest: Option<u16>,
    flagged: Option<bool>,
}

impl Default for ScoreSpread {
    fn default() -> Self {
        Self {
            looks: vec![0; BINS],
            looks_total: 0,
            counts: vec![0; BINS],
            total: 0,
            day: 0,
            today: HashMap::default(),
            thinning: 0,
            flagged: BTreeMap::new(),
            convicted: BTreeMap::new(),
            acquitted: BTreeSet::new(),
            score_only: ScoreOnly::default(),
            unfollowed: 0,
        }
    }
}

impl ScoreSpread {
    /// Begins another day when `now` is of another one.
    pub fn move_to(&mut self, now: Timestamp) {
        let day = day_of(now);
        if day == self.day {
            return;
        }
        if self.today.len() < FOLLOWED_MAX / 4 {
            self.thinning = self.thinning.saturating_sub(1);
        }
        self.day = day;
        self.today.clear();
        self.flagged.clear();
        self.convicted.clear();
        self.acquitted.clear();
    }

    /// The present day, counted from 1970.
    #[must_use]
    pub fn day(&self) -> i64 {
        self.day
    }

    /// Takes in a look at a client that nothing speaks against.
    pub fn add(&mut self, key: u64, score: f32) {
        let bin = bin(score);
        self.looks[bin] += 1;
        self.looks_total += 1;
        if self.looks_total >= LOOKS_MAX {
            self.looks_total = halve(&mut self.looks);
        }
        if !self.follows(key) {
            self.unfollowed += 1;
            return;
        }
        match self.today.get_mut(&key) {
            Some(highest) if usize::from(*highest) >= bin => {}
            Some(highest) => {
                let before = std::mem::replace(highest, bin as u16);
                self.drop_one(before);
                self.count_one(bin);
            }
            None => {
                self.today.insert(key, bin as u16);
                self.count_one(bin);
                self.thin_out();
            }
        }
    }

    /// Takes out a client that evidence convicts which does not rest on the score, unless a person has called it harmless.
    pub fn convict(&mut self, key: u64) {
        if self.acquitted.contains(&key) {
            return;
        }
        let highest = self.today.remove(&key);
        if let Some(highest) = highest {
            self.drop_one(highest);
        }
        let flagged = self.flagged.remove(&key);
        self.score_only.convicted += u64::from(flagged == Some(true));
        let is_news = highest.is_some() || flagged.is_some();
        // Beyond the limit nobody can be put back: the reservoir lacks a client-day, and no decision on evidence changes.
        if is_news && self.convicted.len() < FOLLOWED_MAX {
            self.convicted.insert(key, Convicted { highest, flagged });
        }
    }

    /// Takes out a client that a person calls an attacker, also where one called it harmless before.
    pub fn condemn(&mut self, key: u64) {
        self.acquitted.remove(&key);
        self.convict(key);
    }

    /// Keeps a client that a person calls harmless, and puts back what a conviction of the present day took out.
    pub fn acquit(&mut self, key: u64) {
        if self.acquitted.len() >= FOLLOWED_MAX || !self.acquitted.insert(key) {
            return;
        }
        let Some(Convicted { highest, flagged }) = self.convicted.remove(&key) else {
            return;
        };
        if let Some(is_held_out) = flagged {
            self.flagged.insert(key, is_held_out);
            self.score_only.convicted -= u64::from(is_held_out).min(self.score_only.convicted);
        }
        if let Some(highest) = highest.filter(|_| self.follows(key) && !self.today.contains_key(&key)) {
            self.today.insert(key, highest);
            self.count_one(usize::from(highest));
            self.thin_out();
        }
    }

    /// Whether a person called it harmless on the present day.
    #[must_use]
    pub fn is_acquitted(&self, key: u64) -> bool {
        self.acquitted.contains(&key)
    }

    /// Notes that a client is to be blocked by its score alone, or is held out of that.
    pub fn flag(&mut self, key: u64, is_held_out: bool) {
        if self.flagged.len() < FOLLOWED_MAX && self.flagged.insert(key, is_held_out).is_none() {
            self.score_only.blocks += 1;
            self.score_only.held_out += u64::from(is_held_out);
        }
    }

    /// What came of blocks that rest on the score alone.
    #[must_use]
    pub fn score_only(&self) -> ScoreOnly {
        self.score_only
    }

    /// Clients of the present day that are followed.
    #[must_use]
    pub fn followed(&self) -> usize {
        self.today.len()
    }

    /// Client-days in the reservoir.
    #[must_use]
    pub fn client_days(&self) -> u64 {
        self.total
    }

    /// Whether it holds what it can have been given: what comes from a checkpoint is checked.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.counts.len() == BINS
            && self.looks.len() == BINS
            && self.looks.iter().all(|count| *count < LOOKS_MAX)
            && self.looks.iter().sum::<u64>() == self.looks_total
            && self.counts.iter().all(|count| *count <= CLIENT_DAYS_MAX)
            && self.counts.iter().sum::<u64>() == self.total
            && self.today.len() <= FOLLOWED_MAX
            && self.flagged.len() <= FOLLOWED_MAX
            && self.convicted.len() <= FOLLOWED_MAX
            && self.acquitted.len() <= FOLLOWED_MAX
            && self
                .convicted
                .values()
                .filter_map(|taken| taken.highest)
                .chain(self.today.values().copied())
                .all(|bin| usize::from(bin) < BINS)
    }

    /// The conformal p-value of one look among this site's own, `(1 + as high or higher) / (n + 1)`; `None` while
    /// too few are known (Vovk, Gammerman, Shafer 2005).
    #[must_use]
    pub fn p_value(&self, score: f32) -> Option<f64> {
        if self.looks_total < LOOKS_MIN {
            return None;
        }
        let higher: u64 = self.looks[bin(score)..].iter().sum();
        Some((1 + higher) as f64 / (self.looks_total + 1) as f64)
    }

    /// Whether acting on that client's score keeps wrongly blocked clients within a budget per million client-days.
    #[must_use]
    pub fn standing(&self, key: u64, score: f32, per_million: f64) -> Standing {
        let Some(allowed) = budget::exceedances(self.total, per_million) else {
            return Standing::Unproven {
                seen: self.total,
                needed: budget::client_days_needed(per_million),
            };
        };
        // The client itself is one of them.
        let own = self
            .today
            .get(&key)
            .is_some_and(|highest| usize::from(*highest) >= bin(score));
        let higher: u64 = self.counts[bin(score)..].iter().sum();
        if higher.saturating_sub(u64::from(own)) <= allowed {
            Standing::Within
        } else {
            Standing::Beyond
        }
    }

    /// Keys are keyed hashes: nobody chooses whether to be followed.
    fn follows(&self, key: u64) -> bool {
        key.trailing_zeros() >= self.thinning
    }

    fn count_one(&mut self, bin: usize) {
        self.counts[bin] += 1;
        self.total += 1;
        if self.total >= CLIENT_DAYS_MAX {
            self.total = halve(&mut self.counts);
        }
    }

    /// Takes one out; after a halving it may be gone already.
    fn drop_one(&mut self, bin: u16) {
        let count = &mut self.counts[usize::from(bin)];
        if *count > 0 {
            *count -= 1;
            self.total -= 1;
        }
    }

    /// Follows half as many clients when there are too many; the others are taken out, since their day is not over.
    fn thin_out(&mut self) {
        while self.today.len() > FOLLOWED_MAX {
            self.thinning += 1;
            let thinning = self.thinning;
            let mut dropped = Vec::new();
            self.today.retain(|key, highest| {
                let stays = key.trailing_zeros() >= thinning;
                if !stays {
                    dropped.push(*highest);
                }
                stays
            });
            self.unfollowed += dropped.len() as u64;
            dropped.into_iter().for_each(|highest| self.drop_one(highest));
        }
    }
}

/// The day of a moment, counted from 1970.
#[must_use]
pub fn day_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(DAY_MILLIS)
}

/// Halves counts and gives their sum.
fn halve(counts: &mut [u64]) -> u64 {
    counts.iter_mut().for_each(|count| *count /= 2);
    counts.iter().sum()
}

fn bin(score: f32) -> usize {
    ((score.clamp(0.0, 1.0) * BINS as f32) as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(client_days: u64) -> ScoreSpread {
        let mut spread = ScoreSpread::default();
        for place in 0..client_days {
            spread.add(place, place as f32 / client_days as f32);
        }
        spread
    }

    #[test]
    fn a_p_value_is_a_rank_and_never_zero() {
        let spread = filled(999);
        assert_eq!(ScoreSpread::default().p_value(0.5), None);
        assert!((spread.p_value(1.0).unwrap() - 0.001).abs() < 0.005);
        assert!((spread.p_value(0.0).unwrap() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_client_counts_once_a_day_by_its_highest_score() {
        let mut spread = filled(200);
        let highest = |spread: &ScoreSpread| spread.counts[bin(0.95)..].iter().sum::<u64>();
        let before = highest(&spread);
        (0..50).for_each(|look| spread.add(7, look as f32 / 100.0));
        spread.add(7, 0.96);
        spread.add(7, 0.1);
        assert_eq!(spread.client_days(), 200);
        assert_eq!(highest(&spread), before + 1);
        spread.move_to(Timestamp::from_millis(DAY_MILLIS));
        spread.add(7, 0.1);
        assert_eq!(spread.client_days(), 201);
        assert!(spread.is_whole());
    }

    #[test]
    fn only_evidence_takes_a_client_out() {
        let mut spread = filled(200);
        spread.add(1000, 0.999);
        spread.flag(1000, true);
        spread.flag(1000, true);
        assert_eq!(spread.client_days(), 201);
        let told = spread.score_only();
        assert_eq!((told.blocks, told.held_out, told.convicted), (1, 1, 0));
        spread.convict(1000);
        assert_eq!((spread.client_days(), spread.score_only().convicted), (200, 1));
        spread.convict(1000);
        assert_eq!((spread.client_days(), spread.score_only().convicted), (200, 1));
    }

    #[test]
    fn whom_a_person_calls_harmless_is_put_back_and_stays() {
        let mut spread = filled(200);
        spread.add(1000, 0.999);
        spread.flag(1000, true);
        let before = spread.clone();
        spread.convict(1000);
        spread.acquit(1000);
        assert_eq!(spread.client_days(), before.client_days());
        assert_eq!(spread.counts, before.counts);
        assert_eq!(spread.score_only(), before.score_only());
        // Its evidence still stands, and the person's word goes before it.
        spread.convict(1000);
        assert_eq!((spread.client_days(), spread.score_only().convicted), (201, 0));
        // The newest word holds.
        spread.condemn(1000);
        assert_eq!((spread.client_days(), spread.score_only().convicted), (200, 1));
        spread.acquit(1000);
        assert_eq!((spread.client_days(), spread.score_only().convicted), (201, 0));
        assert!(spread.is_whole());
        // The next day knows nothing of it.
        spread.move_to(Timestamp::from_millis(DAY_MILLIS));
        spread.add(1000, 0.5);
        spread.convict(1000);
        assert_eq!(spread.client_days(), 201);
    }

    #[test]
    fn a_budget_holds_only_once_enough_client_days_show_it() {
        let dull = |client_days| {
            let mut spread = ScoreSpread::default();
            (0..client_days).for_each(|key| spread.add(key, 0.5));
            spread
        };
        let score = 0.9999;
        let few = dull(2000).standing(1, score, 1000.0);
        assert_eq!(
            few,
            Standing::Unproven {
                seen: 2000,
                needed: 2995
            }
        );
        let mut spread = dull(3000);
        assert_eq!(spread.standing(5000, score, 1000.0), Standing::Within);
        // Its own look does not count against it, another client's does.
        spread.add(5000, score);
        assert_eq!(spread.standing(5000, score, 1000.0), Standing::Within);
        spread.add(5001, score);
        assert_eq!(spread.standing(5000, score, 1000.0), Standing::Beyond);
    }

    #[test]
    fn too_many_clients_of_a_day_are_sampled_and_stay_whole() {
        let mut spread = ScoreSpread::default();
        let clients = FOLLOWED_MAX as u64 * 3;
        for key in 0..clients {
            spread.add(key, 0.5);
            spread.add(key, 0.6);
        }
        assert!(spread.is_whole());
        let share = spread.client_days() as f64 / clients as f64;
        assert!((share - 0.25).abs() < 0.01, "{share}");
        assert_eq!(spread.counts[bin(0.6)], spread.client_days());
    }

    #[test]
    fn it_forgets_half_when_it_is_full() {
        let mut spread = ScoreSpread::default();
        spread.counts[3] = CLIENT_DAYS_MAX - 1;
        spread.total = CLIENT_DAYS_MAX - 1;
        spread.add(1, 0.9);
        assert!(spread.is_whole() && spread.client_days() <= CLIENT_DAYS_MAX / 2);
        spread.convict(1);
        assert!(spread.is_whole());
    }
}
