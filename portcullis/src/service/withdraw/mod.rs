//! Takes decisions back whose grounds are gone: the machine's own word about its own decisions, in the journal beside people's, so that
//! every gateway hears of it and a person can read why.
//!
//! What ends a decision by itself is elsewhere: allowlist entries of clients and ranges in the blocklist, a person's verdict in the store.

mod model;
mod system;

pub(super) use model::{changed_in, rolled_back};
pub(super) use system::watch_systems;

use super::Shared;
use domain::{DecisionId, OrderKind};
use storage::NewOrder;

/// Who takes them back.
const BY: &str = "portcullis";

/// Takes one decision back. Whether it went: one that a person ended meanwhile has.
async fn take_back(shared: &Shared, decision: DecisionId, client: &domain::Client, reason: String) -> bool {
    let order = NewOrder {
        kind: OrderKind::Revoke { decision },
        client: client.clone(),
        reason,
        by: BY.to_owned(),
        from: "detect".to_owned(),
    };
    match shared.store.append_order(&order, (shared.clock)()).await {
        Ok(_) => {
            shared.blocklist.wake();
            true
        }
        Err(error) => {
            tracing::warn!(%error, %decision, "could not take decision {decision} back: {error}");
            false
        }
    }
}
