//! How sure a share is that was seen in a sample.

/// Standard errors of the bounds below. Every source is judged every minute: at four (one in 30,000, by the normal
/// distribution) 256 sources would still be wrong some ten times a day if minutes were independent, which is why a kind has to
/// be seen for minutes in a row as well.
const Z: f64 = 4.0;

/// The least share that the sample allows: the lower end of Wilson's score interval (E. B. Wilson, Probable inference, the law
/// of succession, and statistical inference, 1927). Unlike the plain share it is careful with few samples: 0 of 0 gives 0.
pub(super) fn share_at_least(hits: u64, all: u64) -> f64 {
    let (middle, half) = wilson(hits, all);
    (middle - half).max(0.0)
}

/// The greatest share that the sample allows: the upper end of the same interval; 1 without a sample.
pub(super) fn share_at_most(hits: u64, all: u64) -> f64 {
    let (middle, half) = wilson(hits, all);
    (middle + half).min(1.0)
}

/// The middle of the interval and half its length.
fn wilson(hits: u64, all: u64) -> (f64, f64) {
    if all == 0 {
        return (0.5, 0.5);
    }
    let (count, squared) = (all as f64, Z * Z);
    let share = hits.min(all) as f64 / count;
    let scale = 1.0 + squared / count;
    let middle = (share + squared / (2.0 * count)) / scale;
    let spread = share * (1.0 - share) / count + squared / (4.0 * count * count);
    (middle, Z * spread.sqrt() / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_samples_say_little() {
        assert_eq!((share_at_least(0, 0), share_at_most(0, 0)), (0.0, 1.0));
        assert!(share_at_least(5, 5) < 0.25, "{}", share_at_least(5, 5));
        assert!(share_at_least(200, 200) > 0.9);
        assert!(share_at_most(0, 200) < 0.1 && share_at_most(0, 20) > 0.4);
        // 10 of 100 at z = 4, by hand: (0.18 ± 4 √0.0013) / 1.16.
        assert!(
            (share_at_least(10, 100) - 0.030_84).abs() < 1e-4,
            "{}",
            share_at_least(10, 100)
        );
        assert!(
            (share_at_most(10, 100) - 0.279_51).abs() < 1e-4,
            "{}",
            share_at_most(10, 100)
        );
    }
}
