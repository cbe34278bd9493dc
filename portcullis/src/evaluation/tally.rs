//! What became of attackers of one sort, and of client-days of the innocent.

use models::interval::{Proportion, upper_limit};

/// Attackers with at least this many requests enter the prevented share: of fewer there is nothing to prevent.
pub(super) const PREVENTED_REQUESTS_MIN: u64 = 20;

/// A million client-days: what budgets count by.
pub(crate) const MILLION: f64 = 1e6;

/// Chance that a rate is called shown although it is larger.
const DOUBT: f64 = 0.05;

/// What became of attackers of one sort.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Attackers in all.
    pub attackers: u64,
    /// Those acted on.
    pub caught: u64,
    /// Those only observed.
    pub observed: u64,
    /// Those acted on before their first attack.
    pub early: u64,
    /// Those that a campaign lists, acted on or not.
    pub members: u64,
    /// Those acted on under the name of their kind; of labels without a kind none.
    pub named: u64,
    /// Requests of larger attackers that came while a block was in force.
    pub prevented: u64,
    /// Requests of larger attackers.
    pub preventable: u64,
    /// Requests of caught attackers up to the action, from the first attack where it is known; sorted.
    pub requests: Vec<u64>,
    /// Milliseconds from the first attack, or from the first request where that is not known, to the action; sorted.
    pub millis: Vec<u64>,
}

impl Tally {
    /// Share of the attackers that were acted on.
    #[must_use]
    pub(crate) fn recall(&self) -> Proportion {
        Proportion::new(self.caught, self.attackers)
    }

    /// Share of the requests of larger attackers that a block would have prevented.
    #[must_use]
    pub(crate) fn prevented_share(&self) -> Proportion {
        Proportion::new(self.prevented, self.preventable)
    }

    /// Adds another tally.
    pub(super) fn pool(&mut self, other: &Self) {
        self.add(other);
        self.sort();
    }

    /// Adds another tally and leaves the delays to be sorted: many single ones would be sorted again and again.
    pub(super) fn add(&mut self, other: &Self) {
        self.attackers += other.attackers;
        self.caught += other.caught;
        self.observed += other.observed;
        self.early += other.early;
        self.members += other.members;
        self.named += other.named;
        self.prevented += other.prevented;
        self.preventable += other.preventable;
        self.requests.extend(&other.requests);
        self.millis.extend(&other.millis);
    }

    pub(super) fn sort(&mut self) {
        self.requests.sort_unstable();
        self.millis.sort_unstable();
    }
}

/// Clients that were acted on under one name, and what they truly are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Named {
    /// Acted on under this name.
    pub acted: u64,
    /// Attackers of any kind among them.
    pub attackers: u64,
}

impl Named {
    /// Share of those acted on under this name that are attackers.
    #[must_use]
    pub(crate) fn precision(self) -> Proportion {
        Proportion::new(self.attackers, self.acted)
    }
}

/// Client-days of innocent clients, and how many of them saw an action on the client: the false positive rate that a
/// budget is given in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ClientDays {
    /// Days on which an action on an innocent client was decided.
    pub acted: u64,
    /// Days on which innocent clients were there.
    pub all: u64,
}

/// What a sample says about a budget of false positives per million client-days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BudgetVerdict {
    /// The true rate is below the budget, with 95% confidence.
    Kept,
    /// The sample fits the budget, and rates above it as well.
    Open,
    /// The true rate is above the budget: its lower bound is.
    Exceeded,
}

impl ClientDays {
    /// The rate with its exact interval, as a share of the client-days.
    #[must_use]
    pub(crate) fn rate(self) -> Proportion {
        Proportion::new(self.acted, self.all)
    }

    /// The lowest rate per million client-days that so many client-days could show, had nobody been acted on: the upper
    /// 95% bound of zero, about three divided by their number. `None` without client-days.
    #[must_use]
    pub(crate) fn resolution(self) -> Option<f64> {
        (self.all > 0).then(|| upper_limit(0, self.all, DOUBT) * MILLION)
    }

    /// What the sample says about a budget.
    #[must_use]
    pub(crate) fn verdict(self, per_million: f64) -> BudgetVerdict {
        let rate = self.rate();
        if rate.low * MILLION > per_million {
            BudgetVerdict::Exceeded
        } else if self.all > 0 && upper_limit(self.acted, self.all, DOUBT) * MILLION <= per_million {
            BudgetVerdict::Kept
        } else {
            BudgetVerdict::Open
        }
    }

    pub(super) fn pool(&mut self, other: Self) {
        self.acted += other.acted;
        self.all += other.all;
    }
}

impl BudgetVerdict {
    /// One word for tables and JSON.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Open => "open",
            Self::Exceeded => "exceeded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sample_can_show_follows_from_its_size() {
        let days = |acted, all| ClientDays { acted, all };
        // The rule of three: -ln(0.05) = 2.996.
        let resolution = days(0, 3_000).resolution().unwrap();
        assert!((resolution - 998.1).abs() < 0.5, "{resolution}");
        assert_eq!(days(0, 0).resolution(), None);
        assert_eq!(days(0, 3_000).verdict(1_000.0), BudgetVerdict::Kept);
        assert_eq!(days(0, 2_900).verdict(1_000.0), BudgetVerdict::Open);
        assert_eq!(days(4, 3_000).verdict(1_000.0), BudgetVerdict::Open);
        assert_eq!(days(9, 3_000).verdict(1_000.0), BudgetVerdict::Exceeded);
        assert_eq!(days(0, 0).verdict(1_000.0), BudgetVerdict::Open);
    }
}
