//! Hosts of a range that ask for what only scanners ask for, each too little to be judged by, and whoever looks like them.

use super::campaign_tests::{heard, of_range, prowl, sign_ins};
use crate::testing::Line;
use domain::ThreatKind;
use std::collections::BTreeSet;

/// What only scanners ask for; no two begin alike.
const SECRETS: [&str; 12] = [
    "/backup.sql",
    "/www.zip",
    "/db.tar.gz",
    "/site.bak",
    "/old.rar",
    "/dump.sql",
    "/data.zip",
    "/html.tgz",
    "/database.rar",
    "/web.sql",
    "/bak.zip",
    "/public_html.bak",
];

/// Two requests of each of so many hosts, ten minutes apart, for what `path` says of the host and the turn.
fn pairs(hosts: u32, status: u16, path: impl Fn(usize, usize) -> String) -> Vec<Line> {
    let of_turn = |turn: usize| {
        let path = &path;
        (1..=hosts).map(move |host| {
            let millis = turn as i64 * 600_000 + i64::from(host) * 1000;
            of_range(millis, host, &path(host as usize, turn), status)
        })
    };
    (0..2).flat_map(of_turn).collect()
}

fn secret(host: usize, turn: usize) -> String {
    SECRETS[(host * 2 + turn) % SECRETS.len()].to_owned()
}

/// A path that is nobody's secret and that no other host asks for. Letters: digits would make one route of all.
fn plain(host: usize, turn: usize) -> String {
    let letter = |number: usize| char::from(b'a' + (number % 26) as u8);
    format!("/{0}{0}{1}-readings", letter(host), letter(turn + 3))
}

fn blocked(lines: &[Line]) -> BTreeSet<String> {
    let decisions = heard(lines).1;
    decisions
        .iter()
        .map(|decision| decision.client.value().into_owned())
        .collect()
}

#[test]
fn programs_that_ask_for_two_backups_each_and_are_redirected_are_a_campaign() {
    assert_eq!(blocked(&pairs(6, 301, secret)).len(), 6);
    assert_eq!(blocked(&pairs(6, 404, secret)).len(), 6);
}

#[test]
fn devices_that_ask_for_two_things_that_their_maker_took_away_are_left_alone() {
    assert!(heard(&pairs(6, 404, plain)).0.is_empty());
    assert!(heard(&pairs(6, 301, plain)).0.is_empty());
}

#[test]
fn a_site_that_answers_everything_with_its_one_page_hides_no_campaign() {
    let half = |host: usize, turn: usize| {
        if turn == 0 {
            secret(host, 0)
        } else {
            plain(host, 1)
        }
    };
    assert_eq!(blocked(&pairs(6, 200, half)).len(), 6);
    let heads = |line: Line| Line {
        method: "HEAD",
        ..line
    };
    let heads: Vec<Line> = pairs(6, 200, secret).into_iter().map(heads).collect();
    assert_eq!(blocked(&heads).len(), 6);
}

#[test]
fn machines_that_fetch_two_archives_or_look_for_a_new_one_are_left_alone() {
    // Two archives of different lengths.
    let mut fetches = pairs(6, 200, secret);
    fetches[6..].iter_mut().for_each(|line| line.agent += 50);
    assert!(heard(&fetches).0.is_empty());
    // The same one twice, which stays as long as it is.
    assert!(heard(&pairs(6, 200, |host, _| secret(host, 0))).0.is_empty());
}

#[test]
fn who_shows_little_is_a_member_where_the_range_is_a_campaign_and_nobodys_witness() {
    // Three paths that miss each, by five hosts: enough among themselves.
    let sure = prowl(200, 5, 0);
    // One secret and one path that is none, both redirected: too little.
    let half = |host: usize, turn: usize| {
        if turn == 0 {
            secret(host, 0)
        } else {
            plain(host, 1)
        }
    };
    let faint = pairs(8, 301, half);
    assert!(heard(&faint).0.is_empty());
    let mut together = faint.clone();
    together.extend(sure.iter().cloned().map(|line| Line {
        millis: line.millis - 200 * 60_000 + 700_000,
        ..line
    }));
    assert_eq!(blocked(&together).len(), 13);
    // After one request each they are only left out.
    together.drain(8..16);
    assert_eq!(blocked(&together).len(), 5);
}

#[test]
fn who_came_on_to_something_else_is_no_member() {
    let half = |host: usize, turn: usize| {
        if turn == 0 {
            secret(host, 0)
        } else {
            plain(host, 1)
        }
    };
    let mut lines = pairs(1, 301, half);
    lines.extend((0..8).map(|turn| of_range(620_000 + turn * 1000, 1, "/shop", 200)));
    lines.extend(prowl(200, 5, 0).into_iter().map(|line| Line {
        millis: line.millis - 200 * 60_000 + 700_000,
        ..line
    }));
    assert_eq!(blocked(&lines).len(), 5);
}

#[test]
fn two_campaigns_from_one_range_are_told_apart() {
    let mut lines = sign_ins(12, 401);
    lines.extend(prowl(100, 5, 0).into_iter().map(|line| Line {
        millis: line.millis - 100 * 60_000 + 1_000_000,
        ..line
    }));
    let (alerts, _) = heard(&lines);
    let kinds: BTreeSet<(ThreatKind, usize)> = [ThreatKind::CredentialStuffing, ThreatKind::Reconnaissance]
        .into_iter()
        .filter_map(|kind| {
            let last = alerts.iter().rfind(|alert| alert.threats[0].kind == kind)?;
            Some((kind, last.members.len()))
        })
        .collect();
    let expected = [
        (ThreatKind::CredentialStuffing, 12),
        (ThreatKind::Reconnaissance, 5),
    ];
    assert_eq!(kinds, BTreeSet::from(expected));
}
