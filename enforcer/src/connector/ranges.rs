//! Lists of addresses and ranges that know neither ends nor actions: all that they name is refused.

use crate::item::{Held, Holding, Item};
use domain::{Action, Client};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The ranges of what is to be held, an address as `203.0.113.9/32`.
pub(super) fn written(wanted: &BTreeMap<Client, Item>) -> Vec<IpNet> {
    wanted.keys().filter_map(Client::range).collect()
}

/// An entry as somebody's list names it: an address, or a range.
pub(super) fn parse(entry: &str) -> Option<IpNet> {
    let range = entry.parse::<IpNet>().ok();
    range.or_else(|| entry.parse::<IpAddr>().ok().map(IpNet::from))
}

/// What a list holds; `None` when it holds something else than ranges in the form that we write.
pub(super) fn holding<'a>(entries: impl Iterator<Item = &'a str>) -> Option<Holding> {
    let held = Held {
        action: Action::Block,
        expires_at: None,
    };
    entries
        .map(|entry| {
            let range = parse(entry)?;
            (range.trunc() == range).then(|| (Client::from_range(range), held))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::of_range as item;

    #[test]
    fn what_is_written_is_read_and_another_form_is_not() {
        let wanted: BTreeMap<Client, Item> = [
            item("203.0.113.9/32", Action::Block),
            item("198.51.100.0/24", Action::Block),
            item("2001:db8:1:2::/64", Action::Block),
        ]
        .into();
        let entries: Vec<String> = written(&wanted).iter().map(ToString::to_string).collect();
        let read = holding(entries.iter().map(String::as_str)).expect("ranges");
        assert!(read.keys().eq(wanted.keys()));
        assert_eq!(
            holding(["203.0.113.9"].into_iter()).map(|held| held.len()),
            Some(1)
        );
        assert_eq!(holding(["203.0.113.9/24"].into_iter()), None);
        assert_eq!(holding(["everybody"].into_iter()), None);
    }
}
