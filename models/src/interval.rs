//! Exact confidence intervals for a share, and the incomplete beta function they rest on.

/// Confidence of every interval that is reported.
pub const CONFIDENCE: f64 = 0.95;

/// Most terms of the continued fraction. It needs about the square root of the larger parameter: 10 million counts
/// take some 3,000.
const FRACTION_TERMS_MAX: u32 = 20_000;

/// Halvings of [0, 1] until two neighbouring `f64` remain, with room for values near zero.
const BISECTIONS: u32 = 200;

/// A share seen in `trials` trials, with the interval that holds the true share with 95% confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proportion {
    /// How often it happened.
    pub successes: u64,
    /// How often it could have happened.
    pub trials: u64,
    /// `successes / trials`, 0 when nothing was tried.
    pub estimate: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Proportion {
    /// Computes the two-sided Clopper–Pearson interval.
    ///
    /// Source: C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    /// binomial", Biometrika 26 (1934). It is exact: it covers at least 95%, never less. With no trials it is [0, 1].
    /// `successes` above `trials` count as `trials`.
    #[must_use]
    pub fn new(successes: u64, trials: u64) -> Self {
        let successes = successes.min(trials);
        let tail = (1.0 - CONFIDENCE) / 2.0;
        Self {
            successes,
            trials,
            estimate: if trials == 0 {
                0.0
            } else {
                successes as f64 / trials as f64
            },
            low: lower_limit(successes, trials, tail),
            high: upper_limit(successes, trials, tail),
        }
    }
}

/// A median, with the interval that holds the true median with at least 95% confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Median<T> {
    /// The middle one; the higher of two.
    pub estimate: T,
    /// Lower end of the interval; `None` when the values are too few to bound it.
    pub low: Option<T>,
    /// Upper end of the interval; `None` when the values are too few to bound it.
    pub high: Option<T>,
}

/// The median of sorted values; `None` of none.
///
/// The interval is exact and assumes no distribution: it reaches from the k-th smallest to the k-th largest value, for
/// the largest k that a Binomial(n, 1/2) stays under with at most 2.5% (H. A. David, H. N. Nagaraja, "Order
/// Statistics", 3rd ed., section 7.1).
#[must_use]
pub fn median<T: Copy>(sorted: &[T]) -> Option<Median<T>> {
    let estimate = *sorted.get(sorted.len() / 2)?;
    let tail = (1.0 - CONFIDENCE) / 2.0;
    // P(Binomial(n, 1/2) < k) = I_1/2(n - k + 1, k), DLMF 8.17.5.
    let is_outside = |k: usize| regularized_beta(0.5, (sorted.len() - k + 1) as f64, k as f64) <= tail;
    let outside = (1..=sorted.len()).take_while(|&k| is_outside(k)).count();
    let (low, high) = match outside {
        0 => (None, None),
        k => (Some(sorted[k - 1]), Some(sorted[sorted.len() - k])),
    };
    Some(Median { estimate, low, high })
}

/// The share that, if true, would show `successes` or fewer with probability `tail`: a one-sided upper limit.
#[must_use]
pub fn upper_limit(successes: u64, trials: u64, tail: f64) -> f64 {
    if successes >= trials {
        return 1.0;
    }
    beta_quantile(1.0 - tail, (successes + 1) as f64, (trials - successes) as f64)
}

/// The share that, if true, would show `successes` or more with probability `tail`: a one-sided lower limit.
#[must_use]
pub fn lower_limit(successes: u64, trials: u64, tail: f64) -> f64 {
    if successes == 0 {
        return 0.0;
    }
    let successes = successes.min(trials);
    beta_quantile(tail, successes as f64, (trials - successes + 1) as f64)
}

