//! The guard through the whole detector: what it holds back, and what nobody can make it hold back.

use crate::detector::{Detector, Output};
use crate::source::SourceTerms;
use crate::stage::Serial;
use crate::testing::{Line, Simple, detector, run, settings};
use domain::{Action, Alert};
use std::collections::BTreeSet;

/// Harmless visitors of a small site.
const VISITORS: u32 = 200;
/// Pages that each of them reads, and the pause between two: twenty minutes make a history.
const PAGES: i64 = 40;
const PAUSE_MILLIS: i64 = 30_000;
/// When their history is long enough.
const LATER: i64 = PAGES * PAUSE_MILLIS;

fn history() -> Vec<Line> {
    let visit = |page: i64, number: u32| {
        let millis = page * PAUSE_MILLIS + i64::from(number) * 100;
        Line::new(millis, number, &format!("/page{}", page % 16), 200)
    };
    (0..PAGES)
        .flat_map(|page| (0..VISITORS).map(move |number| visit(page, number)))
        .collect()
}

/// So many failed sign-ins by each of the clients: evidence, and no conclusive act.
fn failures(clients: std::ops::Range<u32>, each: i64) -> Vec<Line> {
    let attempt = |attempt: i64, number: u32| Line {
        method: "POST",
        ..Line::new(LATER + attempt * 1000 + i64::from(number), number, "/login", 401)
    };
    (0..each)
        .flat_map(|count| clients.clone().map(move |number| attempt(count, number)))
        .collect()
}

/// So many probes by each of the clients: conclusive acts.
fn probes(clients: std::ops::Range<u32>) -> Vec<Line> {
    let paths = [
        "/.env",
        "/.git/config",
        "/wp-config.php",
        "/.aws/credentials",
        "/id_rsa",
        "/backup.sql",
    ];
    let probe = |step: usize, number: u32| {
        let millis = LATER + step as i64 * 1000 + i64::from(number);
        Line::new(millis, number, paths[step], 404)
    };
    (0..paths.len())
        .flat_map(|step| clients.clone().map(move |number| probe(step, number)))
        .collect()
}

struct Seen {
    alerts: Vec<Alert>,
    /// Clients that were acted on.
    acted_on: BTreeSet<String>,
    held_back: u64,
    passed: u64,
}

fn play(lines: &[Line]) -> Seen {
    let mut detector = detector(100_000);
    let outputs = run(&mut detector, lines, &Serial);
    let alerts: Vec<Alert> = outputs
        .into_iter()
        .filter_map(|output| match output {
            Output::Alert(alert) => Some(alert),
            Output::Decision(_) | Output::Question(..) => None,
        })
        .collect();
    let acted_on = alerts
        .iter()
        .filter(|alert| alert.action >= Action::Throttle)
        .map(|alert| alert.client.to_string())
        .collect();
    let guard = &detector.memory.sequencer.guard;
    Seen {
        acted_on,
        held_back: guard.held_back,
        passed: guard.passed,
        alerts,
    }
}

#[test]
fn a_detector_gone_mad_on_established_clients_is_stopped_at_three() {
    let seen = play(&[history(), failures(0..VISITORS, 20)].concat());
    assert_eq!(seen.acted_on.len(), 3, "{:?}", seen.acted_on);
    assert!(seen.held_back > 0);
    let reasons: Vec<&String> = seen
        .alerts
        .iter()
        .filter_map(|alert| alert.held_back.as_ref())
        .collect();
    assert!(
        reasons.iter().any(|reason| reason.starts_with("guard:")),
        "{reasons:?}"
    );
}

/// Clients that are acted on, and why others are not, where each site is only observed for ten minutes at first.
fn warming_up(lines: &[Line]) -> (BTreeSet<String>, Vec<String>) {
    let mut settings = settings(4096);
    settings.policy.warm_up_secs = 600;
    let outputs = run(&mut Detector::new(settings, Simple), lines, &Serial);
    let (mut acted_on, mut held_back) = (BTreeSet::new(), Vec::new());
    for output in outputs {
        let Output::Alert(alert) = output else { continue };
        if alert.action >= Action::Throttle {
            acted_on.insert(alert.client.to_string());
        }
        held_back.extend(alert.held_back);
    }
    (acted_on, held_back)
}

