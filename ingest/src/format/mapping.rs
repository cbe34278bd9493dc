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
