//! How alike two models are, counted as looks come in: what they would do at a budget, and how they rank.

use super::BUDGET;
use std::collections::HashMap;
use std::fmt;

/// Clients of a day that are followed, some 30 bytes each. Looks at further ones are counted, and not compared.
const FOLLOWED_MAX: usize = 100_000;

/// Steps of a p-value, half a decade each: from 1 to 0.32, to 0.1, …, the last from 0.00003 down, which is as small as a model can
/// show with some ten thousand client-days. Deciles would put nine of ten steps where nobody is ever acted on.
const STEPS: usize = 10;

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
    /// The client-days by the steps that the champion (first) and the challenger put them on.
    steps: [[u64; STEPS]; STEPS],
}

impl Agreement {
    /// How alike they rank, from 1 (alike) past 0 (no more than chance) to −1 (turned around); `None` while one of them has put
    /// all on one step.
    ///
    /// Kendall's τ-b over the table of steps: of two client-days, both models put the same one higher, or they do not; pairs
    /// on one step of a model are ties, and count against neither. Source: M. G. Kendall, "The treatment of ties in ranking
    /// problems", Biometrika 33, 1945. Goodman and Kruskal's γ leaves ties out, and is 1 where one model has two steps only.
    pub(crate) fn rank(&self) -> Option<f64> {
        let pairs = |count: f64| count * (count - 1.0) / 2.0;
        let of_row = |row: usize| self.steps[row].iter().sum::<u64>() as f64;
        let of_column = |column: usize| self.steps.iter().map(|row| row[column]).sum::<u64>() as f64;
        let all = pairs((0..STEPS).map(of_row).sum());
        let untied = (
            all - (0..STEPS).map(of_row).map(pairs).sum::<f64>(),
            all - (0..STEPS).map(of_column).map(pairs).sum::<f64>(),
        );
        if untied.0 <= 0.0 || untied.1 <= 0.0 {
            return None;
        }
        let mut more_alike = 0.0;
        for row in 0..STEPS {
            for column in 0..STEPS {
                let below = &self.steps[row + 1..];
                let after: u64 = below.iter().flat_map(|row| &row[column + 1..]).sum();
                let before: u64 = below.iter().flat_map(|row| &row[..column]).sum();
                more_alike += self.steps[row][column] as f64 * (after as f64 - before as f64);
            }
        }
        Some(more_alike / (untied.0 * untied.1).sqrt())
    }

    /// A client was there with these p-values, or is there for the first time, and is there with those.
    fn move_one(&mut self, before: Option<(f64, f64)>, now: (f64, f64), thresholds: (f64, f64)) {
        let is_beyond = |p_values: (f64, f64)| (p_values.0 <= thresholds.0, p_values.1 <= thresholds.1);
        match before {
            Some(before) => {
                self.steps[step(before.0)][step(before.1)] -= 1;
                if let Some(count) = self.count_of(is_beyond(before)) {
                    *count -= 1;
                }
            }
            None => self.client_days += 1,
        }
        self.steps[step(now.0)][step(now.1)] += 1;
        if let Some(count) = self.count_of(is_beyond(now)) {
            *count += 1;
        }
    }

    fn count_of(&mut self, is_beyond: (bool, bool)) -> Option<&mut u64> {
        match is_beyond {
            (true, true) => Some(&mut self.both),
            (true, false) => Some(&mut self.champion_only),
            (false, true) => Some(&mut self.challenger_only),
            (false, false) => None,
        }
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} client-days, of which beyond a budget of {BUDGET} per million: {} for both, {} for the champion alone, \
             {} for the challenger alone",
            self.client_days, self.both, self.champion_only, self.challenger_only
        )?;
        if let Some(rank) = self.rank() {
            write!(
                formatter,
                "; they rank alike to {rank:.2} (Kendall's tau-b, 1 is the same order)"
            )?;
        }
        if self.left_out > 0 {
            write!(formatter, "; {} looks were not compared", self.left_out)?;
        }
        Ok(())
    }
}

/// The step that a p-value stands on; what is no number stands on the first.
fn step(p_value: f64) -> usize {
    // A cast of a float stops at the ends of the type.
    ((-2.0 * p_value.log10()) as usize).min(STEPS - 1)
}

/// What is remembered to compare two models.
#[derive(Debug)]
pub(super) struct Comparison {
    /// P-values from which a client is beyond the budget, for the champion and for the challenger.
    thresholds: (f64, f64),
    day: i64,
    /// The smallest p-values of each client of the day, of the champion and of the challenger.
    followed: HashMap<u64, (f64, f64)>,
    /// Counted as looks come in: it is read more often than days end.
    agreement: Agreement,
}

impl Comparison {
    /// Nothing compared yet.
    pub(super) fn new(thresholds: (f64, f64)) -> Self {
        Self {
            thresholds,
            day: i64::MIN,
            followed: HashMap::new(),
            agreement: Agreement::default(),
        }
    }

