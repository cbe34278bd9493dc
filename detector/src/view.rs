//! What is known of one client, as plain values for a person's eyes. Reading it changes nothing.

use crate::detector::Detector;
use crate::feature::{self, FEATURES};
use crate::population::day_of;
use crate::score::{Score, Scorer, Windows};
use crate::source::window_keys;
use crate::stage::client::{Shard, Slot};
use crate::threat;
use crate::window::Window;
use crate::window::decay::HALF_LIVES_MILLIS;
use domain::{Client, Evidence, ThreatClaim, Timestamp};

/// What is known of one client.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientView {
    /// Who.
    pub client: Client,
    /// Its first request.
    pub first_seen: Timestamp,
    /// Its latest request that counted.
    pub last_seen: Timestamp,
    /// Requests that counted, since it was first remembered.
    pub requests: u64,
    /// Those of them answered with 4xx or 5xx.
    pub failed: u64,
    /// Requests that we stopped; they count nowhere else.
    pub stopped: u64,
    /// How busy it is, over each horizon, the shortest first.
    pub horizons: Vec<HorizonView>,
    /// Every feature, in the list's order.
    pub features: Vec<FeatureView>,
    /// What the model says of it now, and how few clients of this site score as high.
    pub score: Score,
    /// How suspicious its acts are: the sum of their points, 0 for nothing.
    pub rank: f32,
    /// What its acts name, surest first, by evidence alone.
    pub claims: Vec<ThreatClaim>,
    /// Whether it has a successful history, so that blocking it has a price.
    pub is_established: bool,
    /// Whether its address was only claimed by an untrusted hop: it is shown and never acted on.
    pub is_claimed: bool,
    /// Until when a block of it is in force; may lie in the past.
    pub blocked_until: Option<Timestamp>,
    /// The requests that show why it stands out, in order of time; empty for whoever does not. Text as logged.
    pub evidence: Vec<Evidence>,
}

/// How busy a client is over one horizon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HorizonView {
    /// The half-life of the horizon's counters, in seconds.
    pub half_life_secs: f32,
    /// Requests, decayed to the client's latest one.
    pub requests: f32,
    /// Those of them that failed by the client's doing (4xx), decayed likewise.
    pub errors: f32,
    /// The rate per second that the decayed count stands for.
    pub requests_per_second: f32,
}

/// One feature of a client beside clean clients, in the feature's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureView {
    /// Public name.
    pub name: &'static str,
    /// Unit of the values.
    pub unit: &'static str,
    /// The client's value.
    pub value: f32,
    /// The median of clean clients; `None` when the model does not know.
    pub typical: Option<f32>,
    /// What 99.9% of clean clients stay on the other side of; `None` when the model does not know.
    pub extreme: Option<f32>,
    /// Its share of the score, from 0 to 1.
    pub contribution: f32,
}

impl<S: Scorer> Detector<S> {
    /// Shows what is known of a client; `None` when it is not remembered. Requests of the open tick are included. Of
    /// several windows, the one of the most trusted sources is shown.
    #[must_use]
    pub fn client_view(&self, client: &Client) -> Option<ClientView> {
        let (shard, slot) = self.find(client)?;
        let mut row = Vec::with_capacity(feature::COUNT);
        feature::extract(&slot.window, &mut row);
        let score = self.score_of(slot, &row);
        let mut evidence = shard.suspects.of(slot.key).to_vec();
        evidence.sort_by_key(|entry| (entry.at, entry.position.source, entry.position.line));
        Some(ClientView {
            client: slot.client.clone(),
            first_seen: Timestamp::from_millis(slot.window.first_millis),
            last_seen: Timestamp::from_millis(slot.window.last_millis),
            requests: slot.window.requests,
            failed: u64::from(slot.window.failed),
            stopped: u64::from(slot.window.stopped),
            horizons: horizons(&slot.window),
            features: features(&self.scorer, &row, slot.window.requests),
            score,
            rank: slot.window.suspicion.rank(),
            claims: claims(&slot.window),
            is_established: slot.is_established,
            is_claimed: slot.is_claimed,
            blocked_until: slot.blocked.map(|block| block.until),
            evidence,
        })
    }

