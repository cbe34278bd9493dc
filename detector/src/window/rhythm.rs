//! The rhythm of a client: how long it pauses between requests.

use serde::{Deserialize, Serialize};

/// Bins of log2 gaps: under a second, then doubling up to 2^15 seconds (nine hours).
pub const GAP_BINS: usize = 16;

/// Pauses between requests: moments of the logarithm and a small histogram.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Rhythm {
    count: f32,
    log_sum: f32,
    log_square_sum: f32,
    bins: [u8; GAP_BINS],
    beat: Beat,
}

/// The pauses of a visit, long breaks between visits left out: a night does not make a timer uneven.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Beat {
    count: f32,
    log_sum: f32,
    log_square_sum: f32,
}

impl Beat {
    fn observe(&mut self, shifted: f32) {
        let is_break = self.count >= BEATS_MIN && shifted - self.mean() > BREAK_LOG;
        if is_break {
            return;
        }
        self.count += 1.0;
        self.log_sum += shifted;
        self.log_square_sum += shifted * shifted;
        if self.count >= GAPS_MAX {
            self.count /= 2.0;
            self.log_sum /= 2.0;
            self.log_square_sum /= 2.0;
        }
    }

    fn mean(&self) -> f32 {
        self.log_sum / self.count.max(1.0)
    }

    fn deviation(&self) -> f32 {
        let mean = self.mean();
        (self.log_square_sum / self.count.max(1.0) - mean * mean)
            .max(0.0)
            .sqrt()
    }
}

/// Many logs tick in whole seconds: under this a gap is noise, and a finer clock must not look like another client.
const GAP_FLOOR_MILLIS: f32 = 1000.0;

/// Logarithms are summed from the middle of their range: f32 squares of large numbers would drown a small spread.
const LOG_ORIGIN: f32 = 14.0;

/// So many pauses make a beat.
const BEATS_MIN: f32 = 4.0;
/// log2 of how many times as long as the others a pause is that is a break.
const BREAK_LOG: f32 = 3.0;
/// Shorter pauses are no slow beat: tools that work through a list leave a fixed one, too.
const BEAT_MILLIS_MIN: f32 = 4000.0;
/// Programs that try again wait two seconds and more, a little less with a bad clock.
const RETRY_MILLIS_MIN: f32 = 1800.0;
/// Deviation of the log2 that a busy machine makes of a steady beat.
const BEAT_DEVIATION_MAX: f32 = 0.1;
/// Deviation of the log2 of pauses that a program draws between a half and one and a half of a wait (0.47), with a margin for
/// what a dozen pauses show of it.
const JITTER_DEVIATION_MAX: f32 = 0.55;
/// Those that spread their tries about two seconds wait less in a log of whole seconds.
const SPREAD_MILLIS_MIN: f32 = 1500.0;
/// Programs that try again wait no longer than this, or else wait for much longer each time.
const RETRY_MILLIS_MAX: f32 = 33_000.0;
/// So many pauses tell such waits from others.
const JITTERS_MIN: f32 = 6.0;
/// Deviation in milliseconds that whole seconds make of any beat, at most.
const CLOCK_MILLIS: f32 = 500.0;

/// Past this many gaps the sums are halved, so that the rhythm follows the client.
const GAPS_MAX: f32 = 240.0;

impl Rhythm {
    /// Adds a pause.
    pub fn observe(&mut self, gap_millis: i64) {
        let log = (gap_millis.max(0) as f32 + GAP_FLOOR_MILLIS).log2();
        self.count += 1.0;
        let shifted = log - LOG_ORIGIN;
        self.log_sum += shifted;
        self.log_square_sum += shifted * shifted;
        self.beat.observe(shifted);
        let bin = (log - GAP_FLOOR_MILLIS.log2())
            .floor()
            .clamp(0.0, (GAP_BINS - 1) as f32) as usize;
        self.bins[bin] = self.bins[bin].saturating_add(1);
        if self.count >= GAPS_MAX {
            self.halve();
        }
    }

    fn halve(&mut self) {
        self.count /= 2.0;
        self.log_sum /= 2.0;
        self.log_square_sum /= 2.0;
        for bin in &mut self.bins {
            *bin /= 2;
        }
    }

