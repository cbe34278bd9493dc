//! Rules through the whole detector: when they fire, on whom, and what holds them back.

use super::{By, Condition, DistinctOf, Glob, Limit, Pace, Roles, Rule, RuleSet, Who};
use crate::detector::{Detector, Input, Output, Settings};
use crate::signal::RouteRole;
use crate::source::SourceTerms;
use crate::stage::client::Shard;
use crate::stage::{Executor, Serial};
use crate::testing::{Line, Simple, feed, run, settings};
use domain::{
    Action, Alert, AllowEntry, Allowlist, Decision, Mode, Order, OrderKind, Origin, Scope, ThreatKind,
};

/// Five sign-ins within a minute.
fn rule() -> Rule {
    Rule {
        name: "sign-ins".to_owned(),
        description: "too many sign-ins".to_owned(),
        threat: ThreatKind::CredentialCracking,
        by: By {
            who: Some(Who::Client),
            ..By::default()
        },
        when: vec![Condition {
            paths: vec![Glob::new("/enter").unwrap()],
            ..Condition::default()
        }],
        unless: Condition::default(),
        limit: Limit {
            count: 5,
            distinct: None,
            pace: Pace::Within { secs: 60 },
        },
        action: Action::Block,
        for_secs: 120,
    }
}

fn set(rules: Vec<Rule>) -> RuleSet {
    RuleSet::new(rules, str::to_owned).unwrap()
}

fn with(rules: Vec<Rule>) -> Settings {
    Settings {
        rules: set(rules),
        ..settings(4096)
    }
}

/// A successful request each so many milliseconds.
fn enter(count: i64, every_millis: i64) -> Vec<Line> {
    (0..count)
        .map(|step| Line::new(step * every_millis, 9, "/enter", 200))
        .collect()
}

/// What rules say of the lines.
fn said(settings: Settings, lines: &[Line]) -> (Vec<Alert>, Vec<Decision>) {
    split(run(&mut Detector::new(settings, Simple), lines, &Serial))
}

fn split(outputs: Vec<Output>) -> (Vec<Alert>, Vec<Decision>) {
    let (mut alerts, mut decisions) = (Vec::new(), Vec::new());
    for output in outputs {
        match output {
            Output::Alert(alert) if alert.reasons[0].feature == "rule" => alerts.push(alert),
            Output::Decision(decision) if decision.origin == Origin::Rule => decisions.push(decision),
            _ => {}
        }
    }
    (alerts, decisions)
}

#[test]
fn a_rule_fires_at_its_count_and_says_which_and_how_many_and_until_when() {
    let (alerts, decisions) = said(with(vec![rule()]), &enter(5, 1000));
    let (alert, decision) = (&alerts[0], &decisions[0]);
    assert_eq!((alerts.len(), decisions.len()), (1, 1));
    assert_eq!(alert.client, enter(1, 0)[0].client());
    assert_eq!(
        alert.reasons[0].sentence,
        "rule sign-ins: 5 requests within 60 s; from 5 on it fires"
    );
    assert_eq!(alert.evidence.len(), crate::limits::RULE_SAMPLES_MAX);
    assert_eq!(alert.evidence.last().unwrap().request, "GET /enter");
    assert_eq!(
        (alert.requests_before_action, alert.action),
        (Some(5), Action::Block)
    );
    assert_eq!((decision.action, decision.ttl_secs), (Action::Block, 120));
    assert_eq!(
        (decision.mode, decision.alert_id),
        (Mode::Enforced, Some(alert.id))
    );
    assert_eq!(decision.threat, ThreatKind::CredentialCracking);
}

#[test]
fn fewer_or_slower_or_other_requests_are_silent() {
    let silent = |lines: &[Line]| assert!(said(with(vec![rule()]), lines).0.is_empty());
    silent(&enter(4, 1000));
    silent(&enter(50, 16_000));
    let others: Vec<Line> = (0..50).map(|step| Line::new(step * 100, 9, "/", 200)).collect();
    silent(&others);
}

#[test]
fn what_is_excepted_does_not_count() {
    let except = Rule {
        unless: Condition {
            statuses: vec![(200, 299)],
            paths: vec![Glob::new("/other").unwrap()],
            ..Condition::default()
        },
        ..rule()
    };
    assert!(said(with(vec![except]), &enter(9, 100)).0.is_empty());
}

