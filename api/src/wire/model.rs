//! Models in JSON: what they are, what they do, and what was seen of them while they scored.

use super::shown;
use crate::neutral::neutralise_json;
use domain::Timestamp;
use serde::Serialize;
use storage::{FeatureDrift, ModelAgreement, ModelDrift, ModelPart, ModelRecord, ModelWatch};
use utoipa::ToSchema;

/// Seconds of a day.
const DAY_SECS: i64 = 86_400;

/// A model that was or is in use.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelView {
    /// Its version name.
    version: String,
    /// When this installation first used it.
    created_at: String,
    /// When it began to score.
    activated_at: Option<String>,
    /// When another took over.
    retired_at: Option<String>,
    /// What it does now: `champion` decides, `challenger` scores beside it and decides nothing; null when it does neither.
    role: Option<String>,
    /// When this was seen of it while it scored.
    watched_at: Option<String>,
    /// Of a challenger: how alike it is to the champion.
    agreement: Option<AgreementView>,
    /// Of the champion: how far this site's clients have moved.
    drift: Option<DriftView>,
    /// Its card.
    card: serde_json::Value,
}

/// How alike a challenger and the champion are, in client-days since the start, each client by its highest score of the day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgreementView {
    /// Client-days that both scored.
    client_days: u64,
    /// The budget at which they are compared, in wrongly blocked clients per million client-days.
    budget: f64,
    /// Client-days beyond it for both.
    both: u64,
    /// Beyond it for the champion alone.
    champion_only: u64,
    /// Beyond it for the challenger alone.
    challenger_only: u64,
    /// How alike they rank: Kendall's tau-b, from 1 (the same order) past 0 (no more than chance) to −1; null while one of
    /// them ranks nothing.
    rank: Option<f64>,
}

/// How far the clients of this site have moved, by the last whole day; by the present one as long as none is over.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DriftView {
    /// The day, in UTC.
    day: String,
    /// Whether it is over, and was seen whole.
    is_whole: bool,
    /// Client-days that were counted.
    client_days: u64,
    /// Client-days that the model finds beyond the budget, and that were not counted.
    beyond: u64,
    /// Client-days of up to seven whole days before.
    client_days_before: u64,
    /// So many client-days it takes, on either side, to compare.
    client_days_min: u64,
    /// From this index on a feature has moved by much.
    large: f64,
    /// Names of the features that have moved by much since the days before.
    alarms: Vec<String>,
    /// Each feature, what moved most since the days before first; then what moved most since training.
    features: Vec<FeatureDriftView>,
}

/// How far the clients have moved in one feature: a population stability index, 0 for not at all.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeatureDriftView {
    /// The feature's name.
    feature: String,
    /// Since the model was trained.
    model: f64,
    /// Since the days before; null while too few are known.
    site: Option<f64>,
}

impl ModelView {
    pub(crate) fn new(model: &ModelRecord) -> Self {
        let watch = model.watch.as_ref();
        Self {
            version: shown(&model.version),
            created_at: model.created_at.to_string(),
            activated_at: model.activated_at.map(|at| at.to_string()),
            retired_at: model.retired_at.map(|at| at.to_string()),
            role: watch.map(|watch| role(watch).to_owned()),
            watched_at: watch.map(|watch| Timestamp::from_millis(watch.at_millis).to_string()),
            agreement: watch.and_then(|watch| watch.agreement.as_ref().map(AgreementView::new)),
            drift: watch.and_then(|watch| watch.drift.as_ref().map(DriftView::new)),
            card: neutralise_json(model.card.clone()),
        }
    }
}

const fn role(watch: &ModelWatch) -> &'static str {
    match watch.part {
        ModelPart::Champion => "champion",
        ModelPart::Challenger => "challenger",
    }
}

impl AgreementView {
    const fn new(agreement: &ModelAgreement) -> Self {
        Self {
            client_days: agreement.client_days,
            budget: agreement.budget,
            both: agreement.both,
            champion_only: agreement.champion_only,
            challenger_only: agreement.challenger_only,
            rank: agreement.rank,
        }
    }
}

impl DriftView {
    fn new(drift: &ModelDrift) -> Self {
        let mut features: Vec<&FeatureDrift> = drift.features.iter().collect();
        features.sort_by(|left, right| {
            let key = |feature: &FeatureDrift| (feature.site.unwrap_or(0.0), feature.model);
            let (left, right) = (key(left), key(right));
            right.0.total_cmp(&left.0).then(right.1.total_cmp(&left.1))
        });
        let has_moved = |feature: &&&FeatureDrift| feature.site.is_some_and(|site| site > drift.large);
        let midnight = Timestamp::from_secs(drift.day.saturating_mul(DAY_SECS)).to_string();
        Self {
            day: midnight.split('T').next().unwrap_or_default().to_owned(),
            is_whole: drift.is_whole,
            client_days: drift.client_days,
            beyond: drift.beyond,
            client_days_before: drift.client_days_before,
            client_days_min: drift.client_days_min,
            large: drift.large,
            alarms: features
                .iter()
                .filter(has_moved)
                .map(|feature| shown(&feature.name))
                .collect(),
            features: features.into_iter().map(FeatureDriftView::new).collect(),
        }
    }
}

impl FeatureDriftView {
    fn new(drift: &FeatureDrift) -> Self {
        Self {
            feature: shown(&drift.name),
            model: drift.model,
            site: drift.site,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(watch: Option<ModelWatch>) -> ModelRecord {
        ModelRecord {
            version: "of-june".to_owned(),
            created_at: Timestamp::from_secs(0),
            activated_at: None,
            retired_at: None,
            card: json!({}),
            watch,
        }
    }

    #[test]
    fn a_model_that_nobody_looks_at_has_no_role() {
        let view = serde_json::to_value(ModelView::new(&record(None))).unwrap();
        for name in ["role", "watched_at", "agreement", "drift"] {
            assert_eq!(view[name], json!(null), "{name}");
        }
    }

    #[test]
    fn what_moved_most_stands_first_and_what_moved_by_much_is_named() {
        let feature = |name: &str, model, site| FeatureDrift {
            name: name.to_owned(),
            model,
            site,
        };
        let drift = ModelDrift {
            day: 20_000,
            is_whole: true,
            client_days: 900,
            beyond: 4,
            client_days_before: 6000,
            large: 0.25,
            client_days_min: 500,
            features: vec![
                feature("far", 9.0, Some(0.1)),
                feature("moved", 0.1, Some(0.7)),
                feature("still", 0.2, Some(0.1)),
            ],
            reference: String::new(),
            days: Vec::new(),
        };
        let watch = ModelWatch {
            part: ModelPart::Champion,
            at_millis: 20_001 * DAY_SECS * 1000,
            agreement: None,
            drift: Some(drift),
        };
        let view = serde_json::to_value(ModelView::new(&record(Some(watch)))).unwrap();
        assert_eq!(view["role"], "champion");
        assert_eq!(view["drift"]["day"], "2024-10-04");
        assert_eq!(view["drift"]["alarms"], json!(["moved"]));
        let order: Vec<&str> = view["drift"]["features"]
            .as_array()
            .unwrap()
            .iter()
            .map(|feature| feature["feature"].as_str().unwrap())
            .collect();
        assert_eq!(order, ["moved", "far", "still"]);
    }
}
