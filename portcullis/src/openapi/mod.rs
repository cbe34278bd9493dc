//! OpenAPI documents: which routes the operator's own API has, before its traffic tells. OpenAPI 3 and Swagger 2, as JSON or YAML.
//!
//! Of a document its paths are read, and the base paths of its servers; `ingest` compiles them. One set of documents for the
//! whole process, as with what is masked, so that what is shown of a route is what it was counted under.

mod document;
mod server;

use document::Document;
use ingest::route::{DocumentedRoutes, ROUTES_MAX, RouteCatalogue, WrongTemplate};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Largest document, in bytes: twice the largest that is known to be published (GitHub's, about 9 MB).
const DOCUMENT_BYTES_MAX: u64 = 20 << 20;

static IN_FORCE: OnceLock<DocumentedRoutes> = OnceLock::new();

/// A document that cannot be used.
#[derive(Debug)]
pub(crate) struct WrongDocument {
    /// Its place in the list of files.
    pub(crate) place: usize,
    file: PathBuf,
    /// What it was found to be, after its name: `with the path "/users/{id"`.
    pub(crate) found: String,
    /// What was expected instead.
    pub(crate) expected: String,
}

impl fmt::Display for WrongDocument {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        write!(out, "{file}: found {}, expected {}", self.found, self.expected)
    }
}

impl std::error::Error for WrongDocument {}

/// Reads documents and sets them in force; those that were give way. No file, nothing changes.
///
/// # Errors
/// The first document that cannot be used; what was in force stays.
pub(crate) fn set(files: &[PathBuf]) -> Result<(), WrongDocument> {
    if files.is_empty() {
        return Ok(());
    }
    let catalogue = read(files)?;
    match IN_FORCE.get() {
        Some(documents) => documents.exchange(catalogue),
        // Whoever came between has read the same files.
        None => drop(IN_FORCE.set(DocumentedRoutes::new(catalogue))),
    }
    Ok(())
}

/// The documented routes in force, if any are.
pub(crate) fn in_force() -> Option<&'static DocumentedRoutes> {
    IN_FORCE.get()
}

/// A path's template: that of its documented route, else what its look tells.
pub(crate) fn template(path: &str) -> String {
    let catalogue = in_force().map(DocumentedRoutes::catalogue);
    let documented = catalogue.as_ref().and_then(|catalogue| catalogue.template(path));
    documented.map_or_else(|| ingest::route::template(path), str::to_owned)
}

/// Reads documents.
///
/// # Errors
/// The first that cannot be used.
pub(crate) fn read(files: &[PathBuf]) -> Result<RouteCatalogue, WrongDocument> {
    let mut templates: Vec<String> = Vec::new();
    // For each document the end of its templates, and those as it writes them.
    let mut origins: Vec<(usize, usize)> = Vec::new();
    for (place, file) in files.iter().enumerate() {
        let wrong = |(found, expected)| WrongDocument {
            place,
            file: file.clone(),
            found,
            expected,
        };
        let document = read_one(file).map_err(wrong)?;
        for template in document.templates() {
            if templates.len() > ROUTES_MAX {
                break;
            }
            templates.push(template);
        }
        if origins.last().map_or(0, |(_, end)| *end) == templates.len() {
            let found = "no path in it".to_owned();
            return Err(wrong((found, "a document with at least one path".to_owned())));
        }
        origins.push((place, templates.len()));
    }
    RouteCatalogue::new(templates.iter().map(String::as_str)).map_err(|(index, why)| {
        let origin = origins.iter().find(|(_, end)| index < *end);
        let place = origin.map_or(0, |(place, _)| *place);
        let found = match why {
            WrongTemplate::TooMany => "too many paths".to_owned(),
            _ => format!("the path \"{}\"", shown(&templates[index])),
        };
        WrongDocument {
            place,
            file: files[place].clone(),
            found,
            expected: why.to_string(),
        }
    })
}

fn read_one(file: &Path) -> Result<Document, (String, String)> {
    let expected = "a document of OpenAPI 3.0, 3.1 or 3.2, or Swagger 2.0, as JSON or YAML";
    let unreadable = |error: std::io::Error| {
        (
            format!("a file that cannot be read ({})", error.kind()),
            expected.to_owned(),
        )
    };
    let bytes = std::fs::metadata(file).map_err(unreadable)?.len();
    if bytes > DOCUMENT_BYTES_MAX {
        return Err((format!("{bytes} bytes"), format!("at most {DOCUMENT_BYTES_MAX}")));
    }
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    let document = Document::parse(&text).map_err(|why| {
        let why = shown(&why);
        (
            "a text that cannot be read".to_owned(),
            format!("{expected}: {why}"),
        )
    })?;
    match document.wrong_version() {
        Some(found) => Err((found, expected.to_owned())),
        None => Ok(document),
    }
}

/// A text of a document as it is shown: cut, and nothing that a terminal obeys.
fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    let text = api::neutralise(text.lines().next().unwrap_or_default());
    text.chars().take(CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
