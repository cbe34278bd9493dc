//! Taking lines over that a gateway pushes, or a shipper for it.

use crate::auth::Caller;
use crate::line_sink::{PushRefused, Pushed};
use crate::problem::Problem;
use crate::route::Doc;
use crate::route::input::Query;
use crate::state::ApiState;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// Longest body as it comes, in bytes: above the 10 MB that Vector's http sink sends at most by default.
const BODY_BYTES_MAX: usize = 16 << 20;

/// Bodies that are read at a time: each may take three times its limit while it is unpacked.
pub(crate) const PUSHES_MAX: usize = 4;

/// How long a body may take to come: whoever is slower keeps others waiting.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// When a sender may try again, in seconds, that came while others were read.
const BUSY_RETRY_SECS: u32 = 1;

/// When a sender may try again, in seconds, that found no room: a checkpoint makes some.
const FULL_RETRY_SECS: u32 = 10;

/// Whose lines they are.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct IngestQuery {
    /// The gateway that the lines are of. It is the key's own, whether it is said or not; another one is refused.
    gateway: Option<String>,
}

/// What was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TakenView {
    /// Lines that are on the disk now, and will be read.
    lines: u64,
}

pub(crate) fn doc() -> Doc {
    Doc::new(
        "push_lines",
        "Takes lines of a gateway's access log over: text or JSON, a line each, or a JSON array",
    )
    .query::<IngestQuery>()
    .header(
        "Content-Encoding",
        "`gzip` or `zstd`, when the body is compressed.",
    )
    .text_body("Lines as the gateway wrote them, or as Vector's http sink and CrowdSec send them.")
    .answers::<TakenView>(
        202,
        "The lines are durable. Every line of the body was taken; otherwise none is.",
    )
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<IngestQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, axum::Json<TakenView>), Problem> {
    let Some(gateway) = caller.gateway else {
        return Err(Problem::forbidden("the key is bound to no gateway"));
    };
    if query.gateway.is_some_and(|named| named != gateway) {
        return Err(Problem::forbidden("the key speaks for another gateway"));
    }
    let Some(sink) = state.sink.clone() else {
        return Err(Problem::unavailable_until(
            FULL_RETRY_SECS,
            "this process takes no lines: it has no [push] section, or does not detect",
        ));
    };
    let Ok(_turn) = state.pushes.try_acquire() else {
        return Err(Problem::too_many("others are being read").retried_after(BUSY_RETRY_SECS));
    };
    let read = axum::body::to_bytes(body, BODY_BYTES_MAX);
    let body = match tokio::time::timeout(BODY_TIMEOUT, read).await {
        Ok(Ok(body)) => body,
        // Either it was too long or it broke off; of the two, only one has somebody who reads the answer.
        Ok(Err(_)) => return Err(Problem::too_large()),
        Err(_) => return Err(Problem::bad_request("the body did not come in time")),
    };
    let encoding = headers.get(header::CONTENT_ENCODING);
    let pushed = Pushed {
        gateway,
        body: body.into(),
        encoding: encoding.map(|encoding| String::from_utf8_lossy(encoding.as_bytes()).into_owned()),
    };
    let taken = tokio::task::spawn_blocking(move || sink.take(pushed)).await;
    let taken = taken.map_err(|error| {
        tracing::error!(%error, "a push was not taken: {error}");
        Problem::internal()
    })?;
    match taken {
        Ok(lines) => Ok((StatusCode::ACCEPTED, axum::Json(TakenView { lines }))),
        Err(PushRefused::Encoding(why)) => Err(Problem::unsupported(&why)),
        Err(PushRefused::TooLarge(_)) => Err(Problem::too_large()),
        Err(PushRefused::Unreadable(why)) => Err(Problem::bad_request(&why)),
        Err(PushRefused::Later(why)) => Err(Problem::unavailable_until(FULL_RETRY_SECS, &why)),
    }
}
