//! What is measured on: clean simulated traffic to fit to, and simulated traffic with attacks to rank.

use anyhow::{Context as _, Result};
use detector::feature::COUNT;
use detector::{Detector, Recorded, Recorder, Serial, Settings};
use domain::{Allowlist, HashKey, RequestRecord, Timestamp};
use simulator::{Simulation, TruthRow};
use std::collections::BTreeMap;

/// Clean traffic, as `train` has it.
const CLEAN: [&str; 4] = ["baseline", "baseline_content", "baseline_api", "baseline_cms"];

/// Traffic with attacks.
const MIXED: [&str; 5] = ["mixed", "mixed_content", "mixed_api", "mixed_cms", "low_and_slow"];

/// Start of simulated time: any fixed moment.
const START: Timestamp = Timestamp::from_secs(1_767_225_600);

/// Key of hashes: any fixed one.
pub(crate) const KEY: HashKey = HashKey::new(*b"feature ablation");

/// Looks at labelled clients.
pub(crate) struct Labelled {
    /// The looks.
    pub(crate) rows: Recorded,
    /// Each row's client-day, as numbers from 0 on.
    pub(crate) client_days: Vec<usize>,
    /// Whether each client-day is an attacker's.
    pub(crate) is_attack: Vec<bool>,
}

/// The traffic of one seed.
pub(crate) struct Traffic {
    /// To fit to.
    pub(crate) clean: Recorded,
    /// To rank.
    pub(crate) labelled: Labelled,
}

impl Traffic {
    /// Simulates so many requests for each scenario.
    pub(crate) fn of(seed: u64, requests: u64) -> Result<Self> {
        let mut clean = Recorded::default();
        for (run, name) in (0..).zip(CLEAN) {
            clean.append(play(name, (seed, run, requests))?.0);
        }
        let (mut rows, mut labels) = (Recorded::default(), BTreeMap::new());
        for (run, name) in (CLEAN.len() as i64..).zip(MIXED) {
            // Another seed than the clean runs': other sites, other clients.
            let (played, truth) = play(name, (seed + 500, run, requests))?;
            // Who has not begun to attack is neither.
            let told = truth
                .into_iter()
                .filter(|row| !row.label.is_attack() || row.first_attack_at.is_some());
            let harm: BTreeMap<u64, bool> = told
                .map(|row| (KEY.hash(&row.client), row.label.is_attack()))
                .collect();
            let is_told: Vec<bool> = played
                .clients
                .iter()
                .map(|client| harm.contains_key(client))
                .collect();
            let played = played.retain(COUNT, |row| is_told[row]);
            let harms = played
                .clients
                .iter()
                .filter_map(|client| harm.get(client).copied());
            labels.extend(played.client_days(&KEY).into_iter().zip(harms));
            rows.append(played);
        }
        let numbers: BTreeMap<u64, usize> = labels.keys().copied().zip(0..).collect();
        let client_days = rows.client_days(&KEY).iter().map(|day| numbers[day]).collect();
        let labelled = Labelled {
            rows,
            client_days,
            is_attack: labels.into_values().collect(),
        };
        Ok(Self { clean, labelled })
    }
}

impl Labelled {
    /// The highest of each client-day's values.
    pub(crate) fn highest(&self, values: &[f32]) -> Vec<f32> {
        let mut highest = vec![f32::NEG_INFINITY; self.is_attack.len()];
        for (day, value) in self.client_days.iter().zip(values) {
            highest[*day] = highest[*day].max(*value);
        }
        highest
    }
}

fn play(name: &str, (seed, run, requests): (u64, i64, u64)) -> Result<(Recorded, Vec<TruthRow>)> {
    let scenario = simulator::scenario(name).with_context(|| format!("no scenario {name}"))?;
    let mut simulation = Simulation::sized(scenario, seed + run as u64, START, requests);
    let mut settings = Settings::new(KEY, describe);
    settings.allowlist = Allowlist::new(Vec::new(), Vec::new(), false);
    let mut detector = Detector::new(settings, Recorder::new(run));
    let mut outputs = Vec::new();
    simulation.play(requests, &KEY, |records| {
        detector.observe(records, &Serial, &mut outputs);
        outputs.clear();
    });
    detector.flush(&mut outputs);
    Ok((detector.into_scorer().into_rows(), simulation.truth().collect()))
}

/// Nobody reads the evidence of these runs.
fn describe(_record: &RequestRecord<'_>) -> String {
    String::new()
}