#[test]
fn it_is_silent_as_long_as_its_action_holds_and_counts_anew_after() {
    let throttle = Rule {
        action: Action::Throttle,
        ..rule()
    };
    // A request a second: at 4 s it fires, at 124 s the action ends, at 128 s it fires again.
    let (alerts, decisions) = said(with(vec![throttle]), &enter(130, 1000));
    let at: Vec<i64> = alerts
        .iter()
        .map(|alert| alert.alerted_at.millis_since(alerts[0].alerted_at))
        .collect();
    assert_eq!(at, [0, 124_000]);
    assert_ne!(decisions[0].id, decisions[1].id);
}

#[test]
fn a_blocked_client_does_not_go_on_counting() {
    let settings = Settings {
        assumes_enforcement: true,
        ..with(vec![rule()])
    };
    let mut detector = Detector::new(settings, Simple);
    run(&mut detector, &enter(100, 1000), &Serial);
    assert_eq!(detector.totals().stopped, 95);
}

#[test]
fn different_values_count_once_each() {
    let distinct = Rule {
        when: Vec::new(),
        limit: Limit {
            distinct: Some(DistinctOf::Path),
            ..rule().limit
        },
        ..rule()
    };
    let walk = |paths: i64| -> Vec<Line> {
        (0..40)
            .map(|step| Line::new(step * 100, 9, &format!("/page{}", step % paths), 200))
            .collect()
    };
    assert!(said(with(vec![distinct.clone()]), &walk(4)).0.is_empty());
    let (alerts, _) = said(with(vec![distinct]), &walk(5));
    assert_eq!(alerts[0].reasons[0].value, 5.0);
}

#[test]
fn a_bucket_that_leaks_overflows_under_haste_only() {
    let leaky = |count| Rule {
        limit: Limit {
            count,
            distinct: None,
            pace: Pace::Leak { millis: 10_000 },
        },
        ..rule()
    };
    assert_eq!(said(with(vec![leaky(6)]), &enter(6, 100)).0.len(), 1);
    assert!(said(with(vec![leaky(6)]), &enter(5, 100)).0.is_empty());
    assert!(said(with(vec![leaky(6)]), &enter(100, 10_000)).0.is_empty());
    // Each second brings one and takes a tenth: with the sixth the level is five and a half.
    let (alerts, _) = said(with(vec![leaky(6)]), &enter(20, 1000));
    assert_eq!(alerts[0].requests_before_alert, 6);
    assert_eq!(said(with(vec![leaky(1)]), &enter(1, 0)).0.len(), 1);
}

#[test]
fn an_allowlist_a_lift_and_shadow_mode_hold_back_what_a_rule_wants() {
    let mut allowing = with(vec![rule()]);
    let entry = AllowEntry {
        client: enter(1, 0)[0].client(),
        reason: "a partner".to_owned(),
        until: None,
    };
    allowing.allowlist = Allowlist::new(Vec::new(), vec![entry], false);
    let (alerts, decisions) = said(allowing, &enter(5, 100));
    assert_eq!(alerts[0].held_back.as_deref(), Some("allowlist: a partner"));
    assert_eq!((alerts[0].action, decisions.len()), (Action::Observe, 0));

    let mut shadow = with(vec![rule()]);
    shadow.policy.is_shadow = true;
    assert_eq!(said(shadow, &enter(5, 100)).1[0].mode, Mode::Shadow);

    let mut detector = Detector::new(with(vec![rule()]), Simple);
    let mut outputs = Vec::new();
    feed(
        &mut detector,
        0,
        &[Line::new(0, 3, "/", 200)],
        &Serial,
        &mut outputs,
    );
    detector.submit(Input::Order(Order {
        seq: 1,
        kind: OrderKind::Lift { grace_secs: 600 },
        client: enter(1, 0)[0].client(),
        reason: "a mistake".to_owned(),
        by: "somebody".to_owned(),
        from: "127.0.0.1".to_owned(),
        at: domain::Timestamp::default(),
    }));
    let later: Vec<Line> = enter(8, 500)
        .into_iter()
        .map(|line| Line {
            millis: line.millis + 1000,
            ..line
        })
        .collect();
    feed(&mut detector, 1, &later, &Serial, &mut outputs);
    detector.flush(&mut outputs);
    let (alerts, decisions) = split(outputs);
    assert!(alerts[0].held_back.as_ref().unwrap().starts_with("lifted"));
    assert!(decisions.is_empty());
}

#[test]
fn a_line_of_two_readings_leads_to_no_action_by_a_rule() {
    let lines: Vec<Line> = enter(5, 100)
        .into_iter()
        .map(|line| Line {
            is_ambiguous: true,
            ..line
        })
        .collect();
    let (alerts, decisions) = said(with(vec![rule()]), &lines);
    assert_eq!(
        alerts[0].held_back.as_deref(),
        Some("its lines could be read in more than one way")
    );
    assert!(decisions.is_empty());
}

