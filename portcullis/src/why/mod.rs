//! One client on one screen: what was seen of it, how it scored, what was missing for a block, what held one back.

mod log;
mod missing;
mod service;
mod text;

pub(crate) use log::from_files;
pub(crate) use service::from_service;
pub(crate) use text::write;

use detector::policy::PolicySettings;
use domain::Client;
use serde::Serialize;

/// Features that are shown: those furthest from usual.
const FEATURES_SHOWN: usize = 5;

/// Requests that are shown.
const EVIDENCE_SHOWN: usize = 6;

/// Everything that is said about one client. Text from the log is as logged: whoever prints it neutralises it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Screen {
    /// Who.
    pub client: ClientForm,
    /// All its requests, those included that were stopped; `None` when nobody counted.
    pub requests: Option<u64>,
    /// Requests that a block stopped, or would have stopped.
    pub stopped: Option<u64>,
    /// Requests answered with 4xx or 5xx.
    pub failed: Option<u64>,
    /// Its first request.
    pub first_seen: Option<String>,
    /// Its latest request that counted.
    pub last_seen: Option<String>,
    /// How unlike clean clients, from 0 to 1.
    pub score: Option<f64>,
    /// Chance of such a score in a clean client.
    pub p_value: Option<f64>,
    /// Confidences from which something is done.
    pub thresholds: Option<Thresholds>,
    /// What its acts name, surest first.
    pub threats: Vec<ThreatForm>,
    /// How much there is of each kind of evidence.
    pub kinds_of_evidence: Vec<AmountForm>,
    /// The strongest action that was taken; `None` when it was never alerted on.
    pub action: Option<String>,
    /// When.
    pub action_at: Option<String>,
    /// Its requests up to then.
    pub requests_before_action: Option<u64>,
    /// The action that the evidence asks for.
    pub wanted: Option<String>,
    /// What held a stronger action back, or would.
    pub held_back: Vec<String>,
    /// What was missing for a block, in sentences.
    pub missing_for_block: Vec<String>,
    /// What else matters: campaigns, blocks in force, orders.
    pub notes: Vec<String>,
    /// The features furthest from usual.
    pub features: Vec<FeatureForm>,
    /// The requests that weighed most.
    pub evidence: Vec<EvidenceForm>,
    /// What the log could not show.
    pub blind_spots: Vec<String>,
    /// What was wrong with files as a whole: not everything was read.
    pub problems: Vec<String>,
}

/// A client as the public contract has it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ClientForm {
    /// What kind of thing the value names.
    pub scope: &'static str,
    /// Address, range or name.
    pub value: String,
}

/// Confidences from which something is done.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Thresholds {
    /// The client is shown.
    pub observe: f32,
    /// It is slowed down.
    pub throttle: f32,
    /// It is refused.
    pub block: f32,
}

/// One threat.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ThreatForm {
    /// Which.
    pub kind: String,
    /// How surely, strengthened by the score.
    pub confidence: f32,
    /// How surely by evidence alone; `None` when only the outcome is known.
    pub by_evidence: Option<f32>,
    /// The action that this confidence asks for; `None` when nobody is told, or only the outcome is known.
    pub asks_for: Option<&'static str>,
    /// What was seen, in a sentence; empty when only the outcome is known.
    pub sentence: String,
    /// What less of what it hangs on would have done, in words; `None` when nothing, or it is not known.
    pub less: Option<String>,
    /// What more of it would take for a block, in words; `None` when it is enough, or it is not known.
    pub more: Option<String>,
    /// The same in numbers; `None` when only the outcome is known.
    pub what_if: Option<WhatIfForm>,
}

/// What less or more of the one quantity that a threat hangs on would have done.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct WhatIfForm {
    /// What it counts.
    pub quantity: String,
    /// How much of it there was.
    pub value: f32,
    /// With so much or less nobody would have been told.
    pub silent_at: Option<f32>,
    /// With so much or less the action would have been milder.
    pub milder_at: Option<f32>,
    /// So much or more would be enough for a block.
    pub blocked_at: Option<f32>,
}

/// How much there is of something.
#[derive(Debug, Serialize)]
pub(crate) struct AmountForm {
    /// What it counts.
    pub name: String,
    /// How much, decayed over hours.
    pub amount: f32,
}

/// One feature beside clean clients.
#[derive(Debug, Serialize)]
pub(crate) struct FeatureForm {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// What the client shows.
    pub value: f64,
    /// The median of clean clients.
    pub typical: Option<f64>,
    /// Its share of the score.
    pub contribution: f64,
}

/// One request.
#[derive(Debug, Serialize)]
pub(crate) struct EvidenceForm {
    /// The file, or the source's number.
    pub file: String,
    /// Line in a file, offset in a partition.
    pub line: u64,
    /// When.
    pub at: String,
    /// Method and target, secrets masked.
    pub request: String,
    /// Status sent.
    pub status: u64,
}

impl ClientForm {
    fn new(client: &Client) -> Self {
        Self {
            scope: client.scope().as_str(),
            value: client.value().into_owned(),
        }
    }
}

impl Thresholds {
    fn of(policy: &PolicySettings) -> Self {
        Self {
            observe: policy.observe_from,
            throttle: policy.throttle_from,
            block: policy.block_from,
        }
    }
}

/// The features furthest from usual, the furthest first.
fn furthest(mut features: Vec<FeatureForm>) -> Vec<FeatureForm> {
    features.retain(|feature| feature.contribution > 0.0 && feature.typical.is_some());
    features.sort_by(|left, right| right.contribution.total_cmp(&left.contribution));
    features.truncate(FEATURES_SHOWN);
    features
}
