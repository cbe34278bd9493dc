//! Takes decisions back whose grounds are gone: the machine's own word about its own decisions, in the journal beside people's, so that
//! every gateway hears of it and a person can read why.
//!
//! What ends a decision by itself is elsewhere: allowlist entries of clients and ranges in the blocklist, a person's verdict in the store.

mod model;
mod system;

pub(super) use model::{changed_in, rolled_back};
pub(super) use system::watch_systems;

use super::Shared;
use domain::{Client, DecisionId, OrderKind};
use storage::NewOrder;

/// Who takes them back.
const BY: &str = "portcullis";

/// Takes one decision back; false when it is not there any more.
///
/// # Errors
/// When the store does not answer: it is to be tried again.
async fn take_back(
    shared: &Shared,
    decision: DecisionId,
    client: &Client,
    reason: &str,
) -> Result<bool, storage::Error> {
    let order = NewOrder {
        kind: OrderKind::Revoke { decision },
        client: client.clone(),
        reason: reason.to_owned(),
        by: BY.to_owned(),
        from: "detect".to_owned(),
    };
    match shared.store.append_order(&order, (shared.clock)()).await {
        Ok(_) => {
            shared.blocklist.wake();
            Ok(true)
        }
        Err(error) if error.is_retryable() => Err(error),
        Err(error) => {
            tracing::debug!(%error, %decision, "decision {decision} was gone when it was to be taken back: {error}");
            Ok(false)
        }
    }
}
