//! Several views' p-values made into one.
//!
//! Views of the same client agree more often than independent ones would, and Fisher's method then runs 5 to 64 times
//! over its nominal rate. The Cauchy combination hardly minds: its tail is decided by the smallest p-value whatever the
//! correlation.
//!
//! Source: Y. Liu, J. Xie, "Cauchy Combination Test: A Powerful Test With Analytic p-Value Calculation Under Arbitrary
//! Dependency Structures", Journal of the American Statistical Association 115 (2020). Truncation of large p-values:
//! Y. Fang, C. Chang, Y. Park, G. C. Tseng, "Heavy-tailed distribution for combining dependent p-values with
//! asymptotic robustness", Statistica Sinica 33 (2023).

use std::f64::consts::PI;

/// Largest p-value that enters: at 1 the Cauchy variable is −∞, and one view that finds a client perfectly ordinary
/// would outvote all that do not. At 0.9 it takes back no more than a p-value of 0.1 adds. The paper's 0.99 keeps the
/// nominal rate closer; here the combination is calibrated afterwards, and 0.9 was as good or better on ADBench.
const P_MAX: f64 = 0.9;

/// Smallest p-value that enters; below it 1/(π p) says nothing more than "surely".
const P_MIN: f64 = 1e-15;

/// Combines p-values with equal weights. 1 when there are none; a NaN counts as 1.
#[must_use]
pub fn cauchy_combination(p_values: &[f64]) -> f64 {
    if p_values.is_empty() {
        return 1.0;
    }
    let sum: f64 = p_values.iter().map(|&p| cauchy_variable(p)).sum();
    // 1/2 − atan(T)/π, written so that it keeps its digits where T is large and the result small.
    libm::atan2(1.0, sum / p_values.len() as f64) / PI
}

/// tan((1/2 − p) π) = cot(p π), which keeps its digits where p is small.
fn cauchy_variable(p: f64) -> f64 {
    let p = if p.is_nan() { P_MAX } else { p.clamp(P_MIN, P_MAX) };
    1.0 / libm::tan(p * PI)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::normal;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn equal_p_values_combine_to_themselves() {
        for p in [1e-12, 1e-6, 0.01, 0.3, 0.5, 0.89] {
            let combined = cauchy_combination(&[p; 3]);
            assert!((combined / p - 1.0).abs() < 1e-6, "{p} became {combined}");
        }
    }

    #[test]
    fn one_small_p_value_among_ordinary_ones_is_divided_by_its_weight_only() {
        let combined = cauchy_combination(&[1e-6, 0.5, 0.5]);
        assert!((combined / 3e-6 - 1.0).abs() < 1e-3, "{combined}");
        assert!(cauchy_combination(&[1e-6, 1.0, 1.0]) < 4e-6);
    }

    #[test]
    fn the_small_tail_keeps_its_nominal_rate_under_strong_correlation() {
        // Three views with correlation 0.8: at 1% nominal, between half and one and a half times that must come out.
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let p_value = |z: f32| 1.0 - 0.5 * libm::erfc(-f64::from(z) / std::f64::consts::SQRT_2);
        let trials = 100_000;
        let mut rejected = 0;
        for _ in 0..trials {
            let shared = normal(&mut rng);
            let p_values: [f64; 3] =
                std::array::from_fn(|_| p_value(0.8_f32.sqrt() * shared + 0.2_f32.sqrt() * normal(&mut rng)));
            rejected += u32::from(cauchy_combination(&p_values) <= 0.01);
        }
        let rate = f64::from(rejected) / f64::from(trials);
        assert!((0.005..0.015).contains(&rate), "{rate}");
    }

    proptest! {
        #[test]
        fn a_combination_is_a_p_value_and_falls_with_each_part(
            p_values in prop::collection::vec(0.0_f64..=1.0, 1..6), at in 0_usize..6, factor in 0.0_f64..1.0,
        ) {
            let before = cauchy_combination(&p_values);
            prop_assert!(before > 0.0 && before < 1.0);
            let mut smaller = p_values.clone();
            let at = at % smaller.len();
            smaller[at] *= factor;
            prop_assert!(cauchy_combination(&smaller) <= before * (1.0 + 1e-9));
        }
    }
}
