//! Giving an order: a person's word, with who, when, why and from where.

use crate::auth::Caller;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::route::Doc;
use crate::route::input::Json;
use crate::state::ApiState;
use crate::wire::{NewOrderView, OrderReceiptView};
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use domain::{AlertId, Client, OrderKind, Timestamp};
use std::sync::Arc;
use storage::{NewOrder, StoredAlert};

pub(crate) fn doc() -> Doc {
    Doc::new(
        "create_order",
        "Gives an order: block, lift, revoke, allow, disallow, verdict, suspend or resume",
    )
    .body::<NewOrderView>()
    .answers::<OrderReceiptView>(201, "What the order did.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Extension(caller): Extension<Caller>,
    Extension(peer): Extension<Peer>,
    Json(order): Json<NewOrderView>,
) -> Result<(StatusCode, axum::Json<OrderReceiptView>), Problem> {
    let now = state.now();
    let (kind, client, reason) = order.read(now).map_err(|why| Problem::bad_request(&why))?;
    let client = match (&kind, client) {
        (OrderKind::Revoke { decision }, _) => {
            let decision = state.store.decision(*decision).await?;
            let decision = decision.ok_or_else(|| Problem::not_found("there is no such decision"))?;
            decision.decision.client
        }
        (OrderKind::Suspend { .. } | OrderKind::Resume, _) => Client::everybody(),
        (OrderKind::Verdict { alert, .. }, _) => alert_of(&state, *alert).await?.client,
        (_, Some(client)) => client,
        (_, None) => return Err(Problem::bad_request("client is missing")),
    };
    refuse_without_effect(&state, &kind, &client, now)?;
    give(&state, (kind, client, reason), (caller, peer), now).await
}

/// The alert that a verdict is about.
pub(crate) async fn alert_of(state: &ApiState, id: AlertId) -> Result<StoredAlert, Problem> {
    let alert = state.store.alert(id).await?;
    alert.ok_or_else(|| Problem::not_found("there is no such alert"))
}

/// Writes an order down: what, about whom and why; by whom and from where.
pub(crate) async fn give(
    state: &ApiState,
    (kind, client, reason): (OrderKind, Client, String),
    (caller, peer): (Caller, Peer),
    now: Timestamp,
) -> Result<(StatusCode, axum::Json<OrderReceiptView>), Problem> {
    let order = NewOrder {
        kind,
        client,
        reason,
        by: caller.name,
        from: peer.address.ip().to_string(),
    };
    let receipt = state.store.append_order(&order, now).await?;
    state.metrics.ordered(order.kind.as_str(), &order.by);
    // Gateways that ask and dashboards that watch learn of it now, not at the next look at the journal.
    state.blocklist.wake();
    Ok((StatusCode::CREATED, axum::Json(OrderReceiptView::new(&receipt))))
}

/// A block of somebody whom the configuration protects would be written down and never be carried out: whoever
/// orders it must hear that at once.
fn refuse_without_effect(
    state: &ApiState,
    kind: &OrderKind,
    client: &Client,
    now: Timestamp,
) -> Result<(), Problem> {
    let is_block = matches!(kind, OrderKind::Block { .. });
    let configured = state.blocklist.configured();
    match configured.protects(client, now).filter(|_| is_block) {
        None => Ok(()),
        Some(reason) => Err(Problem::bad_request(&format!(
            "the block would not be carried out: the configured allowlist protects this client ({reason})"
        ))),
    }
}
