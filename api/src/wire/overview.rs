//! The overview: figures over time, and what is under attack.

use super::{ClientName, shown};
use domain::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use storage::{StatsBucket, StoredAlert};
use utoipa::ToSchema;

/// Most points of a curve: about as many as a wide screen has pixels to tell apart.
const POINTS_MAX: usize = 720;
/// Most attacked targets that are named.
const TARGETS_MAX: usize = 10;
const MINUTE_MILLIS: i64 = 60_000;

/// Sums over the shown time.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Figures {
    /// Requests read.
    requests: u64,
    /// Lines that could not be read.
    rejected: u64,
    /// Alerts raised.
    alerts: u64,
    /// Blocks decided.
    blocks: u64,
    /// Requests that we stopped.
    stopped: u64,
    /// Decisions in force at the moment.
    pub(crate) in_force: u64,
}

/// Figures of one slice of time.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct StatsPoint {
    /// Its beginning.
    at: String,
    /// Requests read.
    requests: u64,
    /// The most clients seen in one of its minutes.
    clients: u64,
    /// Lines that could not be read.
    rejected: u64,
    /// Alerts raised.
    alerts: u64,
    /// Blocks decided.
    blocks: u64,
    /// Requests that we stopped.
    stopped: u64,
}

/// One kind of attack of late.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct AttackView {
    /// Which threat.
    threat: String,
    /// How many clients were alerted on for it.
    alerts: u64,
    /// When the latest stood out.
    latest_at: String,
}

/// What is attacked.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TargetView {
    /// Method and path, without the query.
    target: String,
    /// How many alerted clients sent it.
    clients: u64,
}

/// The overview.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OverviewView {
    /// Beginning of the shown time.
    pub(crate) from: String,
    /// Its end.
    pub(crate) to: String,
    /// Length of one point.
    pub(crate) step_secs: u64,
    /// Sums.
    pub(crate) figures: Figures,
    /// The curve, oldest first; minutes without figures are absent.
    pub(crate) points: Vec<StatsPoint>,
    /// Attacks, most clients first.
    pub(crate) attacks: Vec<AttackView>,
    /// Targets, most clients first.
    pub(crate) targets: Vec<TargetView>,
    /// The clients alerted on last.
    pub(crate) latest: Vec<ClientName>,
}

/// Sums, the curve in few enough points, and the length of a point in seconds.
pub(crate) fn summarise(
    buckets: &[StatsBucket],
    from: Timestamp,
    to: Timestamp,
) -> (Figures, Vec<StatsPoint>, u64) {
    let minutes = usize::try_from(to.millis_since(from).max(0) / MINUTE_MILLIS).unwrap_or(usize::MAX);
    let per_point = i64::try_from(minutes.div_ceil(POINTS_MAX).max(1)).unwrap_or(i64::MAX);
    let step_millis = per_point.saturating_mul(MINUTE_MILLIS);
    let mut figures = Figures::default();
    let mut points: BTreeMap<i64, StatsPoint> = BTreeMap::new();
    for bucket in buckets {
        figures.requests += bucket.requests;
        figures.rejected += bucket.rejected;
        figures.alerts += bucket.alerts;
        figures.blocks += bucket.blocks;
        figures.stopped += bucket.stopped;
        let start = bucket.minute.as_millis().div_euclid(step_millis) * step_millis;
        let point = points.entry(start).or_insert_with(|| StatsPoint {
            at: Timestamp::from_millis(start).to_string(),
            requests: 0,
            clients: 0,
            rejected: 0,
            alerts: 0,
            blocks: 0,
            stopped: 0,
        });
        point.requests += bucket.requests;
        point.clients = point.clients.max(bucket.clients);
        point.rejected += bucket.rejected;
        point.alerts += bucket.alerts;
        point.blocks += bucket.blocks;
        point.stopped += bucket.stopped;
    }
    (
        figures,
        points.into_values().collect(),
        (step_millis / 1000).unsigned_abs(),
    )
}

impl AttackView {
    /// The attacks that some alerts show, most clients first.
    pub(crate) fn of(alerts: &[StoredAlert]) -> Vec<Self> {
        let mut kinds: BTreeMap<&str, (u64, Timestamp)> = BTreeMap::new();
        for alert in alerts {
            // The surest threat names the alert; counting all would show one client several times.
            if let Some(threat) = alert.threats.first() {
                let kind = kinds.entry(threat.kind.as_str()).or_default();
                kind.0 += 1;
                kind.1 = kind.1.max(alert.alerted_at);
            }
        }
        let mut attacks: Vec<Self> = kinds
            .into_iter()
            .map(|(threat, (alerts, latest_at))| Self {
                threat: threat.to_owned(),
                alerts,
                latest_at: latest_at.to_string(),
            })
            .collect();
        attacks.sort_by_key(|attack| std::cmp::Reverse(attack.alerts));
        attacks
    }
}

impl TargetView {
    /// What some alerts' evidence shows being attacked, most clients first.
    pub(crate) fn of(alerts: &[StoredAlert]) -> Vec<Self> {
        let mut targets: BTreeMap<String, u64> = BTreeMap::new();
        for alert in alerts {
            let mut own: Vec<&str> = alert
                .evidence
                .iter()
                .map(|evidence| evidence.request.split('?').next().unwrap_or_default())
                .collect();
            own.sort_unstable();
            own.dedup();
            for target in own {
                *targets.entry(shown(target)).or_default() += 1;
            }
        }
        let mut views: Vec<Self> = targets
            .into_iter()
            .map(|(target, clients)| Self { target, clients })
            .collect();
        views.sort_by_key(|view| std::cmp::Reverse(view.clients));
        views.truncate(TARGETS_MAX);
        views
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_of_minutes_fits_the_curve_and_loses_nothing() {
        let from = Timestamp::from_secs(1_795_391_280);
        let minutes: i64 = 30 * 24 * 60;
        let buckets: Vec<StatsBucket> = (0..minutes)
            .map(|minute| StatsBucket {
                minute: from.plus_secs(minute * 60),
                requests: 2,
                clients: 3,
                ..StatsBucket::default()
            })
            .collect();
        let (figures, points, step_secs) = summarise(&buckets, from, from.plus_secs(minutes * 60));
        assert!(points.len() <= POINTS_MAX + 1, "{}", points.len());
        assert_eq!(step_secs, 3600);
        assert_eq!(figures.requests, 86_400);
        assert_eq!(points.iter().map(|point| point.requests).sum::<u64>(), 86_400);
        assert!(points.iter().all(|point| point.clients == 3));
    }
}
