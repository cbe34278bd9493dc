//! Clauses of the policy through the whole detector: what they change, and what they cannot.

use super::campaign_tests::sign_ins;
use crate::detector::{Detector, Output, Settings};
use crate::policy::{Clause, RoleSet};
use crate::rule::{By, Condition, Limit, Pace, Rule, RuleSet, Who};
use crate::signal::RouteRole;
use crate::stage::Serial;
use crate::testing::{Line, Simple, clause, clauses, run, settings};
use domain::{Action, Alert, AllowEntry, Allowlist, Decision, Mode, ThreatKind};

fn with(all: Vec<Clause>) -> Settings {
    Settings {
        clauses: clauses(all),
        ..settings(4096)
    }
}

fn heard(settings: Settings, lines: &[Line]) -> (Vec<Alert>, Vec<Decision>, Detector<Simple>) {
    let mut detector = Detector::new(settings, Simple);
    let (mut alerts, mut decisions) = (Vec::new(), Vec::new());
    for output in run(&mut detector, lines, &Serial) {
        match output {
            Output::Alert(alert) => alerts.push(alert),
            Output::Decision(decision) => decisions.push(decision),
            Output::Question(..) => {}
        }
    }
    (alerts, decisions, detector)
}

/// A scanner's twelve probes from that second on.
fn scan(from_secs: i64) -> Vec<Line> {
    let probe = |step: i64| Line::new((from_secs + step) * 1000, 9, &format!("/.git/config{step}"), 404);
    (0..12).map(probe).collect()
}

#[test]
fn a_clause_makes_an_action_milder_and_alert_and_decision_say_so() {
    let usual = heard(settings(4096), &scan(0)).1;
    assert_eq!(usual.last().unwrap().action, Action::Block);
    let mut mild = clause("scanners", Action::Throttle);
    mild.when.threats = vec![ThreatKind::Reconnaissance];
    mild.for_secs = vec![120];
    let (alerts, decisions, detector) = heard(with(vec![mild]), &scan(0));
    assert_eq!(decisions.len(), 1);
    assert_eq!(
        (decisions[0].action, decisions[0].ttl_secs),
        (Action::Throttle, 120)
    );
    assert!(
        decisions[0]
            .reason
            .ends_with(" (clause scanners of policy shop 1)")
    );
    let alert = alerts.last().unwrap();
    let said = "clause scanners of policy shop 1 says throttle";
    let reason = alert.reasons.last().unwrap();
    assert!(
        reason.feature == "policy" && reason.sentence.starts_with(said),
        "{reason:?}"
    );
    assert!(detector.memory.sequencer.blocks.is_empty());
}

#[test]
fn whoever_is_only_observed_by_a_clause_is_told_and_why() {
    let (alerts, decisions, _) = heard(with(vec![clause("partner", Action::Observe)]), &scan(0));
    assert!(decisions.is_empty());
    let usually = heard(settings(4096), &scan(0)).0;
    assert_eq!(
        alerts.len(),
        usually.len(),
        "once for each action that it would get"
    );
    let held_back = alerts.last().unwrap().held_back.as_deref().unwrap();
    assert!(
        held_back.starts_with("clause partner of policy shop 1 says observe, where "),
        "{held_back}"
    );
}

#[test]
fn what_a_clause_only_records_stops_nothing_and_hides_nothing() {
    let mut shadow = clause("try", Action::Block);
    shadow.when.threats = vec![ThreatKind::Reconnaissance];
    shadow.is_shadow = true;
    // The scanner goes on to guess passwords, which no clause is about.
    let guesses = (0..40).map(|step| Line {
        method: "POST",
        ..Line::new(20_000 + step * 1000, 9, "/login", 401)
    });
    let lines: Vec<Line> = scan(0).into_iter().chain(guesses).collect();
    let (alerts, decisions, detector) = heard(with(vec![shadow]), &lines);
    let recorded: Vec<&Decision> = decisions
        .iter()
        .filter(|decision| decision.mode == Mode::Shadow)
        .collect();
    assert!(
        recorded
            .iter()
            .all(|decision| decision.threat == ThreatKind::Reconnaissance)
    );
    assert_eq!(recorded.last().unwrap().action, Action::Block);
    assert!(alerts.iter().any(|alert| {
        let held_back = alert.held_back.as_deref();
        held_back.is_some_and(|reason| reason.ends_with("in shadow: recorded and not carried out"))
    }));
    let enforced = decisions
        .iter()
        .find(|decision| decision.mode == Mode::Enforced)
        .unwrap();
    assert_ne!(enforced.threat, ThreatKind::Reconnaissance);
    assert!(
        recorded.iter().all(|decision| decision.id != enforced.id),
        "the log would take one for the other"
    );
    let guard = &detector.memory.sequencer.guard;
    assert_eq!((guard.passed, guard.remembered()), (0, 0));
}

#[test]
fn a_clause_for_some_gateways_names_them_and_its_client_is_served_at_the_others() {
    let mut edge = clause("edge", Action::Block);
    edge.gateways = vec!["edge-1".to_owned()];
    let mut lines = scan(0);
    lines.extend((0..5).map(|step| Line::new(60_000 + step * 1000, 9, "/", 200)));
    let (_, decisions, detector) = heard(with(vec![edge.clone()]), &lines);
    let block = decisions
        .iter()
        .find(|decision| decision.action == Action::Block)
        .unwrap();
    assert_eq!(block.gateways, ["edge-1"]);
    assert_eq!(detector.totals().leaks, 0, "other gateways serve it");
    let (_, _, everywhere) = heard(settings(4096), &lines);
    assert_eq!(everywhere.totals().leaks, 5);
}

