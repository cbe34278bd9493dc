//! Downloads: written slice by slice, so that a long list never stands in memory.

use crate::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt as _};
use serde::Serialize;

/// Rows that are read and written at a time.
pub(crate) const ROWS_AT_ONCE: u32 = 500;

/// The form of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object per line.
    JsonLines,
}

impl Format {
    /// Reads its name.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::JsonLines),
            other => Err(format!("unknown format {other:?}: there are csv and jsonl")),
        }
    }

    const fn content(self) -> HeaderValue {
        match self {
            Self::Csv => HeaderValue::from_static("text/csv; charset=utf-8"),
            Self::JsonLines => HeaderValue::from_static("application/jsonl; charset=utf-8"),
        }
    }

    const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }
}

/// Appends a row as one line of JSON.
pub(crate) fn push_json_line(out: &mut String, row: &impl Serialize) {
    // Plain structures of ours: serialising them to memory cannot fail.
    out.push_str(&serde_json::to_string(row).unwrap_or_default());
    out.push('\n');
}

/// A download of these chunks. A store that fails at once is a problem; one that fails later breaks the download
/// off, so that nobody takes a part for the whole.
pub(crate) async fn download(
    name: &str,
    format: Format,
    csv_header: &'static str,
    chunks: impl Stream<Item = Result<String, storage::Error>> + Send + 'static,
) -> Result<Response, Problem> {
    let mut chunks = Box::pin(chunks);
    let mut first = match format {
        Format::Csv => csv_header.to_owned(),
        Format::JsonLines => String::new(),
    };
    if let Some(chunk) = chunks.next().await {
        first.push_str(&chunk?);
    }
    let rest = chunks.inspect(|chunk| {
        if let Err(error) = chunk {
            tracing::warn!(%error, "a download was broken off");
        }
    });
    let body = Body::from_stream(futures::stream::once(async { Ok(first) }).chain(rest));
    let disposition = format!("attachment; filename=\"portcullis-{name}.{}\"", format.ending());
    let headers = [
        (header::CONTENT_TYPE, format.content()),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&disposition).map_err(|_| Problem::internal())?,
        ),
    ];
    Ok((headers, body).into_response())
}
