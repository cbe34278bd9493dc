//! What runs beside the roles: the blocklist follows the store, events are published, old rows are dropped.

use super::{Shared, settings};
use crate::challenger::Duel;
use crate::config::Config;
use crate::scorer::BundleScorer;
use anyhow::Context as _;
use api::{Exposition, HealthPart, HealthSource, LiveUpdate, MetricKind, MetricsSource};
use detector::Scorer as _;
use std::sync::Arc;
use std::time::Duration;
use storage::{LiveBlocklist, LiveEvent, ModelRecord};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often old rows are dropped.
const RETAIN_EVERY: Duration = Duration::from_secs(600);

/// Starts it all.
pub(super) fn start(shared: &Shared, config: &Config, stop: &CancellationToken, tasks: &TaskTracker) {
    let (blocklist, clock) = (Arc::clone(&shared.blocklist), Arc::clone(&shared.clock));
    let until = stop.clone().cancelled_owned();
    tasks.spawn(async move { blocklist.follow(move || clock(), until).await });
    tasks.spawn(stop.clone().run_until_cancelled_owned(publish(shared.clone())));
    tasks.spawn(
        stop.clone()
            .run_until_cancelled_owned(retain(shared.clone(), settings::retention(&config.storage))),
    );
}

/// Hands decisions and orders on to whoever watches live.
async fn publish(shared: Shared) {
    let mut events = shared.blocklist.subscribe();
    loop {
        match events.recv().await {
            Ok(LiveEvent::Decision(row)) => shared
                .events
                .publish(&LiveUpdate::Decision(Box::new(row.as_ref().clone()))),
            Ok(LiveEvent::Order(order)) => shared
                .events
                .publish(&LiveUpdate::Order(Box::new(order.as_ref().clone()))),
            // A reader that missed something reads its lists anew; so does one of these.
            Ok(LiveEvent::Changed(_) | LiveEvent::Rebuilt) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn retain(shared: Shared, retention: storage::Retention) {
    loop {
        tokio::time::sleep(RETAIN_EVERY).await;
        match shared.store.retain((shared.clock)(), &retention).await {
            Ok(report) if report.is_over_cap => {
                tracing::warn!(
                    bytes = report.bytes,
                    "the database is above its size cap and holds only what is never dropped"
                );
            }
            Ok(report) => tracing::debug!(?report, "dropped old rows"),
            Err(error) => tracing::warn!(%error, "could not drop old rows: {error}"),
        }
    }
}

/// Writes down which model scores, and which one challenges it.
pub(super) async fn note_models(shared: &Shared, config: &Config) -> anyhow::Result<()> {
    let model = &config.model;
    let duel = Duel::configured(model.file.as_deref(), model.challenger.as_deref())?;
    note_model(shared, duel.champion(), true).await?;
    let Some(challenger) = duel.challenger() else {
        tracing::info!("no other model scores beside the one that decides");
        return Ok(());
    };
    let challenger = challenger.scorer();
    let version = api::neutralise(challenger.version());
    tracing::info!(%version, "another model scores beside the one that decides");
    note_model(shared, challenger, false).await
}

async fn note_model(shared: &Shared, scorer: &BundleScorer, is_champion: bool) -> anyhow::Result<()> {
    let now = (shared.clock)();
    let (version, card) = scorer.card();
    let record = ModelRecord {
        version,
        created_at: now,
        activated_at: is_champion.then_some(now),
        retired_at: None,
        card,
    };
    let known = shared.store.models().await.context("could not read the models")?;
    if known.iter().any(|model| model.version == record.version) {
        return Ok(());
    }
    shared
        .store
        .put_model(&record)
        .await
        .context("could not note the model")
}

/// How well the blocklist follows the store, for health and metrics.
pub(super) struct BlocklistHealth(pub(super) Arc<LiveBlocklist>);

impl HealthSource for BlocklistHealth {
    fn parts(&self) -> Vec<HealthPart> {
        let status = self.0.status();
        let has_room = status.overflow == domain::blocklist::Overflow::default();
        let detail = match (&status.error, has_room) {
            (Some(error), _) => format!("answers from memory: {error}"),
            (None, false) => format!("is full: {:?} did not fit", status.overflow),
            (None, true) => format!("{} decisions in force", status.entries),
        };
        vec![HealthPart {
            name: "blocklist",
            is_ok: status.error.is_none() && has_room,
            // It answers from memory: still of use.
            is_required: false,
            detail,
        }]
    }
}

impl MetricsSource for BlocklistHealth {
    fn write(&self, out: &mut Exposition) {
        let status = self.0.status();
        out.add_one(
            MetricKind::Gauge,
            "decisions_in_force",
            "Decisions in force.",
            status.entries as f64,
        );
        out.add_one(
            MetricKind::Gauge,
            "blocklist_store_failing",
            "Whether the store cannot be followed.",
            f64::from(u8::from(status.error.is_some())),
        );
        let overflow = status.overflow;
        out.add(
            MetricKind::Counter,
            "blocklist_overflow_total",
            "Decisions and orders that did not fit.",
            &[
                (&[("kind", "machine")], overflow.machine as f64),
                (&[("kind", "operator")], overflow.operator as f64),
                (&[("kind", "orders")], overflow.orders as f64),
            ],
        );
    }
}
