//! What a score alone decided, when the model that scored was taken back, or clients have changed in what carried the score.

use super::take_back;
use crate::service::Shared;
use anyhow::Context as _;
use detector::feature::FEATURES;
use domain::{Origin, StampedDecision};
use std::time::Duration;
use storage::{DecisionFilter, Page, StateFilter, StoredAlert};

/// Pause before what the store did not take is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Takes back what the scores of a model alone decided: a person put the one before back in its place.
///
/// # Errors
/// When the store cannot be read, or does not take an order.
pub(crate) async fn rolled_back(shared: &Shared, model: &str) -> anyhow::Result<()> {
    let reason = format!("model {model}, whose score alone it rests on, was rolled back");
    let taken = take_back_where(shared, |row, _| row.decision.model == model, &reason).await?;
    if taken > 0 {
        tracing::warn!(
            taken,
            "{taken} decisions that rested on the score of model {} alone are taken back with it",
            api::neutralise(model)
        );
    }
    Ok(())
}

/// Takes back what a score alone decided that one of these features carried: clients have changed in them. Tries until the store has
/// taken all of it.
pub(crate) async fn changed_in(shared: Shared, features: Vec<&'static str>) {
    while let Err(error) = take_back_changed(&shared, &features).await {
        tracing::warn!("decisions stand yet that rest on what clients have changed in: {error:#}");
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

async fn take_back_changed(shared: &Shared, features: &[&str]) -> anyhow::Result<()> {
    let reason = "this site's clients have changed since the days before in what most of the score is that it rests on";
    let is_carried = |_: &StampedDecision, alert: &StoredAlert| {
        carrier(alert).is_some_and(|name| features.contains(&name))
    };
    let taken = take_back_where(shared, is_carried, reason).await?;
    if taken > 0 {
        tracing::warn!(
            taken,
            "{taken} decisions that rested on a score alone are taken back: clients have changed in what carried it"
        );
    }
    Ok(())
}

/// Takes back what is in force by a score alone, and of which that holds; how many went.
async fn take_back_where(
    shared: &Shared,
    is_void: impl Fn(&StampedDecision, &StoredAlert) -> bool,
    reason: &str,
) -> anyhow::Result<usize> {
    let filter = DecisionFilter {
        state: Some(StateFilter::Active),
        origin: Some(Origin::Model),
        ..DecisionFilter::default()
    };
    let mut page = Page::first(storage::PAGE_MAX);
    let mut taken = 0;
    loop {
        let now = (shared.clock)();
        let found = shared.store.query_decisions(&filter, &page, now).await;
        let found = found.context("could not read the decisions in force")?;
        for row in &found.items {
            let Some(alert) = row.decision.alert_id else {
                continue;
            };
            let alert = shared.store.alert(alert).await;
            let alert = alert.context("could not read an alert")?;
            let is_void = alert.is_some_and(|alert| rests_on_score(&alert) && is_void(row, &alert));
            if is_void {
                let is_taken = take_back(shared, row.decision.id, &row.decision.client, reason).await;
                taken += usize::from(is_taken.context("could not take a decision back")?);
            }
        }
        match found.next {
            Some(next) => page.cursor = Some(next),
            None => return Ok(taken),
        }
    }
}

/// Whether nothing but the score speaks against the client.
fn rests_on_score(alert: &StoredAlert) -> bool {
    alert.reasons.iter().any(|reason| reason.feature == "score")
}

/// The feature that most of the score is.
fn carrier(alert: &StoredAlert) -> Option<&'static str> {
    let names = alert.reasons.iter().map(|reason| reason.feature.as_str());
    names
        .filter_map(|name| FEATURES.iter().find(|feature| feature.name == name))
        .map(|feature| feature.name)
        .next()
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
