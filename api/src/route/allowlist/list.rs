//! Who is never blocked: by the configuration, and by people's orders.

use crate::problem::Problem;
use crate::route::Doc;
use crate::state::ApiState;
use crate::wire::{AllowView, Slice};
use axum::Json;
use axum::extract::State;
use domain::{Client, Order, OrderKind, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;
use storage::{Store, TAIL_MAX};

pub(crate) fn doc() -> Doc {
    Doc::new(
        "list_allowlist",
        "Who is never blocked: configured entries first, then ordered ones, newest first",
    )
    .answers_slice::<AllowView>("All of them.")
}

pub(crate) async fn handle(State(state): State<Arc<ApiState>>) -> Result<Json<Slice<AllowView>>, Problem> {
    let now = state.now();
    let configured = state.blocklist.configured();
    let mut items: Vec<AllowView> = configured
        .entries()
        .iter()
        .filter(|entry| entry.until.is_none_or(|until| until > now))
        .map(AllowView::configured)
        .collect();
    let ordered = ordered_entries(&*state.store, now).await?;
    items.extend(
        ordered
            .iter()
            .map(|(order, until)| AllowView::ordered(order, *until)),
    );
    Ok(Json(Slice { items, next: None }))
}

/// The allow orders that hold at `now`, newest first, each with its end. The blocklist keeps who is allowed, but
/// not why and by whom; that is in the journal, which people write and which is therefore short.
pub(crate) async fn ordered_entries(
    store: &dyn Store,
    now: Timestamp,
) -> Result<Vec<(Order, Option<Timestamp>)>, storage::Error> {
    let mut entries: HashMap<Client, (Order, Option<Timestamp>)> = HashMap::new();
    let mut after = 0;
    loop {
        let orders = store.tail_orders(after, TAIL_MAX).await?;
        let Some(last) = orders.last() else { break };
        after = last.seq;
        for order in orders {
            match order.kind {
                OrderKind::Allow { until } => {
                    entries.insert(order.client.clone(), (order, until));
                }
                // A person who blocks a client takes his own entry about it away, as `domain::blocklist` says.
                OrderKind::Disallow | OrderKind::Block { .. } => {
                    entries.remove(&order.client);
                }
                OrderKind::Lift { .. }
                | OrderKind::Revoke { .. }
                | OrderKind::Verdict { .. }
                | OrderKind::Suspend { .. }
                | OrderKind::Report { .. }
                | OrderKind::Resume => {}
            }
        }
    }
    let mut entries: Vec<_> = entries
        .into_values()
        .filter(|(_, until)| until.is_none_or(|until| until > now))
        .collect();
    entries.sort_by_key(|(order, _)| std::cmp::Reverse(order.seq));
    Ok(entries)
}
