use crate::detector::Output;
use crate::rule::{By, Limit, Pace, Rule, RuleSet, Who};
use crate::stage::Serial;
use crate::testing::{Line, Simple, detector, run, settings};
use crate::{Detector, Settings};
use domain::{Action, Alert, Client, Decision, Scope, ThreatKind};

const HOUR: i64 = 3_600_000;

/// The address's request under the key, or without one for 0.
fn line(millis: i64, address: u32, name: u8, path: &str, status: u16) -> Line {
    Line {
        name,
        agent: 1,
        ..Line::new(millis, address, path, status)
    }
}

/// Two hours of ordinary use of a key by so many addresses.
fn used_by(addresses: u32, name: u8) -> Vec<Line> {
    (0..240)
        .map(|step| {
            line(
                i64::from(step) * 30_000,
                1 + step % addresses,
                name,
                &format!("/page{}", step % 4),
                200,
            )
        })
        .collect()
}

/// What a scanner asks for, begun at that time.
fn scan(from: i64, address: u32, name: u8, status: u16) -> Vec<Line> {
    (0..16)
        .map(|step| {
            line(
                from + step * 500,
                address,
                name,
                &format!("/.git/config{step}"),
                status,
            )
        })
        .collect()
}

fn blocks(outputs: &[Output]) -> Vec<&Decision> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Decision(made) if made.action == Action::Block => Some(made),
            _ => None,
        })
        .collect()
}

fn alerts(outputs: &[Output]) -> Vec<&Alert> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Alert(alert) => Some(alert),
            Output::Decision(_) | Output::Question(..) => None,
        })
        .collect()
}

fn played(lines: &[Line]) -> (Detector<Simple>, Vec<Output>) {
    let mut detector = detector(10_000);
    let outputs = run(&mut detector, lines, &Serial);
    (detector, outputs)
}

fn address(number: u32) -> Client {
    Line::new(0, number, "/", 200).client()
}

#[test]
fn of_the_users_of_an_apps_key_only_the_address_that_attacks_is_blocked() {
    let mut lines = used_by(10, 1);
    lines.extend(scan(2 * HOUR, 3, 1, 404));
    // Everybody else goes on.
    lines.extend((0..40).map(|step| {
        line(
            2 * HOUR + 10_000 + step * 1000,
            4 + step as u32 % 6,
            1,
            "/page1",
            200,
        )
    }));
    let (detector, outputs) = played(&lines);
    let blocked = blocks(&outputs);
    assert!(!blocked.is_empty());
    assert!(
        blocked.iter().all(|made| made.client == address(3)),
        "{blocked:?}"
    );
    let alert = alerts(&outputs)[0];
    assert!(
        alert.reasons.iter().any(|reason| reason.feature == "shared_name"),
        "{alert:?}"
    );
    assert_eq!(detector.totals().shared_names, 1);
    for user in 4..10 {
        assert_eq!(detector.client_view(&address(user)).unwrap().blocked_until, None);
    }
}

#[test]
fn a_key_that_is_one_clients_is_blocked_itself() {
    let mut lines = used_by(1, 1);
    lines.extend(scan(2 * HOUR, 1, 1, 404));
    let (_, outputs) = played(&lines);
    let blocked = blocks(&outputs);
    assert!(!blocked.is_empty());
    let is_key = |made: &&&Decision| made.client.scope() == Scope::ApiKey;
    assert_eq!(
        blocked.iter().filter(is_key).count(),
        blocked.len(),
        "{blocked:?}"
    );
}

#[test]
fn who_invents_keys_is_judged_by_his_address() {
    // A new key with every request, some of them on pages that everybody is served: none is a client of its own.
    let attack = scan(0, 1, 0, 404)
        .into_iter()
        .enumerate()
        .map(|(step, line)| Line {
            name: 1 + step as u8,
            status: if step % 4 == 0 { 200 } else { 404 },
            ..line
        });
    let (_, outputs) = played(&attack.collect::<Vec<_>>());
    let blocked = blocks(&outputs);
    assert!(
        !blocked.is_empty() && blocked.iter().all(|made| made.client == address(1)),
        "{blocked:?}"
    );
}

#[test]
fn nobody_acts_under_a_key_that_the_gateway_refused_him() {
    // The key is one client's; somebody else guesses it badly, or names it without its secret.
    let mut lines = used_by(1, 1);
    lines.extend(scan(2 * HOUR, 7, 1, 401));
    let (detector, outputs) = played(&lines);
    let key = line(0, 1, 1, "/", 200).client();
    assert!(blocks(&outputs).iter().all(|made| made.client == address(7)));
    assert_eq!(detector.client_view(&key).unwrap().blocked_until, None);
    assert!(detector.client_view(&address(7)).unwrap().requests >= 16);
}

#[test]
fn what_a_blocked_key_is_refused_is_not_held_against_the_address() {
    let mut lines = used_by(1, 1);
    lines.extend(scan(2 * HOUR, 1, 1, 404));
    lines.extend((0..50).map(|step| line(2 * HOUR + 60_000 + step * 1000, 1, 1, "/page1", 403)));
    let (detector, outputs) = played(&lines);
    assert!(
        blocks(&outputs)
            .iter()
            .all(|made| made.client.scope() == Scope::ApiKey)
    );
    let before = used_by(1, 1).len() as u64;
    let of_address = detector.client_view(&address(1)).map_or(0, |view| view.requests);
    assert!(of_address < before, "{of_address}");
    assert!(detector.totals().stopped >= 50);
}