#[test]
fn each_further_offence_takes_the_next_step_of_a_ladder_also_of_throttles() {
    let mut steps = clause("steps", Action::Throttle);
    steps.for_secs = vec![60, 600, 3600];
    let lines: Vec<Line> = (0..4).flat_map(|episode| scan(episode * 7200)).collect();
    let secs = |clause: Clause| -> Vec<u32> {
        let decisions = heard(with(vec![clause]), &lines).1;
        decisions.iter().map(|decision| decision.ttl_secs).collect()
    };
    assert_eq!(secs(steps.clone()), [60, 600, 3600, 3600]);
    // An hour is longer than the pause between two episodes: nothing is remembered of the one before.
    steps.memory_secs = Some(3600);
    assert_eq!(secs(steps), [60, 60, 60, 60]);
}

#[test]
fn a_strict_clause_moves_neither_allowlist_nor_what_a_score_alone_may_do() {
    let strict = || with(vec![clause("strict", Action::Block)]);
    let mut allowing = strict();
    let entry = AllowEntry {
        client: scan(0)[0].client(),
        reason: "a partner".to_owned(),
        until: None,
    };
    allowing.allowlist = Allowlist::new(Vec::new(), vec![entry], false);
    let (alerts, decisions, _) = heard(allowing, &scan(0));
    let held_back = alerts.last().unwrap().held_back.as_deref();
    assert_eq!(held_back, Some("allowlist: a partner"));
    assert!(decisions.is_empty());

    // Odd, and nothing else: a site with many visitors, one of whom the model finds unlike the others.
    let odd: Vec<Line> = (0..400)
        .map(|step| Line::new(step * 400, 3, &format!("/page{}", step % 7), 200))
        .collect();
    let (alerts, decisions, _) = heard(strict(), &odd);
    assert!(decisions.is_empty(), "{decisions:?}");
    assert!(alerts.iter().all(|alert| alert.action == Action::Observe));
}

#[test]
fn roles_are_those_of_the_routes_on_which_the_evidence_lies() {
    let guesses: Vec<Line> = (0..40)
        .flat_map(|step| {
            let post = Line {
                method: "POST",
                ..Line::new(step * 2000, 9, "/login", 401)
            };
            // Whatever else it reads is no evidence.
            [post, Line::new(step * 2000 + 500, 9, "/search", 200)]
        })
        .collect();
    let mut on_logins = clause("logins", Action::Throttle);
    on_logins.when.only_roles = RoleSet::of(&[RouteRole::Login]);
    let (_, decisions, _) = heard(with(vec![on_logins.clone()]), &guesses);
    assert!(!decisions.is_empty());
    assert!(
        decisions
            .iter()
            .all(|decision| decision.action == Action::Throttle && decision.reason.contains("clause logins")),
        "{decisions:?}"
    );
    // One probe elsewhere, and not all of it lies there.
    let mut lines = vec![Line::new(0, 9, "/.env", 404)];
    lines.extend(guesses);
    let (_, decisions, _) = heard(with(vec![on_logins]), &lines);
    assert_eq!(decisions.last().unwrap().action, Action::Block);
}

#[test]
fn members_of_a_campaign_are_spared_by_a_clause_or_held_for_less_and_never_for_more() {
    let mut spared = clause("quiet", Action::Observe);
    spared.when.threats = vec![ThreatKind::CredentialStuffing];
    let (alerts, decisions, _) = heard(with(vec![spared]), &sign_ins(6, 401));
    assert!(decisions.is_empty());
    let campaign = alerts.iter().rfind(|alert| !alert.members.is_empty()).unwrap();
    let held_back = campaign.held_back.as_deref();
    assert!(held_back.is_some_and(|reason| reason.starts_with("clause quiet of policy shop 1")));
    for (secs, expected) in [(60, 60), (86_400, crate::policy::CAMPAIGN_BLOCK_SECS)] {
        let mut timed = clause("timed", Action::Block);
        timed.for_secs = vec![secs];
        let (_, decisions, _) = heard(with(vec![timed]), &sign_ins(6, 401));
        assert_eq!(decisions.len(), 6);
        assert!(
            decisions.iter().all(|decision| decision.ttl_secs == expected),
            "{secs}"
        );
    }
}

#[test]
fn a_rule_of_peoples_is_made_milder_and_never_stronger() {
    let rule = Rule {
        name: "rate".to_owned(),
        description: String::new(),
        threat: ThreatKind::DenialOfService,
        by: By {
            who: Some(Who::Client),
            ..By::default()
        },
        when: Vec::new(),
        unless: Condition::default(),
        limit: Limit {
            count: 5,
            distinct: None,
            pace: Pace::Within { secs: 60 },
        },
        action: Action::Throttle,
        for_secs: 300,
    };
    let lines: Vec<Line> = (0..6).map(|step| Line::new(step * 1000, 9, "/", 200)).collect();
    let decided = |clause: Clause| {
        let settings = Settings {
            rules: RuleSet::new(vec![rule.clone()], str::to_owned).unwrap(),
            ..with(vec![clause])
        };
        let decisions = heard(settings, &lines).1;
        let told = decisions.iter();
        told.map(|decision| (decision.action, decision.ttl_secs))
            .collect::<Vec<_>>()
    };
    let mut strict = clause("strict", Action::Block);
    strict.for_secs = vec![86_400];
    assert_eq!(decided(strict), [(Action::Throttle, 300)]);
    assert_eq!(decided(clause("mild", Action::Observe)), []);
    let mut short = clause("short", Action::Throttle);
    short.for_secs = vec![30];
    assert_eq!(decided(short), [(Action::Throttle, 30)]);
}
