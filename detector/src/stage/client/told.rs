//! What one request of a client says to all others: whom it joins, which routes it votes for, what it hints at.

use super::hint::{self, Hint, SMALL_REQUESTS_MAX};
use super::{Arrival, Changes, Epoch, Slot, evidence};
use crate::detector::Describe;
use crate::population::{Answer, Deed, RouteStanding, Running, Vote};
use crate::signal::{Outcome, Signals};
use crate::stage::cohort::CohortKey;
use crate::stage::kin::{Kin, KinNames};
use crate::window::Change;
use domain::{Action, RequestRecord, ThreatKind, Timestamp};

/// What a request says about what all clients have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    /// What it changed in the client's window.
    pub(super) change: Change,
    /// Whether it is the client's first.
    pub(super) is_first: bool,
    /// Whether neither a person nor a word says what its route is for.
    pub(super) is_unnamed: bool,
    /// How its route stood among clients.
    pub(super) standing: RouteStanding,
    /// What its client shares with others.
    pub(super) kin: Kin,
    /// The surge that goes on where the client signs in.
    pub(super) surge: Option<Running>,
}

impl Slot {
    /// Tells everything that a request says to all others.
    pub(super) fn tell_all(
        &self,
        arrival: &Arrival<'_, '_>,
        (signals, told): (&Signals, Told),
        epoch: Epoch<'_>,
        changes: &mut Changes,
    ) {
        self.tell((arrival.record, arrival.gateway), (signals, told), changes);
        let unnamed = (told.is_unnamed, told.change.is_first_use_of_route);
        self.testify(arrival, unnamed, epoch.describe, changes);
        let counted = (signals, told.standing, told.is_first);
        self.pass(arrival, counted, epoch, changes);
    }