/// Finds x with I_x(a, b) = `probability` by halving: slower than Newton's method and never wrong.
fn beta_quantile(probability: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if regularized_beta(middle, a, b) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// I_x(a, b), the regularized incomplete beta function.
///
/// Source: DLMF 8.17.22 (continued fraction) and 8.17.4 (symmetry, where the fraction converges faster from the other
/// side), evaluated by Lentz's method (Press et al., "Numerical Recipes", 3rd ed., section 6.4).
#[must_use]
pub fn regularized_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let log_front =
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log1p(-x);
    let front = libm::exp(log_front);
    if x < (a + 1.0) / (a + b + 2.0) {
        (front * beta_fraction(x, a, b) / a).clamp(0.0, 1.0)
    } else {
        (1.0 - front * beta_fraction(1.0 - x, b, a) / b).clamp(0.0, 1.0)
    }
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    let tiny = f64::MIN_POSITIVE / f64::EPSILON;
    let away_from_zero = |value: f64| if value.abs() < tiny { tiny } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for term in 1..=FRACTION_TERMS_MAX {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        let step = d * c;
        fraction *= step;
        if (step - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(successes: u64, trials: u64, low: f64, high: f64) {
        let share = Proportion::new(successes, trials);
        assert!((share.low - low).abs() < 5e-7, "{share:?}, expected low {low}");
        assert!(
            (share.high - high).abs() < 5e-7,
            "{share:?}, expected high {high}"
        );
    }

    #[test]
    fn a_medians_interval_is_that_of_the_tables() {
        // David and Nagaraja's table: of 10 values the 2nd to the 9th, of 5 none reaches 95%, of 6 all.
        let values: Vec<u64> = (1..=10).collect();
        let of =
            |count: usize| median(&values[..count]).map(|median| (median.estimate, median.low, median.high));
        assert_eq!(of(10), Some((6, Some(2), Some(9))));
        assert_eq!(of(6), Some((4, Some(1), Some(6))));
        assert_eq!(of(5), Some((3, None, None)));
        assert_eq!(of(0), None);
    }

    #[test]
    fn intervals_equal_their_closed_forms_at_the_ends() {
        // With 0 of n the upper end is 1 − (α/2)^(1/n); with n of n the lower end is (α/2)^(1/n).
        for trials in [1_u64, 7, 20, 1000, 1_000_000] {
            let root = 0.025_f64.powf(1.0 / trials as f64);
            check(0, trials, 0.0, 1.0 - root);
            check(trials, trials, root, 1.0);
        }
    }

    #[test]
    fn intervals_match_published_tables() {
        check(5, 10, 0.187_086_0, 0.812_914_0);
        check(1, 10, 0.002_528_6, 0.445_016_1);
        check(7, 20, 0.153_909_2, 0.592_188_5);
    }

    #[test]
    fn nothing_tried_says_nothing() {
        check(0, 0, 0.0, 1.0);
    }

    proptest! {
        #[test]
        fn incomplete_beta_equals_the_binomial_tail(trials in 1_u64..200, share in 0.001_f64..0.999, part in 0.0_f64..1.0) {
            // P(X ≥ k) for X binomial(n, p) is I_p(k, n − k + 1) (DLMF 8.17.5).
            let k = 1 + (part * (trials - 1) as f64) as u64;
            // In logarithms: a term far from the middle is smaller than the smallest number.
            let mut log_term = trials as f64 * (1.0 - share).ln();
            let mut below = 0.0;
            for i in 0..k {
                below += log_term.exp();
                log_term += ((trials - i) as f64 / (i + 1) as f64 * share / (1.0 - share)).ln();
            }
            let beta = regularized_beta(share, k as f64, (trials - k + 1) as f64);
            prop_assert!((beta - (1.0 - below)).abs() < 1e-9, "{beta} and {}", 1.0 - below);
        }

        #[test]
        fn limits_invert_the_binomial_tail_also_for_millions(trials in 1_000_u64..5_000_000, part in 0.0_f64..1.0) {
            let successes = (part * (trials - 1) as f64) as u64;
            let high = upper_limit(successes, trials, 0.025);
            let tail = 1.0 - regularized_beta(high, (successes + 1) as f64, (trials - successes) as f64);
            prop_assert!((tail - 0.025).abs() < 1e-6, "{tail}");
            prop_assert!(lower_limit(successes, trials, 0.025) <= successes as f64 / trials as f64);
            prop_assert!(high >= successes as f64 / trials as f64);
        }
    }
}
