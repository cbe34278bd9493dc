//! Who else comes from a client's address, as far as its requests tell.

use super::{Arrival, Epoch, Slot};
use crate::neighbours::{Earlier, Name, Use, steady};
use crate::stage::kin::{short_hash, text_hash};
use domain::Action;

impl Slot {
    /// Hands a request on, once its address was seen with a second program. `is_second` says that this one brought another agent.
    pub(super) fn note_company(
        &mut self,
        arrival: &Arrival<'_, '_>,
        (is_second, is_telling): (bool, bool),
        epoch: Epoch<'_>,
        uses: &mut Vec<Use>,
    ) {
        if !is_second && !self.shows.has_company() {
            return;
        }
        let is_believed = arrival.most == Action::Block && !self.is_claimed;
        if !is_believed || self.client.range().is_none() {
            return;
        }
        let earlier = (!self.shows.has_company()).then(|| self.earlier(arrival));
        self.shows.set_company();
        let record = arrival.record;
        uses.push(Use {
            owner: arrival.owner,
            at_millis: arrival.at.as_millis(),
            agent: short_hash(text_hash(record.user_agent.as_deref())),
            fingerprint: short_hash(text_hash(steady(record.fingerprint.as_deref()))),
            is_new_agent: is_second,
            is_success: record.is_success(),
            is_telling,
            earlier,
            name: is_telling.then(|| Name::of(record, epoch.describe.name)),
        });
    }

    /// What it did before the present request, which is counted already.
    fn earlier(&self, arrival: &Arrival<'_, '_>) -> Earlier {
        let present = u32::from(arrival.record.is_success());
        Earlier {
            first_millis: self.window.first_millis,
            last_millis: self.window.last_millis,
            requests: u32::try_from(self.window.requests.saturating_sub(1)).unwrap_or(u32::MAX),
            successes: (self.window.habit.successes.round() as u32).saturating_sub(present),
        }
    }
}
