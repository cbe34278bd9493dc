//! What was seen of a model while it scored: by the process that detects, for those that show it.

use serde::{Deserialize, Serialize};

/// Longest watch of a model, in bytes: eight days of a hundred features take a quarter.
pub const MODEL_WATCH_BYTES_MAX: usize = 256 * 1024;

/// What was seen of a model while it scored. The comparison begins anew with the process that detects; whole days are gone
/// on from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelWatch {
    /// Whether it decides.
    pub part: ModelPart,
    /// When this was written, in milliseconds since 1970.
    pub at_millis: i64,
    /// Of a challenger: how alike it is to the champion; `None` as long as nothing is compared.
    pub agreement: Option<ModelAgreement>,
    /// Of the champion: how far the clients have moved; `None` before the first look.
    pub drift: Option<ModelDrift>,
}

/// What a model does while it scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelPart {
    /// It decides.
    Champion,
    /// It scores beside the champion and decides nothing.
    Challenger,
}

/// How alike a challenger and the champion are, in client-days.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ModelAgreement {
    /// Client-days that both scored.
    pub client_days: u64,
    /// The budget at which they are compared, in wrongly blocked clients per million client-days.
    pub budget: f64,
    /// Client-days beyond it for both.
    pub both: u64,
    /// Beyond it for the champion alone.
    pub champion_only: u64,
    /// Beyond it for the challenger alone.
    pub challenger_only: u64,
    /// How alike they rank: Kendall's τ-b; `None` while one of them ranks nothing.
    pub rank: Option<f64>,
}

/// How far the clients of a site have moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelDrift {
    /// The day, counted from 1970.
    pub day: i64,
    /// Whether it is over, and was seen whole.
    pub is_whole: bool,
    /// Client-days that were counted.
    pub client_days: u64,
    /// Client-days beyond the budget, which were not.
    pub beyond: u64,
    /// Client-days of the whole days before, which it is held against.
    pub client_days_before: u64,
    /// From this index on a feature has moved by much.
    pub large: f64,
    /// So many client-days it takes, on either side, to compare.
    pub client_days_min: u64,
    /// Each feature that could be compared.
    pub features: Vec<FeatureDrift>,
    /// Tells in whose bins the days are counted.
    pub reference: String,
    /// The whole days that are known, the last one first: the next process goes on from them.
    pub days: Vec<DriftDay>,
}

/// One whole day's clients, counted into the bins of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftDay {
    /// The day, counted from 1970.
    pub day: i64,
    /// Client-days beyond the budget, which were not counted.
    pub beyond: u64,
    /// The count of each bin, feature by feature.
    pub counts: Vec<Vec<u64>>,
}

/// How far the clients have moved in one feature: a population stability index, 0 for not at all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureDrift {
    /// The feature's name.
    pub name: String,
    /// Since the model was trained.
    pub model: f64,
    /// Since the days before; `None` while too few are known.
    pub site: Option<f64>,
}
