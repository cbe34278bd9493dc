//! What one request counts for in the volume of its hour.

use super::{Arrival, Changes, Epoch, Slot, evidence};
use crate::limits::BASELINE_OWN_FAILURES_MAX;
use crate::population::{Passed, Quantity, RouteStanding, Sample};
use crate::signal::{MethodClass, Outcome, Signals, tells_wrong_password};

/// The status that tells a client to wait: a limit says nothing of what was asked for.
const TOO_MANY_REQUESTS: u16 = 429;

impl Slot {
    /// Counts a request that passed, on the site and on its route. Paths that only a few have used with success count for the
    /// site alone: nobody makes a route by asking for it. `is_first` says that it is the client's first.
    ///
    /// What somebody does whose block is only recorded is told already, and counts no more than if it were carried out.
    pub(super) fn pass(
        &self,
        arrival: &Arrival<'_, '_>,
        (signals, standing, is_first): (&Signals, RouteStanding, bool),
        epoch: Epoch<'_>,
        changes: &mut Changes,
    ) {
        if self.blocked.is_some_and(|block| arrival.at < block.until) {
            return;
        }
        let failed = self.failed(arrival, signals);
        let is_lost = is_first && failed.is_some() && !signals.may_be_planted;
        let quantities = [
            Some(Quantity::Requests),
            (is_first && !self.is_claimed).then_some(Quantity::Newcomers),
            failed,
            // What fails to sign in has failed.
            (failed == Some(Quantity::FailedSignIns)).then_some(Quantity::ClientErrors),
            (is_lost && !self.is_claimed).then_some(Quantity::LostNewcomers),
        ];
        let counted = quantities.into_iter().flatten();
        for quantity in counted.clone() {
            let count = &mut changes.traffic.site[quantity as usize];
            *count = count.saturating_add(1);
        }
        let template = arrival.record.route.template;
        if standing.is_known() {
            changes
                .traffic
                .routes
                .push(Passed::new(template, signals.role, counted.clone()));
        }
        if failed.is_none() {
            return;
        }
        let baselines = &epoch.population.baselines;
        for quantity in counted.filter(|quantity| Quantity::TOLD.contains(quantity)) {
            let of_route = standing.is_known().then_some(Some(template));
            for series in of_route.into_iter().chain([None]) {
                if baselines.wants(series, quantity) {
                    changes.traffic.samples.push(Sample {
                        seq: arrival.seq,
                        template: series,
                        quantity,
                        evidence: evidence(arrival.record, arrival.at, epoch.describe),
                    });
                }
            }
        }
    }

    /// How a request failed by its client's doing; `None` when it did not, and when the client has failed so often that it is
    /// judged by itself.
    fn failed(&self, arrival: &Arrival<'_, '_>, signals: &Signals) -> Option<Quantity> {
        let record = arrival.record;
        let in_a_row = self.window.suspicion.failures_in_a_row;
        if signals.role.is_sign_in() && signals.method == MethodClass::Write && in_a_row > 0 {
            let is_failure = match signals.outcome {
                Outcome::Refused => true,
                Outcome::OtherClientError => tells_wrong_password(record.status, &record.path),
                // A form that is shown again.
                Outcome::Success | Outcome::Redirect => true,
                _ => false,
            };
            if is_failure {
                return (in_a_row <= BASELINE_OWN_FAILURES_MAX).then_some(Quantity::FailedSignIns);
            }
        }
        let is_error = signals.outcome.is_client_error() && record.status != TOO_MANY_REQUESTS;
        (is_error && self.window.failed <= u32::from(BASELINE_OWN_FAILURES_MAX))
            .then_some(Quantity::ClientErrors)
    }
}
