//! What runs beside the roles: the blocklist follows the store, events are published, old rows are dropped.

use super::watch::Watch;
use super::{Shared, settings, withdraw};
use crate::challenger::Duel;
use crate::config::Config;
use crate::scorer::BundleScorer;
use anyhow::Context as _;
use api::{Exposition, HealthPart, HealthSource, LiveUpdate, MetricKind, MetricsSource};
use detector::Scorer as _;
use domain::Timestamp;
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
            Ok(LiveEvent::Order(order)) if !order.kind.is_a_persons_word() => {}
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
    // The list goes by names, which are given freely: of two of one name the one that decides is shown.
    if challenger.version() == duel.champion().version() {
        return Ok(());
    }
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
        watch: Some(if is_champion {
            Watch::default().champion(now)
        } else {
            Watch::default().challenger(now)
        }),
    };
    let known = shared.store.models().await.context("could not read the models")?;
    // Before it is noted: should this fail, the next start finds the same, and tries again.
    if let Some(model) = rolled_back(&known, &record.version, is_champion) {
        withdraw::rolled_back(shared, model).await?;
    }
    for model in notes(&known, record, is_champion, now) {
        let noted = shared.store.put_model(&model).await;
        noted.context("could not note the model")?;
    }
    Ok(())
}

/// The model that decided until now, when one that decided before it is back in its place.
fn rolled_back<'m>(known: &'m [ModelRecord], now: &str, is_champion: bool) -> Option<&'m str> {
    let is_active = |model: &&ModelRecord| model.activated_at.is_some() && model.retired_at.is_none();
    let is_back = |model: &ModelRecord| model.version == now && model.retired_at.is_some();
    let other = known
        .iter()
        .filter(is_active)
        .find(|model| model.version != now)?;
    (is_champion && known.iter().any(is_back)).then_some(other.version.as_str())
}

/// What changes in the list of models: the one that decides is active, whoever was is retired, and nobody else is watched; a
/// challenger, noted after it, is watched.
fn notes(known: &[ModelRecord], record: ModelRecord, is_champion: bool, now: Timestamp) -> Vec<ModelRecord> {
    let part = |model: &ModelRecord| model.watch.as_ref().map(|watch| watch.part);
    let before = known.iter().find(|model| model.version == record.version);
    let is_active = |model: &ModelRecord| model.activated_at.is_some() && model.retired_at.is_none();
    let mut changed = Vec::new();
    if is_champion {
        let others = known.iter().filter(|model| model.version != record.version);
        let stale = others.filter(|model| is_active(model) || model.watch.is_some());
        changed.extend(stale.map(|model| ModelRecord {
            retired_at: model.retired_at.or(model.activated_at.map(|_| now)),
            watch: None,
            ..model.clone()
        }));
    }
    let is_noted =
        before.is_some_and(|before| (!is_champion || is_active(before)) && part(before) == part(&record));
    if is_noted {
        return changed;
    }
    changed.push(match before {
        // Active already, or a challenger that is known: only that it is watched is new.
        Some(before) if !is_champion || is_active(before) => ModelRecord {
            watch: record.watch,
            ..before.clone()
        },
        Some(before) => ModelRecord {
            created_at: before.created_at,
            ..record
        },
        None => record,
    });
    changed
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

#[cfg(test)]
mod tests {
    use super::*;
    use storage::ModelWatch;

    #[test]
    fn a_promoted_model_is_active_and_the_one_before_is_retired() {
        let model = |version: &str, activated: Option<i64>, watch: Option<ModelWatch>| ModelRecord {
            version: version.to_owned(),
            created_at: Timestamp::from_millis(1),
            activated_at: activated.map(Timestamp::from_millis),
            retired_at: None,
            card: serde_json::json!({}),
            watch,
        };
        let now = Timestamp::from_millis(9);
        let champion = || Some(Watch::default().champion(now));
        let challenger = || Some(Watch::default().challenger(now));
        let known = [
            model("old", Some(1), champion()),
            model("new", None, challenger()),
        ];
        let changed = notes(&known, model("new", Some(9), champion()), true, now);
        assert_eq!(changed.len(), 2);
        assert_eq!(
            (
                changed[0].version.as_str(),
                changed[0].retired_at,
                &changed[0].watch
            ),
            ("old", Some(now), &None)
        );
        assert_eq!(
            (
                changed[1].version.as_str(),
                changed[1].activated_at,
                &changed[1].watch
            ),
            ("new", Some(now), &champion())
        );
        assert_eq!(changed[1].created_at, Timestamp::from_millis(1));
        // The one before challenges it from now on, and stays retired.
        let promoted = changed;
        let changed = notes(&promoted, model("old", None, challenger()), false, now);
        // Back in its place, it is the other one's decisions that are in question.
        assert_eq!(rolled_back(&promoted, "old", true), Some("new"));
        assert_eq!(rolled_back(&promoted, "old", false), None);
        assert_eq!(rolled_back(&promoted, "new", true), None);
        assert_eq!(rolled_back(&promoted, "third", true), None);
        assert_eq!(
            (changed[0].retired_at, &changed[0].watch),
            (Some(now), &challenger())
        );
        // The same again, and a challenger that is known already, change nothing.
        assert!(notes(&known[..1], model("old", Some(9), champion()), true, now).is_empty());
        assert!(notes(&known, model("new", None, challenger()), false, now).is_empty());
        assert_eq!(
            notes(&known, model("third", None, challenger()), false, now).len(),
            1
        );
        // A challenger that went is watched no more; it never decided, so it is not retired.
        let changed = notes(&known, model("old", Some(9), champion()), true, now);
        assert_eq!(
            (
                changed[0].version.as_str(),
                changed[0].retired_at,
                &changed[0].watch
            ),
            ("new", None, &None)
        );
        assert_eq!(changed.len(), 1);
    }
}
