//! For whom a request counts: the name under which it came, where that is known to be one client's, else its address.

use crate::detector::{Detector, Output};
use crate::names::Sighting;
use crate::score::Scorer;
use crate::stage::client::StandIn;
use crate::stage::kin::text_hash;
use domain::{
    Action, Alert, Client, Decision, HashKey, Mode, Origin, Price, Reason, RequestRecord, ThreatClaim,
    ThreatKind, Timestamp,
};
use std::num::NonZeroU64;

/// How surely a name that suddenly comes from many places was stolen: to be looked at, no more.
const LEAK_CONFIDENCE: f32 = 0.5;

/// Statuses that say that whoever asked is not known, or not let in: the name may be anybody's invention.
const REFUSALS: [u16; 3] = [401, 403, 407];

/// For whom a request counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attributed {
    /// The client's keyed hash.
    pub(crate) owner: u64,
    /// The name for which an address stands in.
    pub(crate) stand_in: Option<StandIn>,
}

impl<S: Scorer> Detector<S> {
    /// Says for whom a request counts. Names are looked up in the order of arrival, before anything is shared out, so that neither
    /// slices nor threads change the answer.
    #[inline]
    pub(crate) fn attribute(
        &mut self,
        record: &RequestRecord<'_>,
        (at, most): (Timestamp, Action),
        outputs: &mut Vec<Output>,
    ) -> Attributed {
        let owner = self.settings.hash_key.hash(&record.client);
        if !matches!(record.client, Client::Named { .. }) {
            return Attributed {
                owner,
                stand_in: None,
            };
        }
        self.attribute_named(record, owner, (at, most), outputs)
    }

    fn attribute_named(
        &mut self,
        record: &RequestRecord<'_>,
        owner: u64,
        (at, most): (Timestamp, Action),
        outputs: &mut Vec<Output>,
    ) -> Attributed {
        let hash_key = self.settings.hash_key;
        let sighting = sighting(record, (at, most), &hash_key);
        let holder = self.names.see(owner, sighting);
        if let Some(places) = holder.leaked_to {
            let alert = self.leak(record, at, places);
            outputs.push(Output::Alert(alert));
        }
        if holder.is_renamed {
            let again = self.decide_again(record, (at, holder.number));
            outputs.extend(again.map(Output::Decision));
        }
        let own = Attributed {
            owner: holder.number,
            stand_in: None,
        };
        let stand_in = Some(StandIn {
            name: holder.number,
            is_shared: holder.is_shared,
        });
        let Some(address) = record.address else {
            // Nobody stands in for it: it is shown, and never acted on.
            return Attributed { stand_in, ..own };
        };
        if holder.is_own && !REFUSALS.contains(&record.status) {
            if sighting.is_proof {
                self.neighbours
                    .note_name(sighting.place, holder.number, at.as_millis());
            }
            return own;
        }
        // What a name is refused while it is blocked is our own doing: it must not be held against the address.
        let block = self.memory.sequencer.blocks.find(holder.number, &record.client);
        if block.is_some_and(|block| at < block.until) {
            return own;
        }
        Attributed {
            owner: hash_key.hash(&Client::from_address(address)),
            stand_in,
        }
    }

    /// The keyed hash of a client, or the number under which the state of a name is kept.
    pub(crate) fn owner_of(&self, client: &Client) -> u64 {
        self.names.number_of(self.settings.hash_key.hash(client))
    }

    /// The machine's block of a secret, under the name that the present key gives it, for as long as it still holds: whoever looks
    /// names up finds it under either. What a person ordered stays as it was ordered.
    fn decide_again(&self, record: &RequestRecord<'_>, (at, number): (Timestamp, u64)) -> Option<Decision> {
        let sequencer = &self.memory.sequencer;
        let block = sequencer.blocks.find(number, &record.client)?;
        let offender = sequencer.offenders.get(number)?;
        let ttl_secs = u32::try_from(block.until.millis_since(at) / 1000).ok()?;
        // Which gateways carry a partial block out is not remembered with it: it ends with its name.
        if block.is_ordered || block.is_partial || self.settings.policy.is_shadow || ttl_secs == 0 {
            return None;
        }
        Some(Decision {
            id: self
                .settings
                .hash_key
                .decision_id(&record.client, offender.threat, offender.started_at),
            client: record.client.clone(),
            conditions: Vec::new(),
            gateways: Vec::new(),
            action: Action::Block,
            priority: 0,
            origin: Origin::Policy,
            price: Price {
                clients: 0,
                successful_requests: 0,
                error: 0.0,
            },
            threat: offender.threat,
            alert_id: None,
            reason: "blocked under the name that it had before the key of secrets was replaced".to_owned(),
            event_at: at,
            ttl_secs,
            mode: Mode::Enforced,
            completeness: None,
            model: self.scorer.version().to_owned(),
        })
    }

    /// That a name which was one client's for long comes from many places now. It is told and never acted on: an app that begins
    /// to use the key looks the same, and whoever stole it is judged by his address.
    fn leak(&self, record: &RequestRecord<'_>, at: Timestamp, places: f32) -> Alert {
        let kind = ThreatKind::TokenAbuse;
        Alert {
            id: self.settings.hash_key.decision_id(&record.client, kind, at),
            client: record.client.clone(),
            threats: vec![ThreatClaim {
                kind,
                confidence: LEAK_CONFIDENCE,
            }],
            score: LEAK_CONFIDENCE,
            p_value: 1.0,
            action: Action::Observe,
            first_seen: at,
            alerted_at: at,
            action_at: None,
            requests_before_alert: 0,
            requests_before_action: None,
            reasons: vec![Reason {
                feature: "name_places",
                value: places,
                typical: 1.0,
                contribution: 1.0,
                sentence: format!(
                    "it was one client's for days, from one or two places, and comes from about {places:.0} now: it may be stolen"
                ),
            }],
            what_if: Vec::new(),
            // Names are counted whole, whatever the effort.
            completeness: None,
            evidence: vec![domain::Evidence {
                position: record.position,
                at,
                request: (self.settings.describe.request)(record),
                status: record.status,
            }],
            held_back: Some(
                "many use this name: it is never acted on alone, their addresses are; if it was stolen, revoke it where it was \
                 given out"
                    .to_owned(),
            ),
            model: self.scorer.version().to_owned(),
            members: Vec::new(),
        }
    }
}

/// Whether the gateway served it: who is only sent on may be sent to where people sign in.
fn is_accepted(status: u16) -> bool {
    matches!(status, 200..=299 | 304)
}

fn sighting(record: &RequestRecord<'_>, (at, most): (Timestamp, Action), hash_key: &HashKey) -> Sighting {
    let place = record.address.map(Client::from_address);
    // A JA4 keeps still; browsers shuffle what a JA3 is made of at every connection.
    let fingerprint = record.fingerprint.as_deref().filter(|text| text.contains('_'));
    let program = (text_hash(record.user_agent.as_deref()), text_hash(fingerprint));
    Sighting {
        scope: record.client.scope(),
        at_millis: at.as_millis(),
        place: place.map_or(0, |place| hash_key.hash(&place)),
        program: hash_key.hash(&program),
        is_proof: most == Action::Block
            && is_accepted(record.status)
            && !record.is_stopped
            && record.address.is_some(),
        former: record.former.map(NonZeroU64::get),
    }
}

#[cfg(test)]
#[path = "attribution_tests.rs"]
mod tests;