#[test]
fn before_the_site_is_known_only_conclusive_acts_are_acted_on() {
    let mut lines = [failures(0..20, 20), probes(20..30)].concat();
    lines.sort_by_key(|line| line.millis);
    let (acted_on, held_back) = warming_up(&lines);
    let probers: BTreeSet<String> = probes(20..30)
        .iter()
        .map(|line| line.client().to_string())
        .collect();
    assert_eq!(acted_on, probers);
    assert!(
        held_back.iter().all(|reason| reason.starts_with("warming up:")),
        "{held_back:?}"
    );
    assert!(held_back.len() >= 20);
    // Twenty minutes of two hundred visitors are enough.
    let newcomers = failures(VISITORS..VISITORS + 20, 40);
    let (acted_on, held_back) = warming_up(&[history(), newcomers].concat());
    assert_eq!((acted_on.len(), held_back.len()), (20, 0));
}

#[test]
fn a_source_that_names_everybody_is_stopped_at_its_cap_conclusive_or_not() {
    let lines = [history(), probes(VISITORS..2 * VISITORS)].concat();
    let run_with = |cap| {
        let mut detector = detector(100_000);
        let terms = SourceTerms {
            cap,
            ..SourceTerms::default()
        };
        detector.set_source(0, terms);
        let outputs = run(&mut detector, &lines, &Serial);
        let (mut acted_on, mut reasons) = (BTreeSet::new(), BTreeSet::new());
        for output in outputs {
            match output {
                Output::Decision(decision) => drop(acted_on.insert(decision.client.to_string())),
                Output::Question(..) => {}
                Output::Alert(alert) => reasons.extend(alert.held_back),
            }
        }
        (acted_on.len(), reasons, detector.totals().over_cap)
    };
    let (acted_on, reasons, over_cap) = run_with(1000);
    assert_eq!((acted_on, over_cap), (200, 0), "{reasons:?}");
    let (acted_on, reasons, over_cap) = run_with(20);
    assert!((1..=20).contains(&acted_on), "{acted_on}");
    assert!(over_cap > 0);
    let reason = "source 0 has led to 20 blocked or slowed down within an hour: its cap";
    assert!(reasons.contains(reason), "{reasons:?}");
}

#[test]
fn a_flood_of_fresh_clients_is_acted_on_and_uses_nothing_up() {
    let fresh = VISITORS..VISITORS + 400;
    let seen = play(&[history(), failures(fresh, 40)].concat());
    assert_eq!((seen.acted_on.len(), seen.held_back), (400, 0));
}

#[test]
fn conclusive_acts_pass_although_the_guard_has_tripped_and_are_counted() {
    let mut lines = [failures(0..100, 20), probes(100..VISITORS)].concat();
    lines.sort_by_key(|line| line.millis);
    let seen = play(&[history(), lines].concat());
    assert!(seen.held_back > 0);
    let probers: BTreeSet<String> = probes(100..VISITORS)
        .iter()
        .map(|line| line.client().to_string())
        .collect();
    let others = seen.acted_on.difference(&probers).count();
    assert_eq!(seen.acted_on.intersection(&probers).count(), probers.len());
    // Three may be acted on before their acts are conclusive: they use the floor up like anybody.
    assert!((probers.len() as u64 - 3..=probers.len() as u64).contains(&seen.passed));
    assert_eq!(others as u64, seen.passed + 3 - probers.len() as u64);
}

#[test]
fn pictures_on_somebodys_page_block_no_reader_where_the_log_does_not_name_the_host() {
    let of_own = |line: Line| Line {
        referer: "https://www.shop.example/start",
        ..line
    };
    let history: Vec<Line> = history().into_iter().map(of_own).collect();
    let blocked = |referer: &'static str| {
        let from = |line: Line| Line { referer, ..line };
        let acts = probes(VISITORS..VISITORS + 5).into_iter().map(from).collect();
        let seen = play(&[history.clone(), acts].concat());
        let is_blocked = |alert: &&Alert| alert.action == Action::Block;
        seen.alerts.iter().filter(is_blocked).count()
    };
    assert_eq!(blocked("https://evil.example/kittens"), 0);
    assert_eq!(
        blocked("https://shop.example/cart"),
        5,
        "the site's own pages ask for no such thing"
    );
    assert_eq!(blocked(""), 5);
}
