//! What is read of a document: its version, its paths, its servers. All else is passed over.

use super::server::{Server, bases, cut};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// A document.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    openapi: Option<Version>,
    swagger: Option<Version>,
    #[serde(rename = "basePath")]
    base_path: Option<String>,
    servers: Option<Vec<Server>>,
    paths: Option<Paths>,
}

/// `3.1.0`, or a number where YAML takes it for one.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Version {
    Text(String),
    Number(f64),
}

/// Paths in their order.
#[derive(Debug)]
struct Paths(Vec<(String, Option<PathItem>)>);

/// One path: servers of its own, and of its operations.
#[derive(Debug, Deserialize)]
struct PathItem {
    servers: Option<Vec<Server>>,
    get: Option<Operation>,
    put: Option<Operation>,
    post: Option<Operation>,
    delete: Option<Operation>,
    options: Option<Operation>,
    head: Option<Operation>,
    patch: Option<Operation>,
    trace: Option<Operation>,
    query: Option<Operation>,
}

#[derive(Debug, Deserialize)]
struct Operation {
    servers: Option<Vec<Server>>,
}

impl Document {
    /// Reads a document's text. What may nest is limited by whoever reads it: 128 levels of JSON; YAML within a budget, since
    /// it can grow when its aliases are followed.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}');
        if text.trim_start().starts_with('{') {
            return serde_json::from_str(text).map_err(|error| error.to_string());
        }
        // A document of the largest size has about as many: four bytes for each.
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_events: 5_000_000,
                max_nodes: 5_000_000,
            },
        };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
    }

    /// What the version was found to be, where it is none that is known.
    pub(super) fn wrong_version(&self) -> Option<String> {
        let (name, version, known) = match (&self.openapi, &self.swagger) {
            (Some(version), _) => ("openapi", version, "3."),
            (None, Some(version)) => ("swagger", version, "2."),
            (None, None) => return Some("neither `openapi` nor `swagger` in it".to_owned()),
        };
        let text = version.text();
        let is_known = text.starts_with(known) || Some(text.as_str()) == known.strip_suffix('.');
        (!is_known).then(|| format!("{name}: {}", super::shown(&text)))
    }

    /// The paths as gateways see them: behind the base path of each server.
    pub(super) fn templates(&self) -> impl Iterator<Item = String> + '_ {
        let common = match (&self.swagger, &self.base_path) {
            (Some(_), Some(base)) => vec![cut(base).trim_end_matches('/').to_owned()],
            _ => bases(self.servers.as_deref().unwrap_or_default()),
        };
        let paths = self.paths.iter().flat_map(|paths| &paths.0);
        paths.flat_map(move |(path, item)| {
            let bases = item.as_ref().map_or_else(Vec::new, |item| item.bases(&common));
            let bases = if bases.is_empty() { common.clone() } else { bases };
            // Behind a base path it would look like one that begins with a slash.
            let is_path = path.starts_with('/');
            let path = cut(path);
            let at = move |base: String| if is_path { base + path } else { path.to_owned() };
            bases.into_iter().map(at)
        })
    }
}

impl PathItem {
    /// The base paths that hold for it. A server of the path goes before those of the document, one of an operation before both.
    fn bases(&self, common: &[String]) -> Vec<String> {
        let own = self.servers.as_deref().filter(|servers| !servers.is_empty());
        let mut found = own.map_or_else(|| common.to_vec(), bases);
        let operations = [
            &self.get,
            &self.put,
            &self.post,
            &self.delete,
            &self.options,
            &self.head,
            &self.patch,
            &self.trace,
            &self.query,
        ];
        let servers = operations
            .into_iter()
            .flatten()
            .filter_map(|operation| operation.servers.as_deref());
        found.extend(servers.filter(|servers| !servers.is_empty()).flat_map(bases));
        found
    }
}

impl Version {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl<'de> Deserialize<'de> for Paths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReadPaths)
    }
}

struct ReadPaths;

impl<'de> Visitor<'de> for ReadPaths {
    type Value = Paths;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a map of paths")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Paths, A::Error> {
        let mut paths = Vec::new();
        while let Some(path) = map.next_key::<String>()? {
            // Extensions stand among them, and may hold anything.
            if path.starts_with("x-") {
                map.next_value::<IgnoredAny>()?;
            } else {
                paths.push((path, map.next_value()?));
            }
        }
        Ok(Paths(paths))
    }
}