    /// Tells what the request says about what all clients have in common.
    fn tell(
        &self,
        (record, gateway): (&RequestRecord<'_>, u16),
        (signals, told): (&Signals, Told),
        changes: &mut Changes,
    ) {
        let Told { change, kin, .. } = told;
        let is_success = signals.outcome == Outcome::Success;
        if self.is_established && is_success {
            changes.established.at(gateway).successes += 1.0;
        }
        if told.is_first {
            let range = CohortKey::of_client(&self.client);
            changes.joined.extend(range.map(|key| (key.number(), true)));
            let wide = CohortKey::wide(kin).map(|key| (key.number(), false));
            changes.joined.extend(wide);
        }
        if change.is_new_agent || (told.is_first && kin.agent == 0) {
            changes.joined.push((CohortKey::Agent(kin.agent).number(), false));
        }
        if signals.role.is_sign_in() && change.is_first_use_of_route {
            let route = CohortKey::Route(record.route.template);
            changes.joined.push((route.number(), false));
            let surge = told.surge.filter(|surge| self.came_in(*surge));
            let surge = surge.filter(|surge| surge.template == record.route.template);
            changes
                .joined
                .extend(surge.map(|surge| (CohortKey::from(surge).number(), false)));
        }
        let is_clean = self.window.suspicion.rank() < 0.5;
        // A redirect shows that a path is there only to somebody who is served otherwise: where everything is redirected,
        // a few who guess the same would make their guesses ordinary.
        // So, too, what only scanners ask for: a site that answers everything with one page would call it ordinary soon.
        let is_served = self.window.habit.successes > 1.0;
        let finds = f32::from(self.window.suspicion.probes_found);
        let may_vote = if signals.probe.is_secret() && is_success {
            is_clean && self.window.habit.successes - finds > 1.0
        } else {
            is_clean && (is_success || is_served)
        };
        if change.is_first_use_of_route && may_vote {
            changes.votes.push(Vote {
                template: record.route.template,
                is_success: record.is_success(),
            });
        }
    }

    /// Tells what a POST says about what its route is for. What a page of somebody else's may have sent, and what was only
    /// claimed, tells nothing.
    fn testify(
        &self,
        arrival: &Arrival<'_, '_>,
        (is_unnamed, is_first_use): (bool, bool),
        describe: Describe,
        changes: &mut Changes,
    ) {
        let record = arrival.record;
        let Some(answer) = Answer::of(record.status).filter(|_| record.method == "POST") else {
            return;
        };
        if record.route.is_asset || record.is_malformed || self.is_claimed {
            return;
        }
        let range = CohortKey::of_client(&self.client);
        changes.deeds.push(Deed {
            seq: arrival.seq,
            key: arrival.key,
            range: range.map_or(arrival.key, |range| range.number()),
            template: record.route.template,
            answer,
            place: u32::try_from(self.window.requests).unwrap_or(u32::MAX),
            is_unnamed,
            is_established: self.is_established,
            route: (is_unnamed && is_first_use).then(|| (describe.route)(record).into()),
        });
    }

    /// Tells what a small client shows while it shows it, and once when it no longer does.
    pub(super) fn hint(
        &mut self,
        arrival: &Arrival<'_, '_>,
        kin: Kin,
        describe: Describe,
        changes: &mut Changes,
    ) {
        let was_hinted = self.shows.is_hinted();
        if self.window.requests > SMALL_REQUESTS_MAX && !was_hinted {
            return;
        }
        let may_hint = arrival.most == Action::Block && !self.is_claimed;
        let shown = hint::shown_by(&self.window).filter(|_| may_hint && !self.is_established);
        // Whoever has grown too large is judged by itself, too.
        let is_over = was_hinted && shown.is_none();
        if shown.is_none() && !is_over {
            return;
        }
        let is_faint = shown.is_some_and(|shown| shown.is_faint);
        let was_suspect = self.shows.is_suspect();
        let is_first = !was_suspect && !is_faint;
        self.shows
            .set_suspect(shown.is_some() && (was_suspect || !is_faint));
        if !was_hinted {
            self.hinted_agent = kin.agent;
        }
        self.shows.set_hinted(shown.is_some());
        let kin = Kin {
            agent: self.hinted_agent,
            ..kin
        };
        let names = match shown {
            Some(_) => KinNames::of(arrival.record, kin, describe.name),
            None => KinNames::default(),
        };
        changes.hints.push(Hint {
            is_first,
            kin,
            names,
            route: hint::route(&self.window),
            shown: shown.map(|shown| (shown.threat, evidence(arrival.record, arrival.at, describe))),
            is_faint,
            ..self.no_hint(arrival)
        });
    }

    /// Tells of a surge's newcomer that it fails there and does nothing else, and once when it no longer does.
    pub(super) fn witness(
        &mut self,
        arrival: &Arrival<'_, '_>,
        surge: Option<Running>,
        describe: Describe,
        changes: &mut Changes,
    ) {
        let Some(surge) = surge.filter(|surge| self.came_in(*surge)) else {
            return;
        };
        let may_hint = arrival.most == Action::Block && !self.is_claimed && !self.is_established;
        let is_failing = may_hint && hint::fails_to_sign_in(&self.window);
        let was_witness = self.shows.is_witness();
        if !is_failing && !was_witness {
            return;
        }
        self.shows.set_witness(is_failing);
        changes.hints.push(Hint {
            is_first: !was_witness,
            shown: is_failing.then(|| {
                let shown = evidence(arrival.record, arrival.at, describe);
                (ThreatKind::CredentialStuffing, shown)
            }),
            surge: Some(surge),
            ..self.no_hint(arrival)
        });
    }

    /// A hint at that request that shows nothing and is compared with nobody.
    fn no_hint(&self, arrival: &Arrival<'_, '_>) -> Hint {
        Hint {
            seq: arrival.seq,
            key: arrival.key,
            owner: arrival.owner,
            client: self.client.clone(),
            source: arrival.record.position.source,
            at: arrival.at,
            first_seen: Timestamp::from_millis(self.window.first_millis),
            requests: self.window.requests,
            is_first: false,
            kin: Kin::default(),
            names: KinNames::default(),
            route: 0,
            shown: None,
            is_faint: false,
            surge: None,
        }
    }

    /// Whether it came for the first time while a surge went on.
    fn came_in(&self, surge: Running) -> bool {
        self.window.first_millis >= surge.since_millis
    }
}
