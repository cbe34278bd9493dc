use super::*;
use crate::detector::{Detector, Input, Output};
use crate::rule::{Glob, Roles, RuleSet};
use crate::stage::Serial;
use crate::testing::{Line, Simple, detector, feed, run};
use domain::ThreatKind;

const LOGIN: u64 = 7;

/// What clients do: how many of them, each of a range of its own, and how each POST is answered.
struct Visits {
    learned: LearnedRoles,
    seq: u64,
}

impl Visits {
    fn new() -> Self {
        Self {
            learned: LearnedRoles::default(),
            seq: 0,
        }
    }

    /// One client's POSTs: the route, and how it was answered. Its requests before are twenty.
    fn visit(&mut self, key: u64, range: u64, is_established: bool, posts: &[(u64, u16)]) {
        let deeds: Vec<Deed> = posts
            .iter()
            .map(|(template, status)| {
                self.seq += 1;
                Deed {
                    seq: self.seq,
                    key,
                    range,
                    template: *template,
                    answer: Answer::of(*status).unwrap(),
                    place: 20 + self.seq as u32 % 7,
                    is_unnamed: true,
                    is_established,
                    route: Some(format!("/{template}").into()),
                }
            })
            .collect();
        self.learned.learn(&deeds, &[]);
    }

    fn established(&mut self, clients: std::ops::Range<u64>, posts: &[(u64, u16)]) -> &mut Self {
        for key in clients {
            self.visit(key, key, true, posts);
        }
        self
    }

    fn role(&self) -> Option<RouteRole> {
        self.learned.of(LOGIN)
    }
}

#[test]
fn where_established_clients_are_told_no_and_then_let_in_is_a_login() {
    for turn in [[401, 200], [401, 302], [200, 302], [422, 200]] {
        let mut visits = Visits::new();
        visits.established(0..4, &turn.map(|status| (LOGIN, status)));
        assert_eq!(visits.role(), None, "{turn:?}");
        let last = turn[1];
        visits.established(4..12, &turn.map(|status| (LOGIN, status)));
        visits.established(12..60, &[(LOGIN, last)]);
        assert_eq!(visits.role(), Some(RouteRole::Login), "{turn:?}");
        let learned = visits.learned.all();
        assert_eq!((learned.len(), &*learned[0].route), (1, "/7"));
        assert!(
            learned[0].confidence > 0.8 && learned[0].clients > 40,
            "{learned:?}"
        );
    }
}

#[test]
fn what_only_looks_like_a_login_is_none() {
    let check = |posts: &[(u64, u16)]| {
        let mut visits = Visits::new();
        visits.established(0..60, posts);
        assert_ne!(visits.role(), Some(RouteRole::Login), "{posts:?}");
    };
    // A new token was fetched in between.
    check(&[(LOGIN, 401), (8, 200), (LOGIN, 201)]);
    // Comments are always taken; an order is used often.
    check(&[(LOGIN, 302)]);
    check(&[(LOGIN, 200)]);
    let mut often = vec![(LOGIN, 401)];
    often.extend([(LOGIN, 201); 20]);
    check(&often);
    // Whoever is let in and refused later was not told no first.
    check(&[(LOGIN, 200), (LOGIN, 401)]);
    // An order that was wrong comes after other things.
    check(&[(8, 200), (9, 200), (8, 200), (LOGIN, 422), (LOGIN, 201)]);
}

#[test]
fn one_client_one_range_and_any_number_of_strangers_make_no_login() {
    let turn = [(LOGIN, 401), (LOGIN, 200)];
    let mut visits = Visits::new();
    for _ in 0..500 {
        visits.visit(1, 1, true, &turn);
    }
    for key in 2..500 {
        visits.visit(key, 2, true, &turn);
    }
    for key in 1000..3000 {
        visits.visit(key, key, false, &turn);
    }
    assert_eq!(visits.role(), None);
    // The same of clients with a history would.
    let grown_up: Vec<(u64, u64)> = (1000..1020).map(|key| (key, 90)).collect();
    visits.learned.learn(&[], &grown_up);
    assert_eq!(visits.role(), Some(RouteRole::Login));
}

#[test]
fn a_range_cannot_take_a_role_away_and_a_site_that_changed_can() {
    let learned = || {
        let mut visits = Visits::new();
        visits.established(0..30, &[(LOGIN, 401), (LOGIN, 200)]);
        assert_eq!(visits.role(), Some(RouteRole::Login));
        visits
    };
    let mut poisoned = learned();
    for key in 1000..2000 {
        poisoned.visit(key, 5000, true, &[(LOGIN, 200); 30]);
    }
    for key in 2000..4000 {
        poisoned.visit(key, key, false, &[(LOGIN, 200); 30]);
    }
    assert_eq!(poisoned.role(), Some(RouteRole::Login));
    // As many who use it otherwise make it less sure, and no other role is: it stays what it was.
    let mut changed = learned();
    changed.established(100..120, &[(LOGIN, 200); 30]);
    assert_eq!(changed.role(), Some(RouteRole::Login));
    changed.established(200..260, &[(LOGIN, 200); 30]);
    assert_eq!(changed.role(), None);
}

#[test]
fn whoever_only_guesses_at_a_form_speaks_neither_for_it_nor_against_it() {
    let mut visits = Visits::new();
    visits.established(0..20, &[(LOGIN, 200), (LOGIN, 302)]);
    // Wrong passwords are answered 200 here: all of a guesser's history is its guesses.
    visits.established(100..160, &[(LOGIN, 200); 60]);
    assert_eq!(visits.role(), Some(RouteRole::Login));
}

