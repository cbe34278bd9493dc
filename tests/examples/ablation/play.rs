//! What is measured on: clean simulated traffic to fit to, and simulated traffic with attacks to rank.

use anyhow::{Context as _, Result};
use detector::feature::COUNT;
use detector::{Describe, Detector, Recorded, Recorder, Serial, Settings};
use domain::{Allowlist, HashKey, Timestamp};
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
    /// How much there was of each kind of evidence against each client-day's client at the end of its traffic.
    pub(crate) evidence: Vec<Evidence>,
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
            clean.append(play(name, (seed, run, requests))?.rows);
        }
        let (mut rows, mut labels) = (Recorded::default(), BTreeMap::new());
        let mut found: BTreeMap<u64, Evidence> = BTreeMap::new();
        for (run, name) in (CLEAN.len() as i64..).zip(MIXED) {
            // Another seed than the clean runs': other sites, other clients.
            let Played {
                rows: played,
                truth,
                evidence,
            } = play(name, (seed + 500, run, requests))?;
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
            let client_days = played.client_days(&KEY);
            for (day, client) in client_days.iter().zip(&played.clients) {
                if let Some(evidence) = evidence.get(client) {
                    found.insert(*day, evidence.clone());
                }
            }
            labels.extend(client_days.into_iter().zip(harms));
            rows.append(played);
        }
        let numbers: BTreeMap<u64, usize> = labels.keys().copied().zip(0..).collect();
        let client_days = rows.client_days(&KEY).iter().map(|day| numbers[day]).collect();
        let labelled = Labelled {
            rows,
            client_days,
            evidence: labels
                .keys()
                .map(|day| found.remove(day).unwrap_or_default())
                .collect(),
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

/// Amounts by the names of the kinds.
pub(crate) type Evidence = BTreeMap<&'static str, f32>;

/// What a run leaves behind.
struct Played {
    rows: Recorded,
    truth: Vec<TruthRow>,
    /// By the clients' keyed hashes.
    evidence: BTreeMap<u64, Evidence>,
}

fn play(name: &str, (seed, run, requests): (u64, i64, u64)) -> Result<Played> {
    let scenario = simulator::scenario(name).with_context(|| format!("no scenario {name}"))?;
    let mut simulation = Simulation::sized(scenario, seed + run as u64, START, requests);
    let mut settings = Settings::new(KEY, DESCRIBE);
    settings.allowlist = Allowlist::new(Vec::new(), Vec::new(), false);
    let mut detector = Detector::new(settings, Recorder::new(run));
    let mut outputs = Vec::new();
    simulation.play(requests, &KEY, |records| {
        detector.observe(records, &Serial, &mut outputs);
        outputs.clear();
    });
    detector.flush(&mut outputs);
    let truth: Vec<TruthRow> = simulation.truth().collect();
    let against = |row: &TruthRow| {
        let traces = detector.why(&row.client)?.traces;
        let amounts = traces.iter().map(|trace| (trace.name, trace.amount)).collect();
        Some((KEY.hash(&row.client), amounts))
    };
    let evidence = truth.iter().filter_map(against).collect();
    Ok(Played {
        rows: detector.into_scorer().into_rows(),
        truth,
        evidence,
    })
}

/// Nobody reads the evidence of these runs.
const DESCRIBE: Describe = Describe {
    request: |_| String::new(),
    name: |_| String::new(),
    route: |_| String::new(),
};
