//! What a log shows of the routes that documents name: which were asked for, which were not, and what else was.

use crate::command::parse::open;
use crate::openapi;
use domain::{Documented, HashKey};
use ingest::route::RouteUse;
use ingest::{FormatChoice, LineBatch, Parser, ParserConfig};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Routes are counted by their text: any key does.
const KEY: HashKey = HashKey::new([0; 16]);

/// Undocumented routes that are counted apart; a scanner invents more, and those are counted together.
const UNDOCUMENTED_MAX: usize = 10_000;

/// Routes that are shown of each list.
const SHOWN_MAX: usize = 20;

/// Requests for one undocumented route.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    /// Those that were answered with success: somebody serves it.
    served: u64,
    all: u64,
}

/// What no document names.
#[derive(Debug, Default)]
struct Undocumented {
    routes: BTreeMap<String, Asked>,
    /// Requests for those that were not counted apart.
    others: u64,
}

/// Reads a whole log and tells of its routes.
pub(super) fn write_routes(path: &Path, format: FormatChoice, out: &mut impl Write) -> anyhow::Result<()> {
    let mut reader = open(path, 0)?;
    let mut parser = Parser::new(ParserConfig {
        format,
        documents: openapi::in_force().cloned(),
        ..ParserConfig::new(KEY)
    });
    let mut undocumented = Undocumented::default();
    let mut batch = LineBatch::default();
    while reader.fill(&mut batch) {
        for line in batch.lines() {
            if let Ok(record) = parser.parse(line.bytes, line.position)
                && record.route.documented == Documented::No
            {
                undocumented.add(&record.path, record.is_success());
            }
        }
    }
    match parser.route_use() {
        Some(found) => write_use(found, &undocumented, out),
        None => Ok(()),
    }
}

impl Undocumented {
    fn add(&mut self, path: &str, is_success: bool) {
        let template = openapi::template(path);
        if self.routes.len() >= UNDOCUMENTED_MAX && !self.routes.contains_key(&template) {
            self.others += 1;
            return;
        }
        let asked = self.routes.entry(template).or_default();
        asked.all += 1;
        asked.served += u64::from(is_success);
    }
}

fn write_use(found: &RouteUse, undocumented: &Undocumented, out: &mut impl Write) -> anyhow::Result<()> {
    let documented: u64 = found.requests.iter().sum();
    let requests = documented + found.undocumented;
    let asked = found.requests.iter().filter(|count| **count > 0).count();
    let routes = found.catalogue.len();
    writeln!(
        out,
        "\ndocumented routes: {asked} of {routes} asked for, by {documented} of {requests} requests"
    )?;
    let templates = found.catalogue.templates().zip(&found.requests);
    let unasked: Vec<&str> = templates
        .filter(|(_, count)| **count == 0)
        .map(|(route, _)| route)
        .collect();
    if !unasked.is_empty() {
        writeln!(out, "\nnot asked for:")?;
        for route in unasked.iter().take(SHOWN_MAX) {
            writeln!(out, "  {}", shown(route))?;
        }
        write_more(unasked.len(), out)?;
    }
    if found.undocumented > 0 {
        writeln!(out, "\n{:<60} {:>9} {:>9}", "undocumented", "requests", "served")?;
        let mut ranked: Vec<(&String, &Asked)> = undocumented.routes.iter().collect();
        ranked.sort_by(|left, right| right.1.cmp(left.1).then_with(|| left.0.cmp(right.0)));
        for (route, asked) in ranked.iter().take(SHOWN_MAX) {
            writeln!(out, "  {:<58} {:>9} {:>9}", shown(route), asked.all, asked.served)?;
        }
        write_more(ranked.len(), out)?;
        if undocumented.others > 0 {
            writeln!(
                out,
                "  {:<58} {:>9}",
                "routes that were not counted apart", undocumented.others
            )?;
        }
    }
    Ok(())
}

fn write_more(count: usize, out: &mut impl Write) -> std::io::Result<()> {
    match count.checked_sub(SHOWN_MAX) {
        Some(more @ 1..) => writeln!(out, "  and {more} more"),
        _ => Ok(()),
    }
}

/// A route as it is shown: secrets masked, cut, nothing that a terminal obeys.
fn shown(route: &str) -> String {
    const CHARS_MAX: usize = 58;
    let masked = crate::masking::masker().url(route);
    api::neutralise(&masked).chars().take(CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ingest::route::{DocumentedRoutes, RouteCatalogue};

    #[test]
    fn what_was_asked_for_and_what_was_not_is_told() {
        let catalogue = RouteCatalogue::new(["/users/{id}", "/orders"]).unwrap();
        let mut parser = Parser::new(ParserConfig {
            documents: Some(DocumentedRoutes::new(catalogue)),
            ..ParserConfig::new(KEY)
        });
        let mut undocumented = Undocumented::default();
        for (path, status) in [
            ("/users/anna", 200),
            ("/hidden/7", 200),
            ("/hidden/8", 404),
            ("/.env", 404),
            ("/users/7", 404),
        ] {
            let line = format!(
                "203.0.113.9 - - [22/Nov/2026:23:48:42 +0000] \"GET {path} HTTP/1.1\" {status} 5 \"-\" \"x\""
            );
            let record = parser
                .parse(line.as_bytes(), domain::Position::default())
                .unwrap();
            if record.route.documented == Documented::No {
                undocumented.add(&record.path, record.is_success());
            }
        }
        let mut out = Vec::new();
        write_use(parser.route_use().unwrap(), &undocumented, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            lines,
            [
                "",
                "documented routes: 1 of 2 asked for, by 2 of 5 requests",
                "",
                "not asked for:",
                "/orders",
                "",
                "undocumented requests served",
                "/hidden/{id} 2 1",
                "/.env 1 0",
            ]
        );
    }

    #[test]
    fn a_client_that_invents_paths_fills_no_memory_and_hides_nothing_that_was_there() {
        let mut undocumented = Undocumented::default();
        undocumented.add("/hidden", true);
        for number in 0..3 * UNDOCUMENTED_MAX {
            undocumented.add(&format!("/w{number}x"), false);
        }
        undocumented.add("/hidden", true);
        assert_eq!(undocumented.routes.len(), UNDOCUMENTED_MAX);
        assert_eq!(undocumented.others, 2 * UNDOCUMENTED_MAX as u64 + 1);
        assert_eq!(undocumented.routes["/hidden"], Asked { served: 2, all: 2 });
    }
}