#[test]
fn signing_up_is_done_once_and_paying_seldom_and_late() {
    let mut visits = Visits::new();
    visits.established(0..8, &[(LOGIN, 422), (LOGIN, 201)]);
    visits.established(8..40, &[(LOGIN, 201)]);
    assert_eq!(visits.role(), Some(RouteRole::SignUp));
    let mut visits = Visits::new();
    visits.established(0..40, &[(8, 200), (LOGIN, 200)]);
    assert_eq!(visits.role(), Some(RouteRole::Payment));
    let mut visits = Visits::new();
    visits.established(0..40, &[(8, 200), (LOGIN, 204)]);
    assert_eq!(visits.role(), None);
}

#[test]
fn what_was_acted_on_is_no_witness() {
    let mut visits = Visits::new();
    visits.established(0..6, &[(LOGIN, 401), (LOGIN, 200)]);
    assert_eq!(visits.role(), Some(RouteRole::Login));
    let mut visits = Visits::new();
    for key in 0..6 {
        visits.visit(key, key, true, &[(LOGIN, 401), (LOGIN, 200)]);
        visits.learned.disown(key);
    }
    assert_eq!(visits.role(), None);
}

#[test]
fn a_flood_is_forgotten_before_established_clients_and_takes_no_more_room() {
    let mut visits = Visits::new();
    visits.established(0..30, &[(LOGIN, 401), (LOGIN, 200)]);
    let flood = ROLE_WITNESSES_MAX as u64 * 2;
    for key in 1_000_000..1_000_000 + flood {
        visits.visit(key, key, false, &[(key, 200), (key + 1, 200)]);
    }
    assert!(visits.learned.is_whole() && visits.learned.passed_over() > 0);
    assert!((0..30).all(|key| visits.learned.witnesses.contains_key(&key)));
    // One client on many routes: a few are followed.
    let many: Vec<(u64, u16)> = (0..100).map(|template| (template, 200)).collect();
    visits.visit(50, 50, true, &many);
    assert_eq!(
        visits.learned.witnesses[&50].uses.len(),
        crate::limits::ROLE_USES_MAX
    );
    let bytes = postcard::to_stdvec(&visits.learned).unwrap();
    let restored: LearnedRoles = postcard::from_bytes(&bytes).unwrap();
    assert!(restored == visits.learned && restored.is_whole());
}

/// People of a site whose paths tell nothing: they look around, sign in with a slip, and look around.
fn people(count: u32) -> Vec<Line> {
    let mut lines = Vec::new();
    for number in 0..count {
        let start = i64::from(number) * 20_000;
        let page = |step: i64| Line::new(start + step * 60_000, number, &format!("/c3/{}", step % 7), 200);
        lines.extend((0..14).map(page));
        for (place, status) in [401, 401, 200].into_iter().enumerate() {
            lines.push(Line {
                method: "POST",
                ..Line::new(start + 65_000 + place as i64 * 9_000, number, "/a1/x9", status)
            });
        }
    }
    lines.sort_by_key(|line| line.millis);
    lines
}

/// Somebody who tries passwords there in a hurry and with pauses, told each time that what was sent is wrong.
fn guesser() -> Vec<Line> {
    let mut millis = 3_600_000;
    let guess = |step: usize| {
        millis += [300, 9_000, 700, 20_000, 400, 2_500][step % 6];
        Line {
            method: "POST",
            ..Line::new(millis, 9_999, "/a1/x9", 422)
        }
    };
    (0..40).map(guess).collect()
}

fn threats(outputs: &[Output]) -> Vec<(ThreatKind, String)> {
    let alerts = outputs.iter().filter_map(|output| match output {
        Output::Alert(alert) => Some(alert),
        Output::Decision(_) | Output::Question(..) => None,
    });
    let client = Line::new(0, 9_999, "/", 200).client();
    let about = alerts.filter(|alert| alert.client == client);
    about
        .map(|alert| (alert.threats[0].kind, alert.reasons[0].sentence.clone()))
        .collect()
}

#[test]
fn a_learned_login_is_used_shown_and_named_in_alerts() {
    let mut stranger = detector(4096);
    assert!(
        threats(&run(&mut stranger, &guesser(), &Serial)).is_empty(),
        "nobody knows what the route is for"
    );
    let mut knowing = detector(4096);
    let mut lines = people(60);
    lines.extend(guesser());
    let found = threats(&run(&mut knowing, &lines, &Serial));
    let (kind, sentence) = found.first().expect("the guesser is found");
    assert_eq!(*kind, ThreatKind::CredentialCracking);
    assert!(sentence.contains("/a1/x9 is taken for login"), "{sentence}");
    let shown = knowing.learned_roles();
    assert_eq!(
        (shown.len(), &*shown[0].route, shown[0].role),
        (1, "/a1/x9", RouteRole::Login)
    );
}

#[test]
fn a_person_says_that_a_learned_login_is_none() {
    let mut told: Detector<Simple> = detector(4096);
    let mut outputs = Vec::new();
    let people = people(60);
    feed(&mut told, 0, &people, &Serial, &mut outputs);
    told.flush(&mut outputs);
    assert_eq!(told.learned_roles().len(), 1);
    let plain = Roles::new(vec![(Glob::new("/a1/*").unwrap(), RouteRole::Plain)]);
    told.submit(Input::Rules(RuleSet::default(), plain));
    told.flush(&mut outputs);
    assert!(told.learned_roles().is_empty());
    outputs.clear();
    feed(&mut told, people.len(), &guesser(), &Serial, &mut outputs);
    told.flush(&mut outputs);
    assert!(threats(&outputs).is_empty(), "{:?}", threats(&outputs));
}
