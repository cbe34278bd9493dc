//! Which key of a line fills which column: what a person asks when a field comes out empty or wrong.

use super::Column;
use super::found::Found;
use super::keys::Node;
use super::walk::Place;
use crate::nesting::is_too_deep;
use sonic_rs::{JsonContainerTrait, JsonValueTrait};

/// Elements of a list that are looked at: headers and attributes of one request are fewer.
const ELEMENTS_MAX: usize = 256;

/// The columns that a line fills, each with the path of the key that filled it, in the order of the columns.
pub(super) fn of(place: Place<'_>, line: &str) -> Vec<(Column, String)> {
    let mut found = Found::new();
    if is_too_deep(line) || place.walk(line, &mut found).is_none() {
        return Vec::new();
    }
    let Ok(value) = sonic_rs::from_str::<sonic_rs::Value>(line) else {
        return Vec::new();
    };
    let mut told = Telling {
        found: &found,
        columns: Vec::new(),
    };
    told.look(place, &value, "");
    let target = told.columns.iter().find(|(column, _)| *column == Column::Target);
    if found.has_host_of_url()
        && let Some((_, path)) = target
    {
        let path = path.clone();
        told.columns.push((Column::Host, path));
    }
    told.columns.sort_by_key(|(column, _)| *column);
    told.columns
}

/// The paths told so far.
struct Telling<'found, 'a> {
    found: &'found Found<'a>,
    columns: Vec<(Column, String)>,
}

impl Telling<'_, '_> {
    fn look(&mut self, place: Place<'_>, value: &sonic_rs::Value, path: &str) {
        if let Some(object) = value.as_object() {
            for (key, inner) in object {
                self.follow(place, key, inner, &format!("{path}{key}"));
            }
        }
        for (number, element) in value
            .as_array()
            .into_iter()
            .flatten()
            .take(ELEMENTS_MAX)
            .enumerate()
        {
            let name = ["key", "name", "Name"]
                .iter()
                .find_map(|key| element.get(*key)?.as_str());
            match name {
                Some(name) => self.follow(place, name, element, &format!("{path}{name}")),
                None => self.look(place, element, &format!("{path}{number}.")),
            }
        }
    }

    fn follow(&mut self, place: Place<'_>, key: &str, value: &sonic_rs::Value, path: &str) {
        for (node, rank) in place.leaves(key) {
            self.tell(node, rank, path);
        }
        let inside = place.inside(key);
        if !inside.is_empty() {
            self.look(inside, value, &format!("{path}."));
        }
    }

    fn tell(&mut self, node: Node, rank: u64, path: &str) {
        let Some(column) = node.column() else {
            return;
        };
        let is_new = self.columns.iter().all(|(known, _)| *known != column);
        if is_new && self.found.rank(column) == Some(rank) {
            self.columns.push((column, path.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::format::{Column, FormatChoice, by_name};

    fn check(choice: &str, line: &str, expected: &[(Column, &str)]) {
        let choice = FormatChoice::from_text(choice).expect("a format");
        let told = match &choice {
            FormatChoice::Written(format) => format.mapping(line),
            FormatChoice::Named(format) => format.mapping(line),
            FormatChoice::Auto => Vec::new(),
        };
        let told: Vec<(Column, &str)> = told
            .iter()
            .map(|(column, path)| (*column, path.as_str()))
            .collect();
        assert_eq!(told, expected, "{line}");
    }

    #[test]
    fn the_key_that_filled_a_column_is_named_as_it_stands_in_the_line() {
        check(
            "custom_json",
            r#"{"@timestamp":1,"timeStamp":"2026-11-22T23:48:42Z","ClientIP":"","src":{"ip":"203.0.113.9"},
                "request":{"method":"GET","url":"https://a.example/x","headers":{"User-Agent":"x"}},
                "http.response.status_code":200,"duration":12}"#,
            &[
                (Column::At, "timeStamp"),
                (Column::Peer, "src.ip"),
                (Column::Host, "request.url"),
                (Column::Method, "request.method"),
                (Column::Target, "request.url"),
                (Column::Status, "http.response.status_code"),
                (Column::UserAgent, "request.headers.User-Agent"),
            ],
        );
    }

    #[test]
    fn pairs_and_lists_have_paths_too() {
        check(
            "otlp_json",
            r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1795391322512000000","attributes":[
                {"key":"http.request.method","value":{"stringValue":"GET"}},
                {"key":"url.path","value":{"stringValue":"/"}},
                {"key":"http.status_code","value":{"intValue":"200"}}]}]}]}]}"#,
            &[
                (Column::At, "resourceLogs.0.scopeLogs.0.logRecords.0.timeUnixNano"),
                (
                    Column::Method,
                    "resourceLogs.0.scopeLogs.0.logRecords.0.attributes.http.request.method",
                ),
                (
                    Column::Path,
                    "resourceLogs.0.scopeLogs.0.logRecords.0.attributes.url.path",
                ),
                (
                    Column::Status,
                    "resourceLogs.0.scopeLogs.0.logRecords.0.attributes.http.status_code",
                ),
            ],
        );
    }

    #[test]
    fn what_an_operator_wrote_is_named_first() {
        check(
            "json: client=a.b",
            r#"{"client_ip":"198.51.100.1","a":{"b":"203.0.113.9"},"status":200}"#,
            &[(Column::Peer, "a.b"), (Column::Status, "status")],
        );
    }

    #[test]
    fn no_json_fills_nothing_and_text_formats_have_fixed_columns() {
        check("custom_json", "{", &[]);
        let combined = by_name("nginx_combined").expect("a known format");
        assert_eq!(combined.mapping("x").len(), combined.columns().len());
    }
}
