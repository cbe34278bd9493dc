//! Who says that he is a crawler, through the whole detector: nothing is done until it was looked up, and nothing but that is believed.

use crate::detector::{Detector, Input, Output};
use crate::limits::PROOF_WAIT_MILLIS;
use crate::stage::Serial;
use crate::testing::{CRAWLER, Line, Simple, run, settings};
use domain::{Action, Client, Order, OrderKind, Timestamp};

/// Follows a page's links to what only scanners want, from so many milliseconds on.
fn crawl(from_millis: i64) -> Vec<Line> {
    let paths = [
        "/.env",
        "/.git/config",
        "/wp-config.php",
        "/.aws/credentials",
        "/id_rsa",
        "/backup.sql",
        "/.ssh/authorized_keys",
        "/phpinfo.php",
    ];
    let probe = |(step, path): (usize, &&str)| Line {
        agent: CRAWLER,
        ..Line::new(from_millis + step as i64 * 500, 9, path, 404)
    };
    paths.iter().enumerate().map(probe).collect()
}

fn detector(asks_for_proof: bool) -> Detector<Simple> {
    let mut settings = settings(1000);
    settings.asks_for_proof = asks_for_proof;
    Detector::new(settings, Simple)
}

fn actions(outputs: &[Output]) -> Vec<Action> {
    let action = |output: &Output| match output {
        Output::Decision(decision) => Some(decision.action),
        Output::Alert(_) | Output::Question(..) => None,
    };
    outputs.iter().filter_map(action).collect()
}

fn questions(outputs: &[Output]) -> Vec<&Client> {
    let question = |output: &'_ Output| matches!(output, Output::Question(..));
    let asked = outputs.iter().filter(|output| question(output));
    asked
        .filter_map(|output| match output {
            Output::Question(client, _) => Some(client),
            _ => None,
        })
        .collect()
}

#[test]
fn nothing_is_done_until_it_was_looked_up_and_a_proven_crawler_is_left_alone() {
    let mut detector = detector(true);
    let outputs = run(&mut detector, &crawl(0), &Serial);
    let client = crawl(0)[0].client();
    assert_eq!((actions(&outputs), questions(&outputs)), (vec![], vec![&client]));
    let told = outputs.iter().any(|output| {
        matches!(output, Output::Alert(alert) if alert.held_back.as_ref().is_some_and(|why| why.contains("looked up")))
    });
    assert!(told, "a person sees why");
    detector.submit(Input::Order(Order {
        seq: 1,
        kind: OrderKind::Allow { until: None },
        client,
        reason: "crawler seekbot".to_owned(),
        by: "crawlers".to_owned(),
        from: "name server".to_owned(),
        at: Timestamp::from_millis(0),
    }));
    let later = run(&mut detector, &crawl(PROOF_WAIT_MILLIS * 2), &Serial);
    assert_eq!((actions(&later), questions(&later)), (vec![], vec![]));
}

#[test]
fn whoever_does_not_prove_it_is_dealt_with_as_anybody() {
    let mut detector = detector(true);
    run(&mut detector, &crawl(0), &Serial);
    let later = run(&mut detector, &crawl(PROOF_WAIT_MILLIS * 2), &Serial);
    assert!(actions(&later).contains(&Action::Block), "{later:?}");
    assert!(questions(&later).is_empty(), "nobody is asked again");
}

#[test]
fn where_nobody_looks_nobody_is_waited_for() {
    let outputs = run(&mut detector(false), &crawl(0), &Serial);
    assert!(actions(&outputs).contains(&Action::Block));
    assert!(questions(&outputs).is_empty());
}
