//! Whose page a request comes from, where the log does not say which host was asked.

use super::Epoch;
use crate::signal::{Signals, referer_name};
use domain::{HashKey, RequestRecord};

/// The keyed hash of the name of the site whose page a request comes from; `None` where it says nothing, or the log names the host and
/// nothing has to be learned. With and without `www.` a site is one.
pub(super) fn came_from(record: &RequestRecord<'_>, key: &HashKey) -> Option<u64> {
    let name = referer_name(record).filter(|_| record.host.is_none())?;
    Some(key.hash(name.strip_prefix("www.").unwrap_or(name)))
}

/// Says of a request that it may be planted when it comes from a page whose name is not among the site's own.
pub(super) fn note_foreign(signals: &mut Signals, record: &RequestRecord<'_>, epoch: Epoch<'_>) {
    if record.method == "GET" && signals.may_speak_for_an_attack() {
        let name = came_from(record, epoch.hash_key);
        signals.may_be_planted |= name.is_some_and(|name| epoch.population.names.is_another(name));
    }
}
