//! What handlers read from a request. Whatever makes no sense is refused with a problem that says why.

use crate::problem::Problem;
use crate::wire::ClientName;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use domain::{Action, Client, ThreatKind, Timestamp};
use serde::de::DeserializeOwned;
use storage::Page;

/// Items of a slice when nothing else is asked: a few screens.
const SLICE_ITEMS: u32 = 50;

/// The parameters of the query. Unknown ones are refused: a filter with a slip in its name must not show
/// everything.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|error| Problem::bad_request(&error.body_text()))
    }
}

/// The parameters of the path, percent-decoded.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Path::from_request_parts(parts, state).await;
        read.map(|axum::extract::Path(path)| Self(path))
            .map_err(|error| Problem::bad_request(&error.body_text()))
    }
}

/// The body, as JSON.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let content = request.headers().get(header::CONTENT_TYPE);
        // A form of another site can send text and forms without asking first, but never JSON.
        if !content.is_some_and(|content| content.as_bytes().starts_with(b"application/json")) {
            return Err(Problem::unsupported("the body must be application/json"));
        }
        let body = Bytes::from_request(request, state).await.map_err(|error| {
            if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::too_large()
            } else {
                Problem::bad_request("the body broke off")
            }
        })?;
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|error| Problem::bad_request(&format!("the body is not what was expected: {error}")))
    }
}

/// The slice that is asked for.
pub(crate) fn page(limit: Option<u32>, cursor: Option<String>) -> Page {
    Page {
        limit: limit.unwrap_or(SLICE_ITEMS),
        cursor,
    }
}

/// Reads a parameter, where there is one: an empty one counts as absent.
pub(crate) fn read<T>(
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Problem> {
    match text.filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => parse(text).map(Some).map_err(|why| Problem::bad_request(&why)),
    }
}

/// Reads an action.
pub(crate) fn action(text: &str) -> Result<Action, String> {
    text.parse().map_err(|_| format!("unknown action {text:?}"))
}

/// Reads a kind of threat.
pub(crate) fn threat(text: &str) -> Result<ThreatKind, String> {
    ThreatKind::from_name(text).ok_or_else(|| format!("unknown threat {text:?}"))
}

/// Reads a time.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| format!("{text:?} is no time in RFC 3339"))
}

/// Reads a client: its reference, or an address or range as people write it.
pub(crate) fn client(text: &str) -> Result<Client, String> {
    ClientName::find(text)
}
