//! Random logs for properties: a few shards with more clients than they have room for, attacks, orders, silence.

use super::{KEY, Line, START_MILLIS, feed};
use crate::detector::{Detector, Input, Output};
use crate::source::SourceTerms;
use crate::stage::client::Shard;
use crate::stage::{Executor, Serial};
use domain::{Action, Allowlist, Client, DecisionId, Judgement, Order, OrderKind, Scope, Timestamp};
use proptest::prelude::*;

/// What happens to a detector.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    Line(Line),
    Order(OrderKind, Client),
    /// The configuration was read again.
    Reload,
    Trust(u32, Action),
}

/// Clients of a random log: more than two shards have room for.
const CLIENTS: usize = 60;

/// Those whose windows lie in the first two shards, so that a short log fills them.
fn clients() -> Vec<u32> {
    let is_near = |number: &u32| Shard::of(KEY.hash(&Line::new(0, *number, "/", 200).client())) < 2;
    (0..).filter(is_near).take(CLIENTS).collect()
}

/// Events of a random log.
pub(crate) fn events(most: usize) -> impl Strategy<Value = Vec<Event>> {
    let step = (0u8..100, 0..CLIENTS, 0u8..40, any::<u8>());
    prop::collection::vec(step, 1..most).prop_map(|steps| {
        let clients = clients();
        let mut millis = 0;
        let mut events = Vec::with_capacity(steps.len());
        for (pause, client, kind, detail) in steps {
            // Mostly a busy site; now and then a quiet half hour.
            millis += if pause == 99 {
                1_800_000
            } else {
                i64::from(pause) * 3
            };
            // The first few clients ask most often.
            let number = clients[client * client / CLIENTS];
            events.push(event(millis, number, kind, detail));
        }
        events
    })
}

fn event(millis: i64, number: u32, kind: u8, detail: u8) -> Event {
    let probes = [
        "/.env",
        "/.git/config",
        "/wp-login.php",
        "/phpmyadmin/",
        "/.aws/credentials",
    ];
    let line = |path: &str, status| Line::new(millis, number, path, status);
    let client = || line("/", 200).client();
    Event::Line(match kind {
        0..8 => line(&format!("{}{detail}", probes[usize::from(detail) % 5]), 404),
        8..12 => Line {
            method: "POST",
            ..line("/login", if detail == 0 { 200 } else { 401 })
        },
        12..14 => line(&format!("/nothing/{number}/{detail}"), 404),
        14 => line("/", 403),
        15 => Line {
            is_ambiguous: true,
            ..line("/.env", 404)
        },
        16 => Line {
            is_stopped: true,
            ..line("/", 403)
        },
        17..20 => Line {
            source: 1,
            millis: START_MILLIS + millis + i64::from(detail) * 100 - 12_000,
            ..line(probes[usize::from(detail) % 5], 404)
        },
        20 => return Event::Order(order(millis, detail), client()),
        21 => {
            let range = Client::parse(
                Scope::Range,
                &format!("{}/20", std::net::Ipv4Addr::from(line("/", 200).address)),
            );
            return Event::Order(OrderKind::Block { ttl_secs: 60 }, range.unwrap());
        }
        24 | 25 => Line {
            method: "POST",
            ..line("/a1/x9", if detail.is_multiple_of(3) { 401 } else { 200 })
        },
        26..30 => Line {
            name: detail % 3 + 1,
            ..line(
                &format!("/page{}", detail % 16),
                if detail.is_multiple_of(8) { 404 } else { 200 },
            )
        },
        22 if detail < 40 => return Event::Reload,
        22 => return Event::Trust(1, Action::ALL[usize::from(detail) % 4]),
        _ => line(&format!("/page{}", detail % 16), 200),
    })
}

fn order(millis: i64, detail: u8) -> OrderKind {
    match detail % 6 {
        0 => OrderKind::Block { ttl_secs: 30 },
        1 => OrderKind::Lift { grace_secs: 5 },
        2 => OrderKind::Allow {
            until: (detail > 100).then(|| Timestamp::from_millis(START_MILLIS + millis + 4000)),
        },
        3 => OrderKind::Disallow,
        4 => OrderKind::Verdict {
            alert: DecisionId([detail; 16]),
            alerted_at: Timestamp::from_millis(START_MILLIS + millis),
            judgement: Judgement::ALL[usize::from(detail / 6) % 2],
        },
        _ => OrderKind::Revoke {
            decision: DecisionId([detail; 16]),
        },
    }
}

/// Plays events, the first of which stood at `place`, and appends what is said.
pub(crate) fn play(
    detector: &mut Detector<super::Simple>,
    place: usize,
    events: &[Event],
    outputs: &mut Vec<Output>,
) {
    play_with(detector, place, events, &Serial, outputs);
}

pub(crate) fn play_with(
    detector: &mut Detector<super::Simple>,
    place: usize,
    events: &[Event],
    executor: &impl Executor,
    outputs: &mut Vec<Output>,
) {
    for (step, event) in events.iter().enumerate() {
        match event {
            Event::Line(line) => {
                feed(
                    detector,
                    place + step,
                    std::slice::from_ref(line),
                    executor,
                    outputs,
                );
            }
            Event::Order(kind, client) => detector.submit(Input::Order(Order {
                seq: (place + step) as u64,
                kind: kind.clone(),
                client: client.clone(),
                reason: "a test".to_owned(),
                by: "somebody".to_owned(),
                from: "127.0.0.1".to_owned(),
                at: Timestamp::from_millis(START_MILLIS),
            })),
            Event::Reload => {
                let policy = detector.settings.policy.clone();
                detector.submit(Input::Policy(Box::new(policy), Allowlist::default()));
            }
            Event::Trust(source, most) => {
                let terms = SourceTerms {
                    most: *most,
                    cap: 2,
                    ..SourceTerms::default()
                };
                detector.set_source(*source, terms);
            }
        }
    }
}