#[test]
fn a_stolen_key_is_told_and_not_blocked() {
    let mut lines: Vec<Line> = (0..3)
        .flat_map(|day| {
            used_by(1, 1).into_iter().map(move |line| Line {
                millis: line.millis + day * 24 * HOUR,
                ..line
            })
        })
        .collect();
    lines.extend((0..60u32).map(|step| {
        line(
            75 * HOUR + i64::from(step) * 1000,
            100 + step % 20,
            1,
            "/page1",
            200,
        )
    }));
    let (_, outputs) = played(&lines);
    let told: Vec<&Alert> = alerts(&outputs)
        .into_iter()
        .filter(|alert| alert.threats[0].kind == ThreatKind::TokenAbuse)
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].action, told[0].client.scope()),
        (Action::Observe, Scope::ApiKey)
    );
    assert!(told[0].held_back.is_some() && blocks(&outputs).is_empty());
}

/// What is said where a rule throttles keys from a hundred requests an hour on.
fn limited(lines: &[Line]) -> Vec<Output> {
    let rule = Rule {
        name: "rate".to_owned(),
        description: "a test".to_owned(),
        threat: ThreatKind::DenialOfService,
        by: By {
            who: Some(Who::Named(Scope::ApiKey)),
            ..By::default()
        },
        when: Vec::new(),
        unless: crate::rule::Condition::default(),
        limit: Limit {
            count: 100,
            distinct: None,
            pace: Pace::Within { secs: 3600 },
        },
        action: Action::Throttle,
        for_secs: 60,
    };
    let settings = Settings {
        rules: RuleSet::new(vec![rule], str::to_owned).unwrap(),
        ..settings(10_000)
    };
    run(&mut Detector::new(settings, Simple), lines, &Serial)
}

#[test]
fn a_rule_that_counts_by_key_only_observes_a_shared_one() {
    let check = |addresses, expected: bool| {
        let outputs = limited(&used_by(addresses, 1));
        let acted = outputs.iter().any(|output| matches!(output, Output::Decision(_)));
        assert_eq!(acted, expected, "{addresses} addresses");
        let alerts = alerts(&outputs);
        let said = alerts.iter().filter(|alert| alert.reasons[0].feature == "rule");
        assert!(said.clone().count() > 0 && said.clone().all(|alert| alert.held_back.is_none() == expected));
    };
    check(1, true);
    check(10, false);
}

#[test]
fn a_rule_that_counts_by_key_does_not_count_whom_the_gateway_did_not_recognise() {
    let guessed: Vec<Line> = (0..300)
        .map(|step| line(step * 10_000, 7, 1, "/page1", 401))
        .collect();
    let of_rule =
        |output: &&Output| matches!(output, Output::Alert(alert) if alert.reasons[0].feature == "rule");
    assert_eq!(limited(&guessed).iter().filter(of_rule).count(), 0);
}

#[test]
fn a_key_under_another_hash_finds_its_state_and_its_block() {
    let mut lines = used_by(1, 1);
    lines.extend(scan(2 * HOUR, 1, 1, 404));
    let (mut detector, _) = played(&lines);
    let former = super::HashKey::new([7; 16]).hash(&lines[0].client());
    let renamed: Vec<Line> = (0..30)
        .map(|step| line(2 * HOUR + 30_000 + step * 1000, 1, 2, "/page1", 403))
        .collect();
    let mut outputs = Vec::new();
    let records: Vec<_> = renamed
        .iter()
        .enumerate()
        .map(|(step, line)| domain::RequestRecord {
            former: std::num::NonZeroU64::new(former),
            ..line.record(1000 + step as u64)
        })
        .collect();
    let stopped = detector.totals().stopped;
    detector.observe(&records, &Serial, &mut outputs);
    assert!(
        detector.totals().stopped > stopped,
        "the block is found under the new name"
    );
    let view = detector.client_view(&renamed[0].client()).unwrap();
    assert!(view.blocked_until.is_some() && view.requests > 0);
    // Gateways hear of it once, for as long as the block still holds.
    let again = blocks(&outputs);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].client, renamed[0].client());
    assert_eq!(
        again[0].event_at.plus_secs(i64::from(again[0].ttl_secs)),
        view.blocked_until.unwrap()
    );
}

#[test]
fn a_name_without_an_address_is_shown_and_never_acted_on() {
    let mut lines = used_by(1, 1);
    lines.extend(scan(2 * HOUR, 1, 1, 404));
    let records: Vec<_> = lines
        .iter()
        .enumerate()
        .map(|(step, line)| domain::RequestRecord {
            address: None,
            ..line.record(step as u64 + 1)
        })
        .collect();
    let mut detector = detector(10_000);
    let mut outputs = Vec::new();
    detector.observe(&records, &Serial, &mut outputs);
    detector.flush(&mut outputs);
    let told = alerts(&outputs);
    assert!(!told.is_empty() && told.iter().all(|alert| alert.client == lines[0].client()));
    assert!(outputs.iter().all(|output| matches!(output, Output::Alert(_))));
}
