//! What was seen of the models while they scored: told to the list of models, and to the log when clients change.

use super::Session;
use crate::drift::Moved;
use crate::service::watch::Watch;
use crate::service::withdraw;
use detector::Scorer as _;
use std::time::{Duration, Instant};

/// How often the list of models is told: it moves slowly.
const TELL_EVERY: Duration = Duration::from_secs(15);

/// When models were last told of.
#[derive(Debug, Default)]
pub(super) struct ModelsTold {
    /// The list of models.
    at: Option<Instant>,
    /// The last day of which the log was told that clients have changed.
    warned: Option<i64>,
}

impl Session<'_> {
    /// Tells what was seen of the models so far.
    pub(super) fn tell_of_models(&mut self, watch: &Watch) {
        let setup = &self.role.setup;
        if let Some(moved) = &watch.moved
            && warn_of(moved, &mut self.models_told.warned)
        {
            // Beside the reading: as many alerts are looked up as decisions are in force.
            let withdrawn = withdraw::changed_in(setup.shared.clone(), moved.alarms());
            setup.runtime.spawn(withdrawn);
        }
        if self.models_told.at.is_some_and(|at| at.elapsed() < TELL_EVERY) {
            return;
        }
        self.models_told.at = Some(Instant::now());
        let now = (setup.shared.clock)();
        let duel = self.detector.scorer();
        let champion = duel.champion().version();
        let mut seen = vec![(champion, watch.champion_with_days(duel, now))];
        // Names are given freely, and the list goes by them: the one that decides is shown.
        let challenger = duel.challenger().map(|challenger| challenger.scorer().version());
        seen.extend(
            challenger
                .filter(|version| *version != champion)
                .map(|version| (version, watch.challenger(now))),
        );
        for (version, watch) in seen {
            let stored = self.role.wait(setup.shared.store.watch_model(version, &watch));
            if let Err(error) = stored {
                tracing::debug!(%error, "could not store what was seen of a model: {error}");
            }
        }
    }
}

/// Says once a day that clients have changed; whether it did.
fn warn_of(moved: &Moved, warned: &mut Option<i64>) -> bool {
    let alarms = moved.alarms();
    if alarms.is_empty() || *warned == Some(moved.day) {
        return false;
    }
    *warned = Some(moved.day);
    tracing::warn!(
        client_days = moved.client_days,
        "clients have changed since the days before, most of all in {}: see what changed on the site, and train a model on \
         what is usual now",
        alarms.join(", ")
    );
    true
}
