//! Seeded randomness: one stream per client, and the few distributions that traffic is made of.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A client's own stream of random numbers.
pub type Stream = Xoshiro256PlusPlus;

/// Derives a stream from (seed, name, ordinal).
///
/// Names and ordinals are the client's own, so a behaviour that is added to a scenario changes no other client.
#[must_use]
pub fn stream(seed: u64, name: &str, ordinal: u64) -> Stream {
    // FNV-1a over the name, then splitmix64's finaliser: spreads neighbouring ordinals over all bits.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    Stream::seed_from_u64(mix(mix(seed ^ hash).wrapping_add(ordinal)))
}

/// splitmix64's finaliser (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
#[must_use]
pub(crate) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Whether something of this probability happens.
pub(crate) fn chance(rng: &mut Stream, probability: f64) -> bool {
    rng.r#gen::<f64>() < probability
}

/// One of the items, each as likely. The slice must not be empty.
pub(crate) fn pick<'a, T>(rng: &mut Stream, items: &'a [T]) -> &'a T {
    debug_assert!(!items.is_empty());
    &items[rng.gen_range(0..items.len())]
}

/// A number from a log-normal distribution: half of them under the median, `sigma` 1 spans a factor of 7 either way.
pub(crate) fn log_normal(rng: &mut Stream, median: f64, sigma: f64) -> f64 {
    // Box-Muller; `1 - u` keeps the logarithm's argument above zero.
    let radius = (-2.0 * (1.0 - rng.r#gen::<f64>()).ln()).sqrt();
    let normal = radius * (std::f64::consts::TAU * rng.r#gen::<f64>()).cos();
    median * (sigma * normal).exp()
}

/// A log-normal duration in whole milliseconds, at most a day: what nobody waits for does not belong in a log.
pub(crate) fn log_normal_ms(rng: &mut Stream, median_ms: f64, sigma: f64) -> u64 {
    log_normal(rng, median_ms, sigma).min(86_400_000.0) as u64
}

/// A count of at least one whose mean is `mean`: memoryless, as page views per visit are.
pub(crate) fn geometric(rng: &mut Stream, mean: f64) -> u32 {
    if mean <= 1.0 {
        return 1;
    }
    let uniform = 1.0 - rng.r#gen::<f64>();
    let count = uniform.ln() / (1.0 - 1.0 / mean).ln();
    1 + count.min(100_000.0) as u32
}

/// An index below `len`, the first ones far likelier (Zipf with exponent 1, by inverting its continuous form).
pub(crate) fn popular(rng: &mut Stream, len: usize) -> usize {
    debug_assert!(len > 0);
    let rank = ((len as f64 + 1.0).ln() * rng.r#gen::<f64>()).exp();
    (rank as usize).clamp(1, len) - 1
}

/// Writes `len` random lower-case hexadecimal digits.
pub(crate) fn hex(rng: &mut Stream, len: usize) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    (0..len)
        .map(|_| char::from(DIGITS[rng.gen_range(0..16)]))
        .collect()
}

/// Writes a random UUID in its usual form.
pub(crate) fn uuid(rng: &mut Stream) -> String {
    let digits = hex(rng, 31);
    format!(
        "{}-{}-4{}-a{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[12..15],
        &digits[15..18],
        &digits[18..30]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_seed_name_and_ordinal_only() {
        let first = |seed, name, ordinal| stream(seed, name, ordinal).r#gen::<u64>();
        assert_eq!(first(1, "browser", 7), first(1, "browser", 7));
        assert_ne!(first(1, "browser", 7), first(2, "browser", 7));
        assert_ne!(first(1, "browser", 7), first(1, "crawler", 7));
        assert_ne!(first(1, "browser", 7), first(1, "browser", 8));
    }

    #[test]
    fn geometric_counts_have_their_mean() {
        let mut rng = stream(1, "test", 0);
        let sum: u32 = (0..10_000).map(|_| geometric(&mut rng, 4.0)).sum();
        assert!((36_000..44_000).contains(&sum), "{sum}");
    }

    #[test]
    fn a_popular_index_stays_in_range_and_favours_the_first() {
        let mut rng = stream(1, "test", 0);
        let first = (0..10_000).filter(|_| popular(&mut rng, 100) == 0).count();
        assert!((1_000..2_500).contains(&first), "{first}");
        assert!((0..1_000).all(|_| popular(&mut rng, 3) < 3));
    }
}
