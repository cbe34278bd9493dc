//! The budget of wrong blocks: how many client-days may stand above a threshold, and who is held out by lot.

use domain::HashKey;

/// One block in so many that rest on the score alone is observed instead, by lot: 2 %.
pub const HELD_OUT_ONE_IN: u64 = 50;

/// Chance of being wrong that a budget is shown with.
const RISK: f64 = 0.05;

/// How many of `client_days` may score at least as high for acting on those to stay within a budget per million, shown
/// with 95% confidence; `None` when they are too few to show it.
///
/// The largest k for which the chance of at most k exceedances, were the true rate the budget, is at most 5%: the exact
/// upper limit of Clopper and Pearson (1934) for k lies at or below the budget.
#[must_use]
pub fn exceedances(client_days: u64, per_million: f64) -> Option<u64> {
    let rate = per_million / 1e6;
    if !(rate > 0.0 && rate < 1.0) {
        return None;
    }
    let days = client_days as f64;
    // Logarithms: the chance of none among millions is far below the smallest number.
    let mut term = days * (-rate).ln_1p();
    let mut chance = term.exp();
    if chance > RISK {
        return None;
    }
    let odds = (rate / (1.0 - rate)).ln();
    let mut allowed = 0;
    while allowed < client_days {
        term += ((days - allowed as f64) / (allowed as f64 + 1.0)).ln() + odds;
        chance += term.exp();
        if chance > RISK {
            break;
        }
        allowed += 1;
    }
    Some(allowed)
}

/// The fewest client-days that can show a budget: about three divided by it.
#[must_use]
pub fn client_days_needed(per_million: f64) -> u64 {
    let rate = per_million / 1e6;
    if !(rate > 0.0 && rate < 1.0) {
        return u64::MAX;
    }
    (RISK.ln() / (-rate).ln_1p()).ceil() as u64
}

/// Whether a client's block by score alone is observed instead on that day: by lot that nobody outside can foretell, and
/// the same in every replay.
#[must_use]
pub fn is_held_out(key: &HashKey, client: u64, day: i64) -> bool {
    key.hash(&("held out", client, day))
        .is_multiple_of(HELD_OUT_ONE_IN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_of_three_says_when_a_budget_can_be_shown() {
        for (per_million, needed) in [(1000.0, 2995), (100.0, 29_956), (10.0, 299_572)] {
            assert_eq!(client_days_needed(per_million), needed);
            assert_eq!(exceedances(needed, per_million), Some(0));
            assert_eq!(exceedances(needed - 1, per_million), None);
        }
        assert_eq!(exceedances(1_000_000, 0.0), None);
        assert_eq!(exceedances(1_000_000, f64::NAN), None);
    }

    #[test]
    fn exceedances_are_those_of_the_exact_limit() {
        // Upper 95% limits: 4.744 / n for one, 6.296 for two, 9.154 for four (Poisson, n large).
        for (events, limit) in [(1, 4.744), (2, 6.296), (4, 9.154)] {
            let days = 1_000_000;
            assert_eq!(exceedances(days, limit * 1.001), Some(events), "{events}");
            assert_eq!(exceedances(days, limit * 0.999), Some(events - 1), "{events}");
        }
        // Many: 2000 per million of four million are 8000 expected; 1.645 deviations fewer may be seen.
        let many = exceedances(4_000_000, 2000.0).unwrap();
        assert!((7840..7860).contains(&many), "{many}");
    }

    #[test]
    fn one_in_fifty_is_held_out_and_the_same_one_each_time() {
        let key = HashKey::new([3; 16]);
        let held = |day| {
            (0..50_000)
                .filter(|client| is_held_out(&key, *client, day))
                .count()
        };
        assert!((850..1150).contains(&held(1)), "{}", held(1));
        assert_eq!(held(1), held(1));
        assert!((0..50_000).any(|client| is_held_out(&key, client, 1) != is_held_out(&key, client, 2)));
    }
}
