//! How likely people would call an alert an attack, by what they said of earlier ones. It orders a list, and decides nothing.

use api::AlertRanker;
use models::logistic::Logistic;
use std::collections::{BTreeMap, BTreeSet};
use storage::{StoredAlert, StoredReason};

/// The rarest p-value that is told from rarer ones, in powers of ten.
const RAREST: f64 = 12.0;

/// Requests at which a client is as large as any, in powers of e: three million.
const LARGEST: f64 = 15.0;

/// Learns anew from every verdict each time: there is no state that could be lost or spoilt.
pub(crate) struct VerdictRanker;

impl AlertRanker for VerdictRanker {
    fn rank(&self, judged: &[StoredAlert], open: &[StoredAlert]) -> Option<Vec<f32>> {
        let known: Vec<BTreeMap<String, f32>> = judged.iter().map(terms).collect();
        // What no judged alert shows has no weight.
        let names: BTreeSet<&str> = known.iter().flatten().map(|(name, _)| name.as_str()).collect();
        let row = |terms: &BTreeMap<String, f32>| -> Vec<f32> {
            let value = |name: &&str| terms.get(*name).copied().unwrap_or_default();
            names.iter().map(value).collect()
        };
        let rows: Vec<f32> = known.iter().flat_map(row).collect();
        let is_attack = |alert: &StoredAlert| {
            let verdict = alert.verdict.as_ref();
            verdict.is_some_and(|verdict| verdict.judgement == domain::Judgement::Attack)
        };
        let targets: Vec<bool> = judged.iter().map(is_attack).collect();
        let model = match Logistic::learn(&rows, names.len(), &targets) {
            Ok(model) => model,
            Err(error) => {
                tracing::warn!(%error, "could not learn from the verdicts: {error}");
                return None;
            }
        };
        let rows: Vec<f32> = open.iter().map(terms).flat_map(|terms| row(&terms)).collect();
        let mut likelihoods = vec![0.0; open.len()];
        model.likelihood_rows(&rows, &mut likelihoods).ok()?;
        Some(likelihoods)
    }
}

/// What an alert says of itself, by name, each from −1 to 1. Nothing of who the client is: people judge acts, and an address
/// is somebody else's next week.
fn terms(alert: &StoredAlert) -> BTreeMap<String, f32> {
    let mut terms = BTreeMap::new();
    for threat in &alert.threats {
        terms.insert(format!("threat {}", threat.kind), threat.confidence);
    }
    for reason in &alert.reasons {
        terms.insert(format!("reason {}", reason.feature), signed_share(reason));
    }
    let rarity = -alert.p_value.max(f64::MIN_POSITIVE).log10() / RAREST;
    let requests = (alert.requests_before_alert as f64).ln_1p() / LARGEST;
    terms.insert("score".to_owned(), alert.score);
    terms.insert("rarity".to_owned(), rarity as f32);
    terms.insert("requests".to_owned(), requests as f32);
    terms.insert(
        "campaign".to_owned(),
        f32::from(u8::from(alert.members_in_all > 0)),
    );
    terms.retain(|_, value| value.is_finite());
    terms
        .values_mut()
        .for_each(|value| *value = value.clamp(-1.0, 1.0));
    terms
}

/// A feature's share of the score: below zero where the client shows less of it than others do.
fn signed_share(reason: &StoredReason) -> f32 {
    match reason.value < reason.typical {
        true => -reason.contribution,
        false => reason.contribution,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        Action, Alert, Client, DecisionId, Judgement, Reason, Scope, ThreatClaim, ThreatKind, Timestamp,
    };
    use storage::StoredVerdict;

    fn alert(number: u8, kind: ThreatKind, feature: &'static str) -> StoredAlert {
        let at = Timestamp::from_secs(1_800_000_000 + i64::from(number));
        let alert = Alert {
            id: DecisionId([number; 16]),
            client: Client::parse(Scope::Ip, &format!("203.0.113.{number}")).unwrap(),
            threats: vec![ThreatClaim {
                kind,
                confidence: 0.8,
            }],
            score: 0.9,
            p_value: 1e-4,
            action: Action::Observe,
            first_seen: at,
            alerted_at: at,
            action_at: None,
            requests_before_alert: 20,
            requests_before_action: None,
            reasons: vec![Reason {
                feature,
                value: f32::INFINITY,
                typical: 1.0,
                contribution: 0.5,
                sentence: String::new(),
            }],
            what_if: Vec::new(),
            evidence: Vec::new(),
            held_back: None,
            model: String::new(),
            members: Vec::new(),
            completeness: None,
        };
        StoredAlert::new(&alert, at)
    }

    fn judged(alert: StoredAlert, judgement: Judgement) -> StoredAlert {
        let verdict = StoredVerdict {
            judgement,
            by: "mira".to_owned(),
            at: alert.alerted_at,
            reason: "a test".to_owned(),
        };
        StoredAlert {
            verdict: Some(verdict),
            ..alert
        }
    }

    /// Scraping is called harmless here as a rule, and an attack where the client sends no referer.
    fn verdicts() -> Vec<StoredAlert> {
        let known = |number: u8| match number % 3 {
            0 => judged(
                alert(number, ThreatKind::Injection, "path_depth"),
                Judgement::Attack,
            ),
            1 => judged(
                alert(number, ThreatKind::Scraping, "referer_ratio"),
                Judgement::Attack,
            ),
            _ => judged(
                alert(number, ThreatKind::Scraping, "path_depth"),
                Judgement::FalsePositive,
            ),
        };
        (0..30).map(known).collect()
    }

    #[test]
    fn alerts_like_those_that_were_called_attacks_come_first() {
        let open = [
            alert(101, ThreatKind::Scraping, "path_depth"),
            alert(102, ThreatKind::Injection, "path_depth"),
            alert(103, ThreatKind::Scraping, "referer_ratio"),
            alert(104, ThreatKind::TokenAbuse, "never_seen"),
        ];
        let likelihoods = VerdictRanker.rank(&verdicts(), &open).unwrap();
        assert!(
            likelihoods
                .iter()
                .all(|likelihood| (0.0..=1.0).contains(likelihood))
        );
        let [harmless, injection, no_referer, unknown] = likelihoods[..] else {
            panic!("one for each: {likelihoods:?}");
        };
        assert!(
            harmless < 0.5 && injection > 0.5 && no_referer > 0.5,
            "{likelihoods:?}"
        );
        // Of what nobody has judged the share of attacks among verdicts is all that is known.
        assert!(harmless < unknown && unknown < injection, "{likelihoods:?}");
    }

    #[test]
    fn the_same_verdicts_say_the_same_in_any_order() {
        let open = [alert(101, ThreatKind::Scraping, "path_depth")];
        let mut known = verdicts();
        let before = VerdictRanker.rank(&known, &open).unwrap();
        assert_eq!(VerdictRanker.rank(&known, &open).unwrap(), before);
        known.reverse();
        let after = VerdictRanker.rank(&known, &open).unwrap();
        assert!((before[0] - after[0]).abs() < 1e-6, "{before:?} {after:?}");
    }

    #[test]
    fn verdicts_of_one_kind_teach_nothing() {
        let attacks: Vec<StoredAlert> = (0..30)
            .map(|number| {
                judged(
                    alert(number, ThreatKind::Scraping, "path_depth"),
                    Judgement::Attack,
                )
            })
            .collect();
        assert_eq!(VerdictRanker.rank(&attacks, &[]), None);
        assert_eq!(VerdictRanker.rank(&[], &[]), None);
    }
}
