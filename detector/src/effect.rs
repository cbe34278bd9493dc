//! What the logs show of our blocks: whether gateways carry them out, and how soon.

use crate::detector::Detector;
use crate::score::Scorer;
use std::ops::AddAssign;

/// Upper bounds of the delays, in milliseconds, from a block's beginning to the first request that was refused by it.
pub const EFFECT_BOUNDS: [i64; 8] = [500, 1_000, 2_000, 5_000, 15_000, 60_000, 300_000, 3_600_000];

/// What one source's log shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effect {
    /// Requests of blocked clients that were refused.
    pub refused: u64,
    /// Requests of blocked clients that were answered with success although the block had been in force for longer than a gateway
    /// takes to learn of it.
    pub leaked: u64,
    /// Blocks by the delay until their client was refused first, by [`EFFECT_BOUNDS`], the last for all above. A client that sends
    /// nothing shows none.
    pub delays: [u64; EFFECT_BOUNDS.len() + 1],
    /// Sum of those delays, in milliseconds.
    pub delays_millis: u64,
}

impl Effect {
    fn note_delay(&mut self, millis: i64) {
        let bin = EFFECT_BOUNDS.iter().position(|bound| millis <= *bound);
        self.delays[bin.unwrap_or(EFFECT_BOUNDS.len())] += 1;
        self.delays_millis = self.delays_millis.saturating_add(millis.unsigned_abs());
    }
}

impl AddAssign<&Self> for Effect {
    fn add_assign(&mut self, other: &Self) {
        self.refused += other.refused;
        self.leaked += other.leaked;
        self.delays_millis = self.delays_millis.saturating_add(other.delays_millis);
        for (sum, more) in self.delays.iter_mut().zip(&other.delays) {
            *sum += more;
        }
    }
}

/// What the logs of all sources show, by the numbers of the sources: as many as an operator has partitions and logs. Since the
/// start: a checkpoint holds none of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Effects(Vec<Effect>);

impl Effects {
    /// Counts a request that was refused; `first_after` is the delay when it is the first of its block.
    pub(crate) fn refuse(&mut self, source: u32, first_after: Option<i64>) {
        let effect = self.of(source);
        effect.refused += 1;
        if let Some(millis) = first_after {
            effect.note_delay(millis);
        }
    }

    /// Counts a request that was served.
    pub(crate) fn leak(&mut self, source: u32) {
        self.of(source).leaked += 1;
    }

    fn of(&mut self, source: u32) -> &mut Effect {
        let place = source as usize;
        if place >= self.0.len() {
            self.0.resize(place + 1, Effect::default());
        }
        &mut self.0[place]
    }
}

impl<S: Scorer> Detector<S> {
    /// What each source's log shows of our blocks since the start, by its number.
    #[must_use]
    pub fn effects(&self) -> Vec<Effect> {
        let mut all: Vec<Effect> = Vec::new();
        for shard in &self.shards {
            let effects = &shard.effects.0;
            all.resize(all.len().max(effects.len()), Effect::default());
            for (sum, more) in all.iter_mut().zip(effects) {
                *sum += more;
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detector::Input;
    use crate::stage::Serial;
    use crate::testing::{Line, detector, feed};
    use domain::{Order, OrderKind, Timestamp};

    /// Requests of one client that a person has blocked after its first second: seconds, source, status.
    fn effects(requests: &[(i64, u32, u16)]) -> Vec<Effect> {
        let mut detector = detector(4096);
        let line = |&(second, source, status): &(i64, u32, u16)| Line {
            source,
            ..Line::new(second * 1000, 1, "/page", status)
        };
        feed(
            &mut detector,
            0,
            &[line(&(0, 0, 200)), line(&(1, 0, 200))],
            &Serial,
            &mut Vec::new(),
        );
        detector.flush(&mut Vec::new());
        detector.submit(Input::Order(Order {
            seq: 1,
            kind: OrderKind::Block { ttl_secs: 3600 },
            client: Line::new(0, 1, "/", 200).client(),
            reason: "it was tried".to_owned(),
            by: "somebody".to_owned(),
            from: "127.0.0.1".to_owned(),
            at: Timestamp::default(),
        }));
        detector.flush(&mut Vec::new());
        let lines: Vec<Line> = requests.iter().map(line).collect();
        feed(&mut detector, 2, &lines, &Serial, &mut Vec::new());
        detector.flush(&mut Vec::new());
        detector.effects()
    }

    #[test]
    fn a_gateway_that_refuses_shows_how_soon_and_only_the_first_time() {
        let effects = effects(&[(2, 0, 200), (3, 0, 403), (4, 0, 403), (5, 0, 444)]);
        let effect = effects[0];
        assert_eq!(
            (effect.refused, effect.leaked),
            (3, 0),
            "what it served at first it could not know"
        );
        assert_eq!(effect.delays.iter().sum::<u64>(), 1);
        assert_eq!(effect.delays_millis, 2_000);
    }

    #[test]
    fn one_that_serves_a_blocked_client_leaks_and_the_other_gateway_does_not() {
        let effects = effects(&[
            (2, 1, 403),
            (20, 0, 200),
            (21, 0, 200),
            (22, 1, 403),
            (23, 0, 404),
        ]);
        assert_eq!(
            (effects[0].refused, effects[0].leaked),
            (0, 2),
            "what is not there leaks nothing"
        );
        assert_eq!((effects[1].refused, effects[1].leaked), (2, 0));
    }
}