    /// How alike the two were so far.
    pub(super) const fn agreement(&self) -> Agreement {
        self.agreement
    }

    /// Takes in one look at a client. Looks at a day that is over are late, and left out.
    pub(super) fn look(&mut self, client: u64, day: i64, p_values: (f64, f64)) {
        if day > self.day {
            self.followed.clear();
            self.day = day;
        }
        let before = self.followed.get(&client).copied();
        let has_room = before.is_some() || self.followed.len() < FOLLOWED_MAX;
        if day < self.day || !has_room {
            self.agreement.left_out += 1;
            return;
        }
        let now = before.map_or(p_values, |before| {
            (before.0.min(p_values.0), before.1.min(p_values.1))
        });
        if before != Some(now) {
            self.agreement.move_one(before, now, self.thresholds);
            self.followed.insert(client, now);
        }
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
        let found = comparison.agreement();
        let mut steps = [[0; STEPS]; STEPS];
        for (champion, challenger) in [(0.001, 0.002), (0.5, 0.002), (0.001, 0.5), (0.5, 0.5), (0.5, 0.5)] {
            steps[step(champion)][step(challenger)] += 1;
        }
        let expected = Agreement {
            client_days: 5,
            both: 1,
            champion_only: 1,
            challenger_only: 1,
            left_out: 1,
            steps,
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn too_many_clients_of_a_day_are_counted_and_not_followed() {
        let mut comparison = Comparison::new((0.01, 0.01));
        for client in 0..FOLLOWED_MAX as u64 + 7 {
            comparison.look(client, 1, (0.5, 0.5));
        }
        let agreement = comparison.agreement();
        assert_eq!(
            (agreement.client_days, agreement.left_out),
            (FOLLOWED_MAX as u64, 7)
        );
        assert_eq!(comparison.followed.len(), FOLLOWED_MAX);
    }

    #[test]
    fn steps_are_half_decades_and_every_number_has_one() {
        for (p_value, expected) in [
            (1.0, 0),
            (0.4, 0),
            (0.3, 1),
            (0.09, 2),
            (0.0009, 6),
            (0.00002, 9),
            (0.0, 9),
            (2.0, 0),
            (f64::NAN, 0),
        ] {
            assert_eq!(step(p_value), expected, "{p_value}");
        }
    }

    fn rank(pairs: &[(f64, f64)]) -> Option<f64> {
        let mut comparison = Comparison::new((0.001, 0.001));
        for (client, p_values) in (0..).zip(pairs) {
            comparison.look(client, 1, *p_values);
        }
        comparison.agreement().rank()
    }

    #[test]
    fn ranks_are_alike_opposed_or_neither() {
        let p = [0.5, 0.05, 0.005, 0.0005];
        let same: Vec<(f64, f64)> = p.iter().map(|p| (*p, *p)).collect();
        assert_eq!(rank(&same), Some(1.0));
        let opposed: Vec<(f64, f64)> = p.iter().copied().zip(p.iter().rev().copied()).collect();
        assert_eq!(rank(&opposed), Some(-1.0));
        let every: Vec<(f64, f64)> = p
            .iter()
            .flat_map(|one| p.iter().map(|two| (*one, *two)))
            .collect();
        assert_eq!(rank(&every), Some(0.0));
        // One of them says nothing: there is no order to agree on.
        assert_eq!(rank(&p.map(|p| (p, 0.5))), None);
        assert_eq!(rank(&[]), None);
    }

    #[test]
    fn ties_are_treated_as_in_kendalls_paper() {
        // A worked table, champion in rows: 3 1 / 1 2. Alike 3·2 = 6, opposed 1·1 = 1; of 21 pairs 9 are tied on each side.
        let (high, low) = (0.5, 0.05);
        let pairs = [
            (high, high),
            (high, high),
            (high, high),
            (high, low),
            (low, high),
            (low, low),
            (low, low),
        ];
        let found = rank(&pairs).unwrap();
        assert!((found - 5.0 / 12.0).abs() < 1e-12, "{found}");
    }

    #[test]
    fn what_is_told_names_the_counts_and_the_rank() {
        let mut comparison = Comparison::new((0.001, 0.001));
        comparison.look(1, 1, (0.5, 0.5));
        let told = comparison.agreement().to_string();
        assert!(told.ends_with("0 for the challenger alone"), "{told}");
        comparison.look(2, 1, (0.0005, 0.02));
        comparison.look(2, 0, (0.5, 0.5));
        assert_eq!(
            comparison.agreement().to_string(),
            "2 client-days, of which beyond a budget of 1000 per million: 0 for both, 1 for the champion alone, 0 for the \
             challenger alone; they rank alike to 1.00 (Kendall's tau-b, 1 is the same order); 1 looks were not compared"
        );
    }
}
