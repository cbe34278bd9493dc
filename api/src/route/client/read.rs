//! Everything that is shown of one client.

use crate::blocklist::read;
use crate::problem::Problem;
use crate::route::Doc;
use crate::route::allowlist::list::ordered_entries;
use crate::route::input::Path;
use crate::state::ApiState;
use crate::wire::{AlertView, ClientPage, DecisionView, OrderView, parse_client, shown};
use axum::Json;
use axum::extract::State;
use domain::{Client, Timestamp};
use std::sync::Arc;
use storage::{AlertFilter, DecisionFilter, OrderFilter, Page};

/// Alerts, decisions and orders of one client that its page shows: the lists have the rest.
const ROWS_SHOWN: u32 = 50;

pub(crate) fn doc() -> Doc {
    Doc::new("read_client", "Everything that is shown of one client")
        .path(
            "scope",
            "What kind of thing the value names: `ip`, `range`, `api_key` and so on.",
        )
        .path(
            "value",
            "Address, range or name, percent-encoded. Scope and value together are a client's `ref`.",
        )
        .answers::<ClientPage>(200, "Its page, also for a client of which nothing is kept.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Path((scope, value)): Path<(String, String)>,
) -> Result<Json<ClientPage>, Problem> {
    let client = parse_client(&scope, &value).map_err(|why| Problem::bad_request(&why))?;
    let now = state.now();
    let rows = Page::first(ROWS_SHOWN);
    let about = Some(client.clone());
    let summary = state.store.client(&client).await?;
    let alerts = AlertFilter {
        client: about.clone(),
        ..AlertFilter::default()
    };
    let decisions = DecisionFilter {
        client: about.clone(),
        ..DecisionFilter::default()
    };
    let orders = OrderFilter {
        client: about,
        by: None,
        is_reports: false,
    };
    let mut page = ClientPage::new(&client, summary.as_ref());
    let alerts = state.store.query_alerts(&alerts, &rows).await?;
    page.alerts = alerts.items.iter().map(AlertView::new).collect();
    let decisions = state.store.query_decisions(&decisions, &rows, now).await?;
    page.decisions = decisions.items.iter().map(DecisionView::new).collect();
    let orders = state.store.query_orders(&orders, &rows).await?;
    page.orders = orders.items.iter().map(OrderView::new).collect();
    page.in_force = read(&*state.blocklist, |list| {
        let entry = list
            .check_client(&client, None)
            .filter(|entry| entry.expires_at > now);
        entry.map(|entry| entry.id.to_string())
    });
    page.protected_by = protected_by(&state, &client, now).await?.as_deref().map(shown);
    Ok(Json(page))
}

/// Why a decision about the client would not be carried out.
async fn protected_by(state: &ApiState, client: &Client, now: Timestamp) -> Result<Option<String>, Problem> {
    if let Some(reason) = state.blocklist.configured().protects(client, now) {
        return Ok(Some(reason.to_owned()));
    }
    let entries = ordered_entries(&*state.store, now).await?;
    let entry = entries.iter().find(|(order, _)| order.client.overlaps(client));
    Ok(entry.map(|(order, _)| format!("allowed by {}: {}", order.by, order.reason)))
}