#[test]
fn a_source_that_may_only_observe_leads_to_no_action_by_a_rule() {
    let mut detector = Detector::new(with(vec![rule()]), Simple);
    detector.set_source(
        0,
        SourceTerms {
            most: Action::Observe,
            ..SourceTerms::default()
        },
    );
    let (alerts, decisions) = split(run(&mut detector, &enter(5, 100), &Serial));
    assert_eq!(alerts[0].held_back.as_deref(), Some("source 0 may only observe"));
    assert!(decisions.is_empty());
}

#[test]
fn what_a_preview_says_of_a_rule_the_tick_says_again_under_the_same_id() {
    let mut detector = Detector::new(with(vec![rule()]), Simple);
    let (mut early, mut late) = (Vec::new(), Vec::new());
    feed(&mut detector, 0, &enter(5, 10), &Serial, &mut early);
    detector.preview(&mut early);
    detector.flush(&mut late);
    let ids = |outputs| split(outputs).1.iter().map(|made| made.id).collect::<Vec<_>>();
    assert_eq!(ids(early.clone()).len(), 1);
    assert_eq!(ids(early), ids(late));
}

#[test]
fn a_rule_gone_mad_on_established_clients_is_stopped_by_the_guard() {
    let visit = |page: i64, number: u32| Line::new(page * 30_000 + i64::from(number) * 10, number, "/", 200);
    let mut lines: Vec<Line> = (0..40)
        .flat_map(|page| (0..100).map(move |number| visit(page, number)))
        .collect();
    let entering = |number: u32| {
        (0..5).map(move |step| Line::new(1_300_000 + i64::from(number) * 1000 + step, number, "/enter", 200))
    };
    lines.extend((0..100).flat_map(entering));
    let (alerts, decisions) = said(with(vec![rule()]), &lines);
    assert_eq!((alerts.len(), decisions.len()), (100, 3));
    let is_guarded = |alert: &&Alert| {
        alert
            .held_back
            .as_ref()
            .is_some_and(|why| why.starts_with("guard:"))
    };
    assert_eq!(alerts.iter().filter(is_guarded).count(), 97);
}

#[test]
fn a_rule_over_all_clients_of_a_route_names_the_route_and_acts_on_nobody() {
    let route = Rule {
        by: By {
            route: true,
            ..By::default()
        },
        limit: Limit {
            count: 20,
            distinct: Some(DistinctOf::Client),
            ..rule().limit
        },
        action: Action::Observe,
        ..rule()
    };
    let lines: Vec<Line> = (0..20)
        .map(|number| Line::new(i64::from(number) * 100, number, "/enter", 200))
        .collect();
    let (alerts, decisions) = said(with(vec![route.clone()]), &lines);
    assert_eq!(alerts[0].client.scope(), Scope::Route);
    assert_eq!(alerts[0].client.value(), "/enter");
    assert!(decisions.is_empty());
    let acting = Rule {
        action: Action::Throttle,
        ..route
    };
    assert_eq!(acting.problems()[0].field, "action");
}

#[test]
fn routes_of_a_client_count_each_by_itself() {
    let each = Rule {
        by: By {
            who: Some(Who::Client),
            route: true,
            host: false,
        },
        when: Vec::new(),
        ..rule()
    };
    let spread: Vec<Line> = (0..16)
        .map(|step| Line::new(step * 100, 9, ["/a", "/b", "/c", "/d"][step as usize % 4], 200))
        .collect();
    assert!(said(with(vec![each.clone()]), &spread).0.is_empty());
    assert_eq!(said(with(vec![each]), &enter(5, 100)).0.len(), 1);
}

/// Runs the shards in another order, as threads would.
struct Backwards;

impl Executor for Backwards {
    fn for_each(&self, shards: &mut [Shard], work: &(dyn Fn(&mut Shard) + Sync)) {
        shards.iter_mut().rev().for_each(work);
    }
}

#[test]
fn slices_and_the_order_of_shards_change_nothing() {
    let lines: Vec<Line> = (0..6000)
        .map(|step: i64| {
            let number = (step * step % 97) as u32;
            Line::new(step * 40, number, &format!("/page{}", step % 23), 200)
        })
        .collect();
    let settings = || crate::testing::with_rules(settings(4096));
    let whole = run(&mut Detector::new(settings(), Simple), &lines, &Backwards);
    let mut cut = Vec::new();
    let mut detector = Detector::new(settings(), Simple);
    for (number, slice) in lines.chunks(7).enumerate() {
        feed(&mut detector, number * 7, slice, &Serial, &mut cut);
    }
    detector.flush(&mut cut);
    assert!(split(cut.clone()).1.len() > 100);
    assert_eq!(format!("{whole:?}"), format!("{cut:?}"));
}

