//! What is shown of a client, as a row.

use super::{corrupt, read_client, read_time};
use crate::engine::{Row, Value, params};
use crate::{CLIENT_JSON_BYTES_MAX, ClientSummary, Error};
use domain::Action;

/// The columns, in the order in which [`write`] and [`read`] use them.
pub(crate) const COLUMNS: &str =
    "scope, value, updated_at, first_seen, last_seen, requests, score, action, features, timeline";

/// Inserts or replaces one row.
pub(crate) const UPSERT: &str = "INSERT INTO client_summaries (scope, value, updated_at, first_seen, last_seen, \
    requests, score, action, features, timeline) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
    ON CONFLICT (scope, value) DO UPDATE SET updated_at = excluded.updated_at, \
    first_seen = excluded.first_seen, last_seen = excluded.last_seen, requests = excluded.requests, \
    score = excluded.score, action = excluded.action, features = excluded.features, \
    timeline = excluded.timeline";

/// Parameters of [`UPSERT`].
pub(crate) fn write(summary: &ClientSummary) -> Result<Vec<Value>, Error> {
    Ok(params![
        summary.client.scope().as_str(),
        summary.client.value().into_owned(),
        summary.updated_at,
        summary.first_seen,
        summary.last_seen,
        summary.requests,
        f64::from(summary.score),
        summary.action.map(|action| action.as_str().to_owned()),
        bounded_json("a client's features", &summary.features, CLIENT_JSON_BYTES_MAX)?,
        bounded_json("a client's timeline", &summary.timeline, CLIENT_JSON_BYTES_MAX)?,
    ])
}

/// Reads [`COLUMNS`].
pub(crate) fn read(mut row: Row) -> Result<ClientSummary, Error> {
    let row = &mut row;
    let json =
        |text: String| serde_json::from_str(&text).map_err(|error| corrupt("a client's summary", error));
    Ok(ClientSummary {
        client: read_client(row)?,
        updated_at: read_time(row)?,
        first_seen: read_time(row)?,
        last_seen: read_time(row)?,
        requests: row.count()?,
        score: row.real()? as f32,
        action: row
            .text_or_null()?
            .map(|word| {
                word.parse::<Action>()
                    .map_err(|error| corrupt("an action", error))
            })
            .transpose()?,
        features: json(row.text()?)?,
        timeline: json(row.text()?)?,
    })
}

/// Writes JSON that must not be longer than `bytes_max`.
pub(crate) fn bounded_json(what: &str, value: &serde_json::Value, bytes_max: usize) -> Result<String, Error> {
    let text = value.to_string();
    if text.len() > bytes_max {
        return Err(Error::Refused {
            doing: "store JSON",
            why: format!("{what} take {} bytes, at most {bytes_max} are kept", text.len()),
        });
    }
    Ok(text)
}
