//! What was seen of the models while they scored: for metrics, and for the list of models in the store.

use crate::challenger::{Agreement, BUDGET, Duel};
use crate::drift::Moved;
use api::{Exposition, MetricKind};
use detector::Scorer as _;
use detector::feature::FEATURES;
use domain::Timestamp;
use models::drift::{DRIFT_ROWS_MIN, PSI_LARGE};
use storage::{DriftDay, FeatureDrift, ModelAgreement, ModelDrift, ModelPart, ModelRecord, ModelWatch};

/// What was seen of the models so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Watch {
    /// How far the clients have moved; `None` before the first look.
    pub(super) moved: Option<Moved>,
    /// How alike the model that decides and its challenger are; `None` without a challenger.
    pub(super) agreement: Option<Agreement>,
}

impl Watch {
    /// What these models have seen.
    pub(super) fn of(duel: &Duel) -> Self {
        Self {
            moved: duel.moved(),
            agreement: duel.agreement(),
        }
    }

    /// Of the model that decides, for the list of models.
    pub(super) fn champion(&self, at: Timestamp) -> ModelWatch {
        ModelWatch {
            part: ModelPart::Champion,
            at_millis: at.as_millis(),
            agreement: None,
            drift: self.moved.as_ref().map(drift),
        }
    }

    /// The same, with the whole days that the next process goes on from.
    pub(super) fn champion_with_days(&self, duel: &Duel, at: Timestamp) -> ModelWatch {
        let mut watch = self.champion(at);
        if let Some(drift) = &mut watch.drift {
            let (reference, days) = duel.whole_days();
            drift.reference = reference;
            drift.days = days
                .into_iter()
                .map(|day| DriftDay {
                    day: day.number,
                    beyond: day.beyond,
                    counts: day.votes.counts().to_vec(),
                })
                .collect();
        }
        watch
    }

    /// Of the model that scores beside it.
    pub(super) fn challenger(&self, at: Timestamp) -> ModelWatch {
        ModelWatch {
            part: ModelPart::Challenger,
            at_millis: at.as_millis(),
            agreement: self.agreement.as_ref().map(agreement),
            drift: None,
        }
    }

    /// Writes the metrics. What is not known is absent: a 0 would say that nobody was beyond the budget, or nothing moved.
    pub(super) fn write(&self, out: &mut Exposition) {
        if let Some(agreement) = &self.agreement {
            write_agreement(agreement, out);
        }
        if let Some(moved) = &self.moved {
            write_drift(moved, out);
        }
    }
}

fn agreement(agreement: &Agreement) -> ModelAgreement {
    ModelAgreement {
        client_days: agreement.client_days,
        budget: BUDGET,
        both: agreement.both,
        champion_only: agreement.champion_only,
        challenger_only: agreement.challenger_only,
        rank: agreement.rank(),
    }
}

fn drift(moved: &Moved) -> ModelDrift {
    let site = |at: usize| moved.against_site.as_ref()?.get(at).copied();
    let indices = moved.against_model.iter().flatten();
    let features = FEATURES.iter().zip(indices).enumerate();
    ModelDrift {
        day: moved.day,
        is_whole: moved.is_whole,
        client_days: moved.client_days,
        beyond: moved.beyond,
        client_days_before: moved.client_days_before,
        large: PSI_LARGE,
        client_days_min: DRIFT_ROWS_MIN,
        features: features
            .map(|(at, (feature, model))| FeatureDrift {
                name: feature.name.to_owned(),
                model: *model,
                site: site(at),
            })
            .collect(),
        reference: String::new(),
        days: Vec::new(),
    }
}

/// Has a model go on from the whole days that another process counted by it.
pub(super) fn resume(duel: &Duel, known: &[ModelRecord]) {
    let record = known
        .iter()
        .find(|model| model.version == duel.champion().version());
    let drift = record.and_then(|model| model.watch.as_ref()?.drift.as_ref());
    if let Some(drift) = drift {
        let days = drift.days.iter();
        duel.resume(
            &drift.reference,
            days.map(|day| (day.day, day.beyond, day.counts.clone())),
        );
    }
}

fn write_agreement(agreement: &Agreement, out: &mut Exposition) {
    for (name, help, count) in [
        (
            "challenger_client_days",
            "Client-days since the start that a second model scored beside the one that decides.",
            agreement.client_days,
        ),
        (
            "challenger_beyond_both",
            "Of these, beyond a budget of 1,000 wrong blocks per million client-days for both models.",
            agreement.both,
        ),
        (
            "challenger_beyond_champion_only",
            "Of these, beyond it for the model that decides alone.",
            agreement.champion_only,
        ),
        (
            "challenger_beyond_challenger_only",
            "Of these, beyond it for the second model alone.",
            agreement.challenger_only,
        ),
    ] {
        out.add_one(MetricKind::Gauge, name, help, count as f64);
    }
    out.add_one(
        MetricKind::Counter,
        "challenger_left_out_total",
        "Looks that the two models were not compared by: too many clients in a day, or a day that was over.",
        agreement.left_out as f64,
    );
    if let Some(rank) = agreement.rank() {
        out.add_one(
            MetricKind::Gauge,
            "challenger_rank_agreement",
            "How alike the two models rank client-days: Kendall's tau-b, 1 for the same order, 0 for no more than chance.",
            rank,
        );
    }
}

