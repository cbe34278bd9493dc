//! The text of an OpenAPI document: its paths behind the base paths of its servers, and what is made of them.

use crate::text;
use ingest::route::{ROUTES_MAX, RouteCatalogue};

// The binary has no library: its readers are compiled in as they stand.
#[path = "../../portcullis/src/openapi/document.rs"]
mod document;
#[path = "../../portcullis/src/openapi/server.rs"]
mod server;

/// Stands for what the binary shows of a text.
fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}

/// One input.
pub fn run(data: &[u8]) {
    let Ok(document) = document::Document::parse(text(data)) else {
        return;
    };
    if document.wrong_version().is_some() {
        return;
    }
    let templates: Vec<String> = document.templates().take(ROUTES_MAX + 1).collect();
    if let Ok(catalogue) = RouteCatalogue::new(templates.iter().map(String::as_str)) {
        assert!(catalogue.len() <= templates.len());
    }
}
