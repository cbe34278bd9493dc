//! The whole journal of orders, as a download.

use crate::problem::Problem;
use crate::route::Doc;
use crate::route::export::{Format, ROWS_AT_ONCE, download, push_json_line};
use crate::route::input::{Query, read};
use crate::state::ApiState;
use crate::wire::{ORDERS_CSV_HEADER, OrderView, push_order_csv};
use axum::extract::State;
use axum::response::Response;
use domain::Order;
use futures::stream::try_unfold;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// The form of the download.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportQuery {
    /// `csv` (the default) or `jsonl`.
    format: Option<String>,
}

pub(crate) fn doc() -> Doc {
    Doc::new(
        "export_orders",
        "The whole journal of orders, oldest first, as a download",
    )
    .query::<ExportQuery>()
    .answers_text("text/csv", "CSV, or JSON Lines with `format=jsonl`.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let format = read(query.format.as_deref(), Format::parse)?.unwrap_or(Format::Csv);
    let chunks = try_unfold(0, move |after| {
        let state = Arc::clone(&state);
        async move {
            let orders = state.store.tail_orders(after, ROWS_AT_ONCE).await?;
            Ok(orders.last().map(|last| (write(&orders, format), last.seq)))
        }
    });
    download("orders", format, ORDERS_CSV_HEADER, chunks).await
}

fn write(orders: &[Order], format: Format) -> String {
    let mut out = String::new();
    for order in orders {
        match format {
            Format::Csv => push_order_csv(&mut out, order),
            Format::JsonLines => push_json_line(&mut out, &OrderView::new(order)),
        }
    }
    out
}
