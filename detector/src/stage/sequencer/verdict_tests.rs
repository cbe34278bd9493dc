//! Verdicts on alerts, through the whole detector: what they teach the reservoir, and what a false positive holds back.

use super::campaign_tests::sign_ins;
use crate::detector::{Detector, Input, Output};
use crate::stage::Serial;
use crate::testing::{Line, START_MILLIS, Simple, detector, feed};
use domain::{Action, Alert, AlertId, Client, Decision, DecisionId, Judgement, Order, OrderKind, Timestamp};

fn order(kind: OrderKind, client: &Client) -> Input {
    Input::Order(Order {
        seq: 1,
        kind,
        client: client.clone(),
        reason: "seen in the logs".to_owned(),
        by: "somebody".to_owned(),
        from: "127.0.0.1".to_owned(),
        at: Timestamp::default(),
    })
}

fn verdict(judgement: Judgement, days_ago: i64, client: &Client) -> Input {
    let kind = OrderKind::Verdict {
        alert: DecisionId([1; 16]),
        alerted_at: Timestamp::from_millis(START_MILLIS - days_ago * 86_400_000),
        judgement,
    };
    order(kind, client)
}

/// Two clients that read pages, looked at and found dull.
fn readers() -> (Detector<Simple>, usize) {
    let mut detector = detector(4096);
    let read = |client: u32| (0..5).map(move |page| (client, page));
    let mut lines: Vec<Line> = (1..=2)
        .flat_map(read)
        .map(|(client, page)| Line::new(page * 20_000, client, &format!("/page{page}"), 200))
        .collect();
    lines.sort_by_key(|line| line.millis);
    // Waiting windows are scored a minute later, when the next request comes.
    lines.extend([200_000, 201_000].map(|millis| Line::new(millis, 3, "/page", 200)));
    feed(&mut detector, 0, &lines, &Serial, &mut Vec::new());
    (detector, lines.len())
}

#[test]
fn an_attack_takes_its_client_day_out_and_a_false_positive_puts_it_back() {
    let client = Line::new(0, 1, "/", 200).client();
    let (mut detector, _) = readers();
    detector.flush(&mut Vec::new());
    let before = detector.totals().client_days;
    assert_eq!(before, 2);
    let mut told = |input| {
        detector.submit(input);
        detector.flush(&mut Vec::new());
        detector.totals().client_days
    };
    assert_eq!(
        told(verdict(Judgement::Attack, 1, &client)),
        before,
        "of another day"
    );
    assert_eq!(told(verdict(Judgement::Attack, 0, &client)), before - 1);
    assert_eq!(told(verdict(Judgement::FalsePositive, 0, &client)), before);
}

/// What is said of sign-ins in vain by six hosts of a range, with an input after those of the fourth.
fn campaign(input: impl Fn(&Alert) -> Option<Input>) -> (Vec<Alert>, Vec<Decision>) {
    let lines = sign_ins(6, 401);
    let mut detector = detector(4096);
    let mut outputs = Vec::new();
    feed(&mut detector, 0, &lines[..16], &Serial, &mut outputs);
    detector.flush(&mut outputs);
    let campaign = outputs.iter().find_map(|output| match output {
        Output::Alert(alert) if !alert.members.is_empty() => Some(alert.clone()),
        _ => None,
    });
    outputs.clear();
    if let Some(input) = input(&campaign.unwrap()) {
        detector.submit(input);
        detector.flush(&mut outputs);
    }
    feed(&mut detector, 16, &lines[16..], &Serial, &mut outputs);
    detector.flush(&mut outputs);
    let (mut alerts, mut decisions) = (Vec::new(), Vec::new());
    for output in outputs {
        match output {
            Output::Alert(alert) if !alert.members.is_empty() => alerts.push(alert),
            Output::Alert(_) => {}
            Output::Decision(decision) => decisions.push(decision),
            Output::Question(..) => {}
        }
    }
    (alerts, decisions)
}

#[test]
fn a_campaign_that_was_lifted_is_observed_for_the_grace() {
    let (_, decisions) = campaign(|_| None);
    assert!(
        !decisions.is_empty(),
        "without a word of a person its next members are blocked"
    );
    let lift = OrderKind::Lift { grace_secs: 86_400 };
    let (alerts, decisions) = campaign(|alert| Some(order(lift.clone(), &alert.client)));
    assert_eq!(decisions, []);
    let held_back = alerts.last().unwrap().held_back.as_deref();
    assert_eq!(held_back, Some("lifted by a person a short while ago"));
}

#[test]
fn a_verdict_by_itself_holds_nothing_back() {
    let label = |alert: &Alert| Some(verdict(Judgement::FalsePositive, 0, &alert.client));
    let (alerts, decisions) = campaign(label);
    let ids: Vec<Option<AlertId>> = decisions.iter().map(|decision| decision.alert_id).collect();
    assert!(!ids.is_empty() && ids.iter().all(|id| *id == Some(alerts[0].id)));
    assert_eq!(alerts.last().unwrap().action, Action::Block);
}