#[test]
fn rules_that_count_as_before_go_on_over_a_reload_and_others_begin_anew() {
    let fires = |new: Rule| {
        let mut detector = Detector::new(with(vec![rule()]), Simple);
        let mut outputs = Vec::new();
        let lines = enter(6, 1000);
        feed(&mut detector, 0, &lines[..3], &Serial, &mut outputs);
        detector.submit(Input::Rules(set(vec![new]), Roles::default()));
        feed(&mut detector, 3, &lines[3..5], &Serial, &mut outputs);
        detector.flush(&mut outputs);
        !split(outputs).0.is_empty()
    };
    assert!(fires(Rule {
        action: Action::Observe,
        ..rule()
    }));
    assert!(!fires(Rule {
        name: "another".to_owned(),
        ..rule()
    }));
}

#[test]
fn a_restored_detector_counts_on_and_without_the_rule_forgets_what_was_counted() {
    let lines = enter(5, 1000);
    let mut before = Detector::new(with(vec![rule()]), Simple);
    feed(&mut before, 0, &lines[..4], &Serial, &mut Vec::new());
    let bytes = before.checkpoint();
    let after = |settings| {
        let mut detector = Detector::restore(&bytes, settings, Simple).unwrap();
        let mut outputs = Vec::new();
        feed(&mut detector, 4, &lines[4..], &Serial, &mut outputs);
        detector.flush(&mut outputs);
        split(outputs).0.len()
    };
    assert_eq!(after(with(vec![rule()])), 1);
    assert_eq!(after(with(Vec::new())), 0);
}

#[test]
fn more_keys_than_there_is_room_for_push_out_the_longest_silent() {
    let mut counts = super::Counts::default();
    let rules = set(vec![rule()]);
    let (number, kept) = rules.iter().next().unwrap();
    let mut detector = Detector::new(with(vec![rule()]), Simple);
    feed(&mut detector, 0, &enter(1, 0), &Serial, &mut Vec::new());
    let mut hits = detector.shards.iter().flat_map(|shard| &shard.changes.hits);
    let hit = hits.next().cloned().unwrap();
    for key in 0..=crate::limits::RULE_KEYS_MAX as u64 {
        let hit = super::Hit {
            key,
            at: hit.at.plus_millis(key as i64),
            ..hit.clone()
        };
        assert_eq!(counts.count(kept, &hit), None);
    }
    let left = &counts.sorted()[0];
    assert_eq!(
        (left.0, left.1.len()),
        (number, crate::limits::RULE_KEYS_MAX / 2 + 1)
    );
    assert_eq!(counts.forgotten, crate::limits::RULE_KEYS_MAX as u64 / 2);
    assert_eq!(left.1.last().unwrap().0, crate::limits::RULE_KEYS_MAX as u64);
}

#[test]
fn a_role_that_people_set_goes_before_the_words() {
    let by_role = Rule {
        when: vec![Condition {
            roles: vec![RouteRole::Login],
            ..Condition::default()
        }],
        ..rule()
    };
    assert!(said(with(vec![by_role.clone()]), &enter(9, 100)).0.is_empty());
    let patterns = vec![(Glob::new("/enter*").unwrap(), RouteRole::Login)];
    let settings = Settings {
        roles: Roles::new(patterns),
        ..with(vec![by_role])
    };
    assert_eq!(said(settings, &enter(9, 100)).0.len(), 1);
}

#[test]
fn what_is_out_of_bounds_is_named() {
    let fields =
        |rule: Rule| -> Vec<&'static str> { rule.problems().iter().map(|problem| problem.field).collect() };
    assert!(fields(rule()).is_empty());
    let wrong = Rule {
        name: "Sign ins".to_owned(),
        by: By::default(),
        limit: Limit {
            count: 0,
            distinct: None,
            pace: Pace::Within { secs: 0 },
        },
        for_secs: 0,
        ..rule()
    };
    assert_eq!(
        fields(wrong),
        ["name", "by", "action", "count", "for_secs", "within_secs"]
    );
    let twice = RuleSet::new(vec![rule(), rule()], str::to_owned).unwrap_err();
    assert_eq!(twice[0].found, "\"sign-ins\" twice");
}