    /// The client's features now, in the list's order, without what the model thinks of them; `None` when it is not
    /// remembered.
    #[must_use]
    pub fn features_of(&self, client: &Client) -> Option<Vec<f32>> {
        let (_, slot) = self.find(client)?;
        let mut row = Vec::with_capacity(feature::COUNT);
        feature::extract(&slot.window, &mut row);
        Some(row)
    }

    /// The client's window of the most trusted sources.
    pub(crate) fn find(&self, client: &Client) -> Option<(&Shard, &Slot)> {
        let owner = self.owner_of(client);
        window_keys(&self.settings.hash_key, owner).find_map(|key| {
            let shard = &self.shards[Shard::of(key)];
            Some((shard, shard.slots.find(key)?))
        })
    }

    /// The less unusual of what the model and this site's own spread say, as for an alert.
    fn score_of(&self, slot: &Slot, row: &[f32]) -> Score {
        let mut scores = [Score::default()];
        let windows = Windows {
            rows: row,
            requests: &[u32::try_from(slot.window.requests).unwrap_or(u32::MAX)],
            clients: &[slot.key],
            days: &[day_of(Timestamp::from_millis(slot.window.last_millis))],
        };
        self.scorer.peek(windows, &mut scores);
        let [mut score] = scores;
        if let Some(local) = self.memory.population.scores.p_value(score.value) {
            score.p_value = score.p_value.max(local);
        }
        score
    }
}

fn claims(window: &Window) -> Vec<ThreatClaim> {
    let claims = threat::assess(window).into_iter();
    claims
        .map(|(_, claim)| ThreatClaim {
            kind: claim.kind,
            confidence: claim.confidence,
        })
        .collect()
}

fn horizons(window: &Window) -> Vec<HorizonView> {
    (0..HALF_LIVES_MILLIS.len())
        .map(|horizon| HorizonView {
            half_life_secs: HALF_LIVES_MILLIS[horizon] / 1000.0,
            requests: window.rate[horizon],
            errors: window.errors[horizon],
            requests_per_second: window.rate_per_second(horizon),
        })
        .collect()
}

fn features(scorer: &impl Scorer, row: &[f32], requests: u64) -> Vec<FeatureView> {
    let contributions = scorer.explain(row, requests, feature::COUNT);
    let share = |place| {
        let of_place = contributions.iter().find(|entry| entry.feature == place);
        of_place.map_or(0.0, |entry| entry.share)
    };
    FEATURES
        .iter()
        .zip(row)
        .enumerate()
        .map(|(place, (feature, value))| {
            let standing = scorer.standing(place, *value);
            FeatureView {
                name: feature.name,
                unit: feature.unit,
                value: feature.scale.unbend(*value),
                typical: standing.map(|standing| feature.scale.unbend(standing.typical)),
                extreme: standing.map(|standing| feature.scale.unbend(standing.extreme)),
                contribution: share(place),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::stage::Serial;
    use crate::testing::{Line, detector, run};
    use domain::Timestamp;

    #[test]
    fn a_scanner_is_shown_with_what_it_asked_for() {
        let mut detector = detector(1000);
        let lines: Vec<Line> = (0..12)
            .map(|step| Line::new(step * 1000, 9, &format!("/.git/config{step}"), 404))
            .collect();
        run(&mut detector, &lines, &Serial);
        let view = detector.client_view(&lines[0].client()).unwrap();
        assert_eq!((view.requests, view.failed, view.stopped), (12, 12, 0));
        assert_eq!(view.first_seen, Timestamp::from_millis(lines[0].millis));
        assert_eq!(view.last_seen, Timestamp::from_millis(lines[11].millis));
        assert_eq!(view.features.len(), crate::feature::COUNT);
        assert!(view.rank > 0.0 && !view.claims.is_empty() && !view.evidence.is_empty());
        assert!(view.horizons[0].requests < view.horizons[2].requests);
        assert!(view.features.iter().all(|feature| feature.value.is_finite()));
    }

    #[test]
    fn a_client_that_is_not_remembered_has_no_view() {
        let detector = detector(1000);
        assert_eq!(detector.client_view(&Line::new(0, 9, "/", 200).client()), None);
    }
}
