//! Servers of a document: of each, the path that stands before all others.

use serde::Deserialize;
use std::collections::BTreeMap;

/// Most base paths of one list of servers, their variables filled in: a region and a version each have a few values.
const BASES_MAX: usize = 64;

/// One server.
#[derive(Debug, Deserialize)]
pub(super) struct Server {
    url: String,
    variables: Option<BTreeMap<String, Variable>>,
}

/// What may stand in an URL for `{name}`.
#[derive(Debug, Deserialize)]
struct Variable {
    #[serde(rename = "enum")]
    values: Option<Vec<String>>,
    default: Option<String>,
}

/// The base paths of servers, each once; that of no server at all is empty.
pub(super) fn bases(servers: &[Server]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for url in servers.iter().flat_map(Server::urls) {
        let base = path_of(&url);
        if found.len() < BASES_MAX && !found.contains(&base) {
            found.push(base);
        }
    }
    if found.is_empty() {
        found.push(String::new());
    }
    found
}

impl Server {
    /// Its URL with each value of each variable. A variable without any stays, and is a parameter like those of paths.
    fn urls(&self) -> Vec<String> {
        let mut urls = vec![self.url.clone()];
        for (name, variable) in self.variables.iter().flatten() {
            let mut values: Vec<&String> = variable.values.iter().flatten().collect();
            values.extend(
                variable
                    .default
                    .iter()
                    .filter(|default| !values.contains(default))
                    .collect::<Vec<_>>(),
            );
            let mark = format!("{{{name}}}");
            if values.is_empty() || !self.url.contains(&mark) {
                continue;
            }
            urls = urls
                .iter()
                .flat_map(|url| values.iter().map(|value| url.replace(&mark, value)))
                .take(BASES_MAX)
                .collect();
        }
        urls
    }
}

/// The path of an URL, without a slash at its end. Where the URL is relative, it is taken to begin at the root: from where
/// a document was fetched nobody knows here.
fn path_of(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or(url);
    let path = match url
        .split_once("://")
        .map(|(_, rest)| rest)
        .or_else(|| url.strip_prefix("//"))
    {
        Some(rest) => rest.split_once('/').map_or("", |(_host, path)| path),
        None => url.trim_start_matches('.'),
    };
    let path = path.trim_matches('/');
    if path.is_empty() {
        String::new()
    } else {
        format!("/{path}")
    }
}