fn write_drift(moved: &Moved, out: &mut Exposition) {
    out.add(
        MetricKind::Gauge,
        "drift_client_days",
        "Client-days of the day that drift is told by: counted, beyond the budget and not counted, and of the days before.",
        &[
            (&[("kind", "counted")], moved.client_days as f64),
            (&[("kind", "beyond")], moved.beyond as f64),
            (&[("kind", "before")], moved.client_days_before as f64),
        ],
    );
    let against = [("model", &moved.against_model), ("site", &moved.against_site)];
    let mut labels: Vec<([(&str, &str); 2], f64)> = Vec::new();
    for (name, indices) in against {
        let indices = indices.iter().flatten();
        let pairs = FEATURES.iter().zip(indices);
        labels.extend(pairs.map(|(feature, index)| ([("feature", feature.name), ("against", name)], *index)));
    }
    if labels.is_empty() {
        return;
    }
    let values: Vec<(&[(&str, &str)], f64)> = labels
        .iter()
        .map(|(labels, index)| (labels.as_slice(), *index))
        .collect();
    out.add(
        MetricKind::Gauge,
        "feature_drift",
        "Population stability index of a feature: against the model's training, and against this site's days before. 0.25 is much.",
        &values,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use detector::{Score, Windows};

    fn text(watch: &Watch) -> String {
        let mut out = Exposition::default();
        watch.write(&mut out);
        out.into_text()
    }

    fn moved(site: Option<f64>) -> Moved {
        let every = |index: f64| vec![index; FEATURES.len()];
        Moved {
            day: 20_000,
            is_whole: true,
            client_days: 700,
            beyond: 2,
            client_days_before: 4000,
            against_model: Some(every(1.5)),
            against_site: site.map(every),
        }
    }

    #[test]
    fn what_is_not_known_is_absent_from_the_metrics() {
        assert_eq!(text(&Watch::default()), "");
        let without = Watch {
            moved: Some(moved(None)),
            agreement: None,
        };
        let told = text(&without);
        assert!(
            !told.contains("challenger") && !told.contains("against=\"site\""),
            "{told}"
        );
        let name = FEATURES[0].name;
        let line = format!("portcullis_feature_drift{{feature=\"{name}\",against=\"model\"}} 1.5\n");
        assert!(told.contains(&line), "{told}");
        assert!(
            told.contains("portcullis_drift_client_days{kind=\"beyond\"} 2\n"),
            "{told}"
        );
        let with = Watch {
            moved: None,
            agreement: Some(Agreement::default()),
        };
        let told = text(&with);
        assert!(told.contains("portcullis_challenger_client_days 0\n"), "{told}");
        assert!(
            !told.contains("rank_agreement") && !told.contains("drift"),
            "{told}"
        );
    }

    #[test]
    fn the_next_process_goes_on_from_what_the_list_of_models_holds() {
        let duel = || Duel::load(None, None).unwrap();
        let first = duel();
        let row: Vec<f32> = FEATURES.iter().map(|_| 1.0).collect();
        for day in 1..5 {
            let windows = Windows {
                rows: &row,
                requests: &[24],
                clients: &[7],
                days: &[day],
            };
            first.score(windows, &mut [Score::default()]);
        }
        let now = Timestamp::from_secs(9);
        let mut record = ModelRecord {
            version: first.version().to_owned(),
            created_at: now,
            activated_at: Some(now),
            retired_at: None,
            card: serde_json::json!({}),
            watch: Some(Watch::of(&first).champion_with_days(&first, now)),
        };
        let next = duel();
        resume(&next, std::slice::from_ref(&record));
        let (_, days) = next.whole_days();
        assert_eq!(next.whole_days(), first.whole_days());
        let numbers: Vec<i64> = days.iter().map(|day| day.number).collect();
        assert_eq!(numbers, [3, 2]);
        // Counts in the bins of another model mean nothing.
        if let Some(drift) = record.watch.as_mut().and_then(|watch| watch.drift.as_mut()) {
            drift.reference = "another".to_owned();
        }
        let other = duel();
        resume(&other, &[record]);
        assert_eq!(other.whole_days().1, []);
    }

    #[test]
    fn the_list_of_models_gets_every_feature_by_its_name() {
        let watch = Watch {
            moved: Some(moved(Some(0.3))),
            agreement: None,
        };
        let drift = watch.champion(Timestamp::from_secs(9)).drift.unwrap();
        assert_eq!(drift.features.len(), FEATURES.len());
        let last = drift.features.last().unwrap();
        assert_eq!(
            (last.name.as_str(), last.model, last.site),
            (FEATURES[FEATURES.len() - 1].name, 1.5, Some(0.3))
        );
        assert_eq!(watch.challenger(Timestamp::from_secs(9)).drift, None);
    }
}
