//! Decisions that match, as a download.

use super::query::DecisionQuery;
use crate::problem::Problem;
use crate::route::Doc;
use crate::route::export::{Format, ROWS_AT_ONCE, download, push_json_line};
use crate::route::input::{Query, read};
use crate::state::ApiState;
use crate::wire::DecisionView;
use axum::extract::State;
use axum::response::Response;
use domain::StampedDecision;
use futures::stream::try_unfold;
use std::sync::Arc;
use storage::Page;

pub(crate) fn doc() -> Doc {
    Doc::new(
        "export_decisions",
        "Every decision that matches, newest first, as a download",
    )
    .query::<DecisionQuery>()
    .answers_text("text/csv", "CSV, or JSON Lines with `format=jsonl`.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Query(query): Query<DecisionQuery>,
) -> Result<Response, Problem> {
    let format = read(query.format.as_deref(), Format::parse)?.unwrap_or(Format::Csv);
    let (filter, now) = (query.filter()?, state.now());
    let chunks = try_unfold(Some(Page::first(ROWS_AT_ONCE)), move |page| {
        let (state, filter) = (Arc::clone(&state), filter.clone());
        async move {
            let Some(page) = page else { return Ok(None) };
            let rows = state.store.query_decisions(&filter, &page, now).await?;
            let following = rows.next.map(|cursor| Page {
                limit: ROWS_AT_ONCE,
                cursor: Some(cursor),
            });
            Ok(Some((write(&rows.items, format), following)))
        }
    });
    download("decisions", format, DecisionView::CSV_HEADER, chunks).await
}

fn write(rows: &[StampedDecision], format: Format) -> String {
    let mut out = String::new();
    for row in rows {
        let view = DecisionView::new(row);
        match format {
            Format::Csv => view.push_csv(&mut out),
            Format::JsonLines => push_json_line(&mut out, &view),
        }
    }
    out
}
