//! What a choice of features is worth: a model fitted to clean traffic with them, and how it ranks traffic with attacks.

use crate::play::{KEY, Traffic};
use anyhow::{Context as _, Result};
use detector::feature::{COUNT, Direction, FEATURES};
use models::bundle::{BundleParams, ClientScore, ModelBundle};
use models::evaluation::area_under_roc;
use models::schema::{Feature, FeatureSchema};
use models::training::TrainingSet;

/// Shares of the clean client-days that lie beyond the threshold at which recall is measured.
const EXCEEDED: [f64; 2] = [0.01, 0.001];

/// Figures of one choice on the traffic of one seed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Worth {
    /// Area under the ROC curve of client-days by their highest score; then recall at each of [`EXCEEDED`].
    pub(crate) figures: [f64; 3],
}

/// Fits a bundle to the chosen features as `train` does, and ranks the labelled client-days.
pub(crate) fn worth(traffic: &Traffic, chosen: &[usize], seed: u64) -> Result<Worth> {
    rank(&highest(traffic, chosen, seed)?, &traffic.labelled.is_attack)
}

/// The labelled client-days' highest scores by a bundle that is fitted to the chosen features.
pub(crate) fn highest(traffic: &Traffic, chosen: &[usize], seed: u64) -> Result<Vec<f32>> {
    let clean = &traffic.clean;
    let set = TrainingSet::new(
        schema(chosen)?,
        columns(&clean.values, chosen),
        clean.requests.clone(),
        clean.client_days(&KEY),
        "ablation".to_owned(),
    )?
    .with_days(clean.days.clone())?;
    let bundle = ModelBundle::fit(&set, &BundleParams::new("ablation", seed))?;
    let rows = &traffic.labelled.rows;
    let mut scores = vec![ClientScore::default(); rows.requests.len()];
    bundle.score(&columns(&rows.values, chosen), &rows.requests, &mut scores)?;
    let scores: Vec<f32> = scores.iter().map(|score| score.score).collect();
    Ok(traffic.labelled.highest(&scores))
}

fn rank(highest: &[f32], is_attack: &[bool]) -> Result<Worth> {
    let area = area_under_roc(highest, is_attack).context("the traffic holds one class only")?;
    let [at_hundredth, at_thousandth] = EXCEEDED.map(|share| recall_at(highest, is_attack, share));
    Ok(Worth {
        figures: [area, at_hundredth, at_thousandth],
    })
}

/// Share of the positives above what that share of the negatives exceeds; of those that share one score with the last of
/// them, as many as a lot would take.
fn recall_at(scores: &[f32], is_positive: &[bool], share: f64) -> f64 {
    let mut ranked: Vec<(f32, bool)> = scores.iter().copied().zip(is_positive.iter().copied()).collect();
    ranked.sort_unstable_by(|left, right| right.0.total_cmp(&left.0));
    let positives = is_positive.iter().filter(|positive| **positive).count() as f64;
    let (mut allowed, mut found) = ((ranked.len() as f64 - positives) * share, 0.0);
    for tied in ranked.chunk_by(|left, right| left.0 == right.0) {
        let hits = tied.iter().filter(|(_, positive)| *positive).count() as f64;
        let mistakes = tied.len() as f64 - hits;
        if mistakes > allowed {
            found += hits * allowed / mistakes;
            break;
        }
        allowed -= mistakes;
        found += hits;
    }
    found / positives.max(1.0)
}

/// The schema of the chosen features.
fn schema(chosen: &[usize]) -> Result<FeatureSchema> {
    let of = |place: &usize| Feature {
        name: FEATURES[*place].name.to_owned(),
        direction: match FEATURES[*place].direction {
            Direction::Up => models::schema::Direction::Up,
            Direction::Down => models::schema::Direction::Down,
            Direction::Both => models::schema::Direction::Both,
        },
    };
    Ok(FeatureSchema::new(chosen.iter().map(of).collect(), 0)?)
}

/// The chosen columns of rows of all features.
fn columns(values: &[f32], chosen: &[usize]) -> Vec<f32> {
    let rows = values.chunks_exact(COUNT);
    rows.flat_map(|row| chosen.iter().map(|place| row[*place]))
        .collect()
}
