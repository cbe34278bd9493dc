//! The dashboard's files, carried inside the binary.
//!
//! Building works without Node: where the dashboard was not built, a page says how to build it.

use crate::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

/// What `make dashboard` makes. Debug builds read the folder when asked, release builds carry it.
#[derive(RustEmbed)]
#[folder = "../dashboard/dist"]
#[allow_missing = true]
struct Dashboard;

const INDEX: &str = "index.html";
/// Names of these files hold a hash of their content: they never change.
const HASHED_FOLDER: &str = "assets/";

/// Shown while there is no dashboard.
const PLACEHOLDER: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Portcullis</title>\n\
    <h1>Portcullis is running</h1>\n<p>This binary was built without its dashboard. To build it, install Node with npm, \
    run <code>make dashboard</code>, then <code>make build</code>. The API answers under <code>/api/v1</code>.</p>\n</html>\n";

/// A file, or the page that draws every path of the dashboard.
pub(crate) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return Problem::method_not_allowed().into_response();
    }
    let path = uri.path().trim_start_matches('/');
    if let Some(file) = Dashboard::get(path).filter(|_| !path.is_empty()) {
        return answer(path, file);
    }
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let wants_page = accepts.is_none_or(|accepts| accepts.contains("text/html") || accepts.contains("*/*"));
    if !wants_page || path.starts_with(HASHED_FOLDER) {
        return StatusCode::NOT_FOUND.into_response();
    }
    match Dashboard::get(INDEX) {
        Some(file) => answer(INDEX, file),
        None => {
            let kind = HeaderValue::from_static("text/html; charset=utf-8");
            ([(header::CONTENT_TYPE, kind)], PLACEHOLDER).into_response()
        }
    }
}

fn answer(path: &str, file: EmbeddedFile) -> Response {
    let kind = HeaderValue::from_str(file.metadata.mimetype())
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let cache = if path.starts_with(HASHED_FOLDER) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
    ];
    (headers, Body::from(file.data)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(path: &'static str, accept: &'static str) -> Response {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
        serve(Method::GET, Uri::from_static(path), headers).await
    }

    #[tokio::test]
    async fn every_path_of_the_dashboard_is_a_page_and_a_missing_file_is_none() {
        for path in ["/", "/alerts", "/clients/ip/203.0.113.9"] {
            let answer = ask(path, "text/html").await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert!(
                answer.headers()[header::CONTENT_TYPE]
                    .to_str()
                    .unwrap()
                    .starts_with("text/html")
            );
        }
        assert_eq!(
            ask("/assets/gone.js", "*/*").await.status(),
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            ask("/alerts", "application/json").await.status(),
            StatusCode::NOT_FOUND
        );
    }
}
