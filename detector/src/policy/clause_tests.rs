//! Clauses by themselves: which decides, what it may ask for, and for how long.

use super::{Bounds, Charge, Clause, ClauseSet, Hours, PolicySettings, RoleSet, Span, When};
use crate::rule::{Comparison, FeatureTest};
use crate::signal::RouteRole;
use crate::testing::{clause, clauses};
use domain::{Action, Client, Origin, Scope, ThreatKind, Timestamp};
use proptest::prelude::*;

const ADDRESS: Client = Client::Ip(std::net::Ipv4Addr::new(203, 0, 113, 9));

/// A sure case of guessed passwords, late on a Saturday.
fn charge() -> Charge<'static> {
    Charge {
        threat: ThreatKind::CredentialCracking,
        confidence: 0.95,
        evidence: 0.93,
        is_conclusive: false,
        roles: RoleSet::of(&[RouteRole::Login]),
        client: &ADDRESS,
        requests: 40,
        is_established: false,
        is_declared_crawler: false,
        is_crowd: false,
        offences: 0,
        at: Timestamp::parse_rfc3339("2026-11-28T23:30:00Z").unwrap(),
        origin: Origin::Model,
        feature: &|place| (place == 3).then_some(7.0),
    }
}

const BLOCK: Bounds = Bounds::no_stronger(Action::Block);

fn is_for(when: When) -> bool {
    let set = clauses(vec![Clause {
        when,
        ..clause("only", Action::Observe)
    }]);
    set.measure(&charge(), BLOCK).clause.is_some()
}

#[test]
fn without_clauses_it_is_as_usual_and_nothing_is_said() {
    for usual in Action::ALL {
        let none = ClauseSet::default();
        let measure = none.measure(&charge(), Bounds::no_stronger(usual));
        assert_eq!((measure.action, measure.is_shadow()), (usual, false));
        assert_eq!((measure.sentence(), measure.held_back()), (None, None));
        let settings = PolicySettings::default();
        for offences in [0, 1, 3, 40] {
            let usually = settings.ttl_secs(usual, offences);
            assert_eq!(measure.ttl_secs(&settings, usual, offences), usually);
        }
    }
}

#[test]
fn the_first_clause_that_fits_decides() {
    let mut nobody = clause("nobody", Action::Observe);
    nobody.when.threats = vec![ThreatKind::Scraping];
    let set = clauses(vec![
        nobody,
        clause("mild", Action::Throttle),
        clause("late", Action::Observe),
    ]);
    let measure = set.measure(&charge(), BLOCK);
    assert_eq!(measure.action, Action::Throttle);
    assert_eq!(
        measure.held_back().unwrap(),
        "clause mild of policy shop 1 says throttle, where block is usual"
    );
}

#[test]
fn every_part_of_a_condition_is_asked() {
    assert!(is_for(When::default()));
    let mut wrong: Vec<When> = Vec::new();
    let mut right: Vec<When> = Vec::new();
    let mut both = |fits: fn(&mut When), misses: fn(&mut When)| {
        let (mut fitting, mut missing) = (When::default(), When::default());
        fits(&mut fitting);
        misses(&mut missing);
        right.push(fitting);
        wrong.push(missing);
    };
    both(
        |when| when.threats = vec![ThreatKind::Scraping, ThreatKind::CredentialCracking],
        |when| when.threats = vec![ThreatKind::Scraping],
    );
    both(
        |when| when.confidence_min = 0.95,
        |when| when.confidence_min = 0.96,
    );
    both(|when| when.evidence_min = 0.93, |when| when.evidence_min = 0.94);
    both(|when| when.requests_min = 40, |when| when.requests_min = 41);
    both(|when| when.offences_min = 0, |when| when.offences_min = 1);
    both(
        |when| when.roles = RoleSet::of(&[RouteRole::Login, RouteRole::Payment]),
        |when| when.roles = RoleSet::of(&[RouteRole::Payment]),
    );
    both(
        |when| when.only_roles = RoleSet::of(&[RouteRole::Login, RouteRole::Payment]),
        |when| when.only_roles = RoleSet::of(&[RouteRole::Payment]),
    );
    both(
        |when| when.scopes = vec![Scope::Range, Scope::Ip],
        |when| when.scopes = vec![Scope::ApiKey],
    );
    both(
        |when| when.clients = vec![Client::parse(Scope::Range, "203.0.113.0/24").unwrap()],
        |when| when.clients = vec![Client::parse(Scope::Ip, "203.0.113.8").unwrap()],
    );
    both(
        |when| when.origins = vec![Origin::Model],
        |when| when.origins = vec![Origin::Rule],
    );
    both(
        |when| when.is_conclusive = Some(false),
        |when| when.is_conclusive = Some(true),
    );
    both(
        |when| when.is_established = Some(false),
        |when| when.is_established = Some(true),
    );
    both(
        |when| when.is_declared_crawler = Some(false),
        |when| when.is_declared_crawler = Some(true),
    );
    both(
        |when| when.is_crowd = Some(false),
        |when| when.is_crowd = Some(true),
    );
    both(|when| when.hours.days = vec![5], |when| when.hours.days = vec![6]);
    both(
        |when| when.features = vec![test(3, 7.0)],
        |when| when.features = vec![test(3, 7.0), test(4, 0.0)],
    );
    assert!(right.into_iter().all(is_for));
    assert!(!wrong.into_iter().any(is_for));
}

fn test(feature: usize, value: f32) -> FeatureTest {
    FeatureTest {
        feature,
        comparison: Comparison::AtLeast,
        value,
    }
}