    /// Mean of the log2 of the gap in milliseconds; 0 before the second request.
    #[must_use]
    pub fn log_mean(&self) -> f32 {
        if self.count < 1.0 {
            0.0
        } else {
            self.log_sum / self.count
        }
    }

    /// Standard deviation of the log2 of the gap; 0 before the third request.
    #[must_use]
    pub fn log_deviation(&self) -> f32 {
        if self.count < 2.0 {
            return 0.0;
        }
        let mean = self.log_sum / self.count;
        (self.log_square_sum / self.count - mean * mean).max(0.0).sqrt()
    }

    /// Entropy of the gap histogram in bits, 0 (a metronome) to 4.
    #[must_use]
    pub fn entropy(&self) -> f32 {
        entropy(self.bins.iter().map(|count| f32::from(*count)))
    }

    /// Whether it keeps a slow beat, as a timer does and neither a person nor somebody in a hurry.
    #[must_use]
    pub fn is_slow_metronome(&self) -> bool {
        self.beat.count >= BEATS_MIN && self.may_be_slow_metronome()
    }

    /// Whether it keeps a beat of two seconds or more, as a program does that tries again until it is let in.
    #[must_use]
    pub fn is_metronome(&self) -> bool {
        self.beat.count >= BEATS_MIN && self.is_steady(RETRY_MILLIS_MIN)
    }

    /// Whether it waits two seconds to half a minute, now somewhat longer and now somewhat shorter, as programs do that are told to
    /// spread their tries.
    #[must_use]
    pub fn is_patient(&self) -> bool {
        let mean = self.beat.mean() + LOG_ORIGIN;
        let is_between = mean >= (SPREAD_MILLIS_MIN + GAP_FLOOR_MILLIS).log2()
            && mean <= (RETRY_MILLIS_MAX + GAP_FLOOR_MILLIS).log2();
        self.beat.count >= JITTERS_MIN && is_between && self.beat.deviation() <= JITTER_DEVIATION_MAX
    }

    /// Whether its pauses so far, two at least, would fit a slow beat.
    #[must_use]
    pub fn may_be_slow_metronome(&self) -> bool {
        self.beat.count >= 2.0 && self.is_steady(BEAT_MILLIS_MIN)
    }

    fn is_steady(&self, millis_min: f32) -> bool {
        let mean = self.beat.mean() + LOG_ORIGIN;
        // A log in whole seconds makes 3 and 4 of 3.3: half a second more or less is the clock's doing.
        let by_clock = CLOCK_MILLIS / (mean.exp2() * std::f32::consts::LN_2);
        mean >= (millis_min + GAP_FLOOR_MILLIS).log2()
            && self.beat.deviation() <= BEAT_DEVIATION_MAX + by_clock
    }

    /// Share of the gaps in the fullest bin.
    #[must_use]
    pub fn modal_share(&self) -> f32 {
        let total: f32 = self.bins.iter().map(|count| f32::from(*count)).sum();
        let most = self.bins.iter().max().copied().unwrap_or(0);
        if total < 1.0 { 0.0 } else { f32::from(most) / total }
    }
}

/// Shannon entropy of counts, in bits.
pub fn entropy(counts: impl Iterator<Item = f32> + Clone) -> f32 {
    let total: f32 = counts.clone().sum();
    if total <= 0.0 {
        return 0.0;
    }
    counts
        .filter(|count| *count > 0.0)
        .map(|count| -(count / total) * (count / total).log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metronome_has_no_entropy_and_a_person_has() {
        let mut monitor = Rhythm::default();
        let mut person = Rhythm::default();
        for step in 0..1000i64 {
            monitor.observe(60_000);
            person.observe((step * 7919) % 90_000);
        }
        assert!(monitor.entropy() < 0.01 && monitor.modal_share() > 0.99 && monitor.log_deviation() < 0.05);
        assert!(person.entropy() > 1.0 && person.modal_share() < 0.6);
    }

    #[test]
    fn gaps_of_any_size_are_taken() {
        let mut rhythm = Rhythm::default();
        rhythm.observe(i64::MAX);
        rhythm.observe(i64::MIN);
        assert!(rhythm.log_mean().is_finite() && rhythm.log_deviation().is_finite());
    }
}
