//! The description of this API.

use crate::route::{Doc, openapi};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;

static DOCUMENT: LazyLock<String> = LazyLock::new(openapi);

pub(crate) fn doc() -> Doc {
    Doc::new("read_document", "This document, in OpenAPI 3.1")
        .answers_text("application/json", "The document.")
}

pub(crate) async fn handle() -> Response {
    let content = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, content)], DOCUMENT.as_str()).into_response()
}