#[test]
fn a_ladder_goes_up_to_its_last_step_and_never_past_the_longest_block() {
    let mut steps = clause("steps", Action::Block);
    steps.for_secs = vec![60, 600, 30 * 24 * 3600];
    let set = clauses(vec![steps]);
    let settings = PolicySettings::default();
    let measure = set.measure(&charge(), BLOCK);
    let secs = |offences| measure.ttl_secs(&settings, Action::Block, offences);
    assert_eq!(
        [secs(0), secs(1), secs(2), secs(3), secs(u32::MAX)],
        [
            60,
            600,
            settings.block_secs_max,
            settings.block_secs_max,
            settings.block_secs_max
        ]
    );
    assert_eq!(
        measure.ttl_secs(&settings, Action::Throttle, 0),
        settings.throttle_secs,
        "what something else lowered holds as long as usual"
    );
}

#[test]
fn a_stronger_action_than_usual_is_had_as_far_as_the_evidence_allows() {
    let set = clauses(vec![clause("strict", Action::Block)]);
    let settings = PolicySettings::default();
    for (evidence, most) in [
        (0.0, Action::Observe),
        (0.66, Action::Observe),
        (0.7, Action::Throttle),
        (0.86, Action::Throttle),
        (0.9, Action::Block),
    ] {
        assert_eq!(settings.most(evidence, false), most, "{evidence}");
        let usual = Action::Observe;
        let measure = set.measure(&charge(), Bounds { usual, most });
        assert_eq!(measure.action, most, "{evidence}");
        assert_eq!(measure.held_back().is_some(), most < Action::Block);
    }
    assert_eq!(
        settings.most(0.5, true),
        Action::Block,
        "an act that convicts by itself"
    );
}

#[test]
fn what_is_wrong_with_a_policy_is_named_with_what_was_expected() {
    let mut all = clause("Wrong Name", Action::Block);
    all.for_secs = vec![0; 20];
    all.memory_secs = Some(0);
    all.gateways = vec![String::new()];
    all.when.confidence_min = 1.5;
    all.when.evidence_min = f32::NAN;
    all.when.hours = Hours {
        spans: vec![Span { from: 5, until: 5 }],
        days: vec![7],
        offset_minutes: 900,
    };
    let mut timed = clause("timed", Action::Observe);
    timed.for_secs = vec![60];
    let found = ClauseSet::new(String::new(), "1".to_owned(), vec![all, timed.clone(), timed]).unwrap_err();
    let fields: Vec<&str> = found.iter().map(|problem| problem.field).collect();
    assert_eq!(
        fields,
        [
            "name",
            "name",
            "for_secs",
            "for_secs",
            "memory_secs",
            "gateways",
            "confidence_min",
            "evidence_min",
            "hours",
            "days",
            "utc_offset",
            "for_secs",
            "for_secs",
            "name"
        ]
    );
    let many = (0..=crate::limits::CLAUSES_MAX).map(|place| clause(&format!("c{place}"), Action::Observe));
    assert_eq!(
        ClauseSet::new("shop".to_owned(), "1".to_owned(), many.collect())
            .unwrap_err()
            .len(),
        1
    );
}

fn actions() -> impl Strategy<Value = Action> {
    (0..Action::ALL.len()).prop_map(|place| Action::ALL[place])
}

fn any_clause() -> impl Strategy<Value = Clause> {
    let when = (0.0f32..=1.0, 0u32..4, prop::option::of(any::<bool>()));
    let secs = prop::collection::vec(1..=crate::limits::CLAUSE_SECS_MAX, 0..5);
    (actions(), secs, any::<bool>(), when).prop_map(|(action, secs, is_shadow, when)| Clause {
        for_secs: if action.is_enforced() { secs } else { Vec::new() },
        is_shadow,
        when: When {
            confidence_min: when.0,
            offences_min: when.1,
            is_established: when.2,
            ..When::default()
        },
        ..clause("any", action)
    })
}

proptest! {
    /// Whatever clauses say: everything ends within the longest block, nothing is stronger than it may be, and the first clause
    /// that fits is the one that decided.
    #[test]
    fn no_policy_gives_what_has_no_end_or_more_than_is_allowed(
        all in prop::collection::vec(any_clause(), 0..6),
        (usual, most, lowered) in (actions(), actions(), actions()),
        (confidence, offences, is_established) in (0.0f32..=1.0, any::<u32>(), any::<bool>()),
        block_secs_max in 1u32..1_000_000,
    ) {
        let named = all.iter().enumerate().map(|(place, clause)| Clause {
            name: format!("c{place}"),
            ..clause.clone()
        });
        let named: Vec<Clause> = named.collect();
        let set = clauses(named.clone());
        let settings = PolicySettings { block_secs: 1, block_secs_max, ..PolicySettings::default() };
        let charge = Charge { confidence, offences, is_established, ..charge() };
        let measure = set.measure(&charge, Bounds { usual, most });
        prop_assert!(measure.action <= most.max(usual));
        let first = named.iter().find(|clause| clause.when.holds(&charge));
        prop_assert_eq!(measure.clause, first);
        match first {
            None => prop_assert_eq!(measure.action, usual),
            Some(clause) => prop_assert!(measure.action <= clause.action),
        }
        for action in [measure.action, lowered] {
            let secs = measure.ttl_secs(&settings, action, offences);
            let longest = settings.throttle_secs.max(block_secs_max);
            prop_assert!((1..=longest).contains(&secs));
            prop_assert!(action != Action::Block || secs <= block_secs_max);
        }
    }
}
