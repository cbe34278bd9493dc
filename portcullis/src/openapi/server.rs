//! Servers of a document: of each, the path that stands before all others.

use ingest::route::DOCUMENTED_BYTES_MAX;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Most base paths of one list of servers, their variables filled in: a region and a version each have a few values.
const BASES_MAX: usize = 64;

/// Where texts of a document are cut, in bytes. A variable may stand in an URL a thousand times and bring a megabyte each time, with
/// further variables in it: what is longer than this makes a template that is too long in any case, and is told as that.
const TEXT_BYTES_MAX: usize = 2 * DOCUMENTED_BYTES_MAX;

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
        let url = cut(&self.url);
        let mut urls = vec![url.to_owned()];
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
            if values.is_empty() || !url.contains(&mark) {
                continue;
            }
            urls = urls
                .iter()
                .flat_map(|url| values.iter().map(|value| filled(url, &mark, value)))
                .take(BASES_MAX)
                .collect();
        }
        urls
    }
}

/// An URL with a value in every place of a variable.
fn filled(url: &str, mark: &str, value: &str) -> String {
    cut(&url.replace(mark, cut(value))).to_owned()
}

/// A text, or the beginning of one that is too long for anything.
pub(super) fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
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
