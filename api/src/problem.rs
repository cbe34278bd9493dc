//! Errors as `application/problem+json` (RFC 9457). Internal detail goes to the log, never into an answer.

use crate::neutral::neutralise;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong, for a program and for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Which problem it is: a name that does not change, behind `about:portcullis/`.
    #[serde(rename = "type")]
    kind: String,
    /// The same in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What was wrong with this request.
    detail: String,
    /// When it may be tried again, in seconds, where another time than a minute is known.
    #[serde(skip)]
    #[schema(ignore)]
    retry_secs: Option<u32>,
}

impl Problem {
    fn new(status: StatusCode, name: &str, title: &'static str, detail: &str) -> Self {
        Self {
            kind: format!("about:portcullis/{name}"),
            title,
            status: status.as_u16(),
            detail: neutralise(detail).into_owned(),
            retry_secs: None,
        }
    }

    /// The request makes no sense, and why.
    pub(crate) fn bad_request(detail: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad_request",
            "The request cannot be understood",
            detail,
        )
    }

    /// No key, or a wrong one.
    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "A key is needed",
            "send an API key as a bearer token or sign in",
        )
    }

    /// The key is good but may not do this.
    pub(crate) fn forbidden(detail: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    /// There is nothing here.
    pub(crate) fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", detail)
    }

    /// Something of that name is already there.
    pub(crate) fn conflict(detail: &str) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "Already there", detail)
    }

    /// The body is of a kind that is not read.
    pub(crate) fn unsupported(detail: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "The body is of another kind",
            detail,
        )
    }

    /// The body is longer than anything that is expected.
    pub(crate) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "Too large",
            "the body is longer than this route reads",
        )
    }

    /// The resource is there, but not for this method.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "Method not allowed",
            "this resource does not know that method",
        )
    }

    /// The request came under a name that is not ours.
    pub(crate) fn misdirected() -> Self {
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            "unknown_host",
            "Unknown host",
            "this host name is not in the list of allowed hosts",
        )
    }

    /// Too many of something, to be tried again later.
    pub(crate) fn too_many(detail: &str) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", "Too many", detail)
    }

    /// The store does not answer; trying again may help.
    pub(crate) fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Not available at the moment",
            "the store does not answer: try again",
        )
    }

    /// There is no room at the moment; trying again after so many seconds may help.
    pub(crate) fn unavailable_until(secs: u32, detail: &str) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Not available at the moment",
            detail,
        )
        .retried_after(secs)
    }

    /// The same, to be tried again after so many seconds.
    pub(crate) fn retried_after(mut self, secs: u32) -> Self {
        self.retry_secs = Some(secs);
        self
    }

    /// A fault of ours.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "A fault on our side",
            "the log of the server says more",
        )
    }
}

impl From<storage::Error> for Problem {
    fn from(error: storage::Error) -> Self {
        match &error {
            storage::Error::AlreadyExists { what, name } => {
                Self::conflict(&format!("{what} {name:?} already exists"))
            }
            storage::Error::Refused { doing, why } => Self::bad_request(&format!("could not {doing}: {why}")),
            other if other.is_retryable() => {
                tracing::warn!(%error, "the store does not answer");
                Self::unavailable()
            }
            _ => {
                tracing::error!(%error, "the store failed");
                Self::internal()
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let content = (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        let mut response = (status, [content], body).into_response();
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
            // A minute: the window of failed attempts; a store that is gone is rarely back sooner.
            let secs = HeaderValue::from(self.retry_secs.unwrap_or(60));
            response.headers_mut().insert(header::RETRY_AFTER, secs);
        }
        response
    }
}
