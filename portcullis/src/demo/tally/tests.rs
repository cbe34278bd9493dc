//! What is told of attacks and of harmless clients.

use super::*;
use domain::{DecisionId, Origin, Price, Scope};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_000 + secs)
}

fn client(value: &str) -> Client {
    Client::parse(Scope::Ip, value).unwrap()
}

fn attack(secs: i64, value: &str, verdict: Verdict) -> Sighting {
    Sighting {
        at: at(secs),
        client: client(value),
        label: Label::Attack(ThreatKind::Scraping),
        behaviour: "scraping",
        is_attack: true,
        verdict,
    }
}

fn visit(secs: i64, value: &str, verdict: Verdict) -> Sighting {
    Sighting {
        label: Label::Benign("browser"),
        behaviour: "browser",
        is_attack: false,
        ..attack(secs, value, verdict)
    }
}

fn block(client: Client, mode: Mode) -> Decision {
    Decision {
        id: DecisionId([0; 16]),
        client,
        conditions: Vec::new(),
        gateways: Vec::new(),
        action: Action::Block,
        priority: 50,
        origin: Origin::Model,
        price: Price::default(),
        threat: ThreatKind::Scraping,
        alert_id: None,
        reason: String::new(),
        event_at: at(0),
        ttl_secs: 60,
        mode,
        model: String::new(),
        completeness: None,
    }
}

#[test]
fn an_attack_is_timed_from_its_first_attack_request() {
    let mut tally = Tally::default();
    tally.note_request(&attack(0, "203.0.113.9", Verdict::Pass));
    tally.note_request(&attack(1, "203.0.113.10", Verdict::Pass));
    tally.note_alert(&client("203.0.113.9"), at(2));
    tally.note_decision(&block(client("203.0.113.9"), Mode::Enforced), at(3));
    tally.note_request(&attack(5, "203.0.113.9", Verdict::Deny));
    let found = &tally.attacks()[0];
    assert_eq!(found.millis_to(found.alerted_at), Some(2_000));
    assert_eq!(found.millis_to(found.blocked_at), Some(3_000));
    assert_eq!(found.millis_to(found.refused_at), Some(5_000));
    assert_eq!((found.requests, found.refused), (3, 1));
    assert_eq!((found.clients.len(), found.blocked.len()), (2, 1));
}

#[test]
fn a_shadow_decision_blocks_nobody() {
    let mut tally = Tally::default();
    tally.note_request(&attack(0, "203.0.113.9", Verdict::Pass));
    tally.note_decision(&block(client("203.0.113.9"), Mode::Shadow), at(3));
    assert_eq!(tally.attacks()[0].blocked_at, None);
}

#[test]
fn the_next_rounds_attack_is_another_one() {
    let mut tally = Tally::default();
    tally.note_request(&attack(0, "203.0.113.9", Verdict::Pass));
    tally.note_request(&attack(600, "203.0.113.77", Verdict::Pass));
    assert_eq!(tally.attacks().len(), 2);
}

#[test]
fn a_block_of_a_harmless_client_is_told_even_if_it_sends_nothing_more() {
    let mut tally = Tally::default();
    tally.note_request(&visit(0, "198.51.100.7", Verdict::Pass));
    assert!(tally.wronged(Action::Throttle).is_empty());
    tally.note_decision(&block(client("198.51.100.7"), Mode::Enforced), at(3));
    let wronged = tally.wronged(Action::Block);
    assert_eq!(wronged.len(), 1);
    assert_eq!(wronged[0].1.threat, Some(ThreatKind::Scraping));
}

#[test]
fn a_harmless_client_inside_a_blocked_range_is_told_once_it_is_refused() {
    let mut tally = Tally::default();
    tally.note_request(&attack(0, "203.0.113.9", Verdict::Pass));
    let range = Client::parse(Scope::Range, "203.0.113.0/24").unwrap();
    tally.note_decision(&block(range, Mode::Enforced), at(3));
    tally.note_request(&visit(4, "203.0.113.77", Verdict::Deny));
    tally.note_request(&visit(5, "203.0.113.77", Verdict::Deny));
    assert_eq!(tally.attacks()[0].blocked_at, Some(at(3)));
    let wronged = tally.wronged(Action::Block);
    assert_eq!((wronged.len(), wronged[0].1.refused), (1, 2));
}
