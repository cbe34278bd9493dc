//! Surges through the whole detector: ten days of ordinary traffic with a rhythm of days and of the week, then something.

use crate::detector::{Detector, Output};
use crate::stage::Serial;
use crate::testing::{Line, Simple, detector, feed};
use domain::{Action, Alert, Decision, ThreatKind};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Days of ordinary traffic. They begin on a Wednesday evening.
const DAYS: i64 = 10;

/// Regular clients: each comes once a day, looks at two pages and signs in; one in eight mistypes first.
const REGULARS: u32 = 400;

/// What was said of everything after the ordinary days.
#[derive(Debug, Default)]
struct Heard {
    surges: Vec<Alert>,
    decisions: Vec<Decision>,
}

impl Heard {
    fn of(outputs: Vec<Output>) -> Self {
        let mut heard = Self::default();
        for output in outputs {
            match output {
                Output::Alert(alert) if alert.reasons[0].feature == "surge" => heard.surges.push(alert),
                Output::Alert(_) => {}
                Output::Decision(decision) => heard.decisions.push(decision),
                Output::Question(..) => {}
            }
        }
        heard
    }
}

fn sign_in(millis: i64, number: u32, status: u16) -> Line {
    Line {
        method: "POST",
        ..Line::new(millis, number, "/login", status)
    }
}

/// One visit: pages and a sign-in, with so many failures before it.
fn visit(millis: i64, number: u32, failures: i64) -> Vec<Line> {
    let mut lines = vec![
        Line::new(millis, number, "/", 200),
        Line::new(millis + 4_000, number, "/shop", 200),
    ];
    lines.extend((0..failures).map(|step| sign_in(millis + 9_000 + step * 8_000, number, 401)));
    lines.push(sign_in(millis + 9_000 + failures * 8_000, number, 200));
    lines.push(Line::new(
        millis + 40_000 + failures * 8_000,
        number,
        "/account",
        200,
    ));
    lines
}

/// A day's visits: nine in ten by day; at the weekend a third as many.
fn ordinary(day: i64) -> Vec<Line> {
    let is_weekend = matches!(day % 7, 3 | 4);
    let visits = (0..REGULARS).filter(|number| !is_weekend || number % 3 == 0);
    visits
        .flat_map(|number| {
            let mixed = i64::from(number.wrapping_mul(2_654_435_761) % 1000);
            let hour = if number % 10 == 0 {
                mixed % 24
            } else {
                8 + mixed % 12
            };
            let millis = day * DAY + hour * HOUR + (mixed * 3_571 + day * 977) % (HOUR - MINUTE);
            visit(millis, number, i64::from((i64::from(number) + day) % 8 == 0))
        })
        .collect()
}

/// A detector that has seen the ordinary days.
fn settled() -> Detector<Simple> {
    let mut detector = detector(16_384);
    let mut outputs = Vec::new();
    for day in 0..DAYS {
        say(&mut detector, ordinary(day), &mut outputs);
    }
    let heard = Heard::of(outputs);
    assert_eq!(heard.surges, Vec::new(), "ordinary days are no surge");
    assert_eq!(heard.decisions, Vec::new());
    detector
}

fn say(detector: &mut Detector<Simple>, mut lines: Vec<Line>, outputs: &mut Vec<Output>) {
    lines.sort_by_key(|line| line.millis);
    feed(detector, 0, &lines, &Serial, outputs);
}

/// What is heard on the eleventh day, on top of what is ordinary.
fn eleventh_day(lines: Vec<Line>) -> Heard {
    let mut detector = settled();
    let mut outputs = Vec::new();
    let mut all = ordinary(DAYS);
    all.extend(lines);
    say(&mut detector, all, &mut outputs);
    detector.flush(&mut outputs);
    Heard::of(outputs)
}

/// The eleventh day at ten o'clock, as the days of this test are counted.
const TEN: i64 = DAYS * DAY + 10 * HOUR;

/// A thousand addresses of a thousand ranges, one failed sign-in each, over two hours.
fn slow_stuffing() -> Vec<Line> {
    (0..1000)
        .map(|step| sign_in(TEN + i64::from(step) * 7_200, 10_000 + step, 401))
        .collect()
}

#[test]
fn a_thousand_addresses_with_one_failed_sign_in_each_are_told_of_and_nobody_is_acted_on() {
    let heard = eleventh_day(slow_stuffing());
    assert_eq!(heard.decisions, Vec::new());
    let first = heard.surges.first().expect("a surge is told");
    assert_eq!(first.client.value(), "POST /login");
    assert_eq!(first.client.scope(), domain::Scope::Route);
    assert_eq!(first.threats[0].kind, ThreatKind::CredentialStuffing);
    assert_eq!(first.action, Action::Observe);
    let sentence = &first.reasons[0].sentence;
    assert!(
        sentence.contains("on this route in this hour, where "),
        "{sentence}"
    );
    assert!(sentence.contains(" failed sign-ins"), "{sentence}");
    let after_minutes = first
        .alerted_at
        .millis_since(domain::Timestamp::from_millis(crate::testing::START_MILLIS + TEN))
        / MINUTE;
    assert!(
        (1..=20).contains(&after_minutes),
        "told after {after_minutes} minutes"
    );
    let shown = &first.evidence;
    assert!(
        !shown.is_empty()
            && shown
                .iter()
                .all(|entry| entry.request == "POST /login" && entry.status == 401)
    );
    let less = first.what_if[0].less().unwrap();
    assert!(less.contains("it would not have fired with at most "), "{less}");
}

#[test]
fn a_surge_is_one_alert_for_each_route_and_hour_however_often_it_is_told() {
    let heard = eleventh_day(slow_stuffing());
    let ids: std::collections::BTreeSet<[u8; 16]> = heard.surges.iter().map(|alert| alert.id.0).collect();
    assert!(heard.surges.len() > ids.len(), "told anew as it doubles");
    assert!((2..=3).contains(&ids.len()), "{}", ids.len());
    assert!(
        heard
            .surges
            .iter()
            .all(|alert| alert.client.value() == "POST /login"),
        "none of the site's beside"
    );
}

#[test]
fn a_marketing_peak_is_no_surge() {
    // Forty times the visits of that hour, and as many who mistype as ever.
    let peak = (0..2000).flat_map(|step| {
        visit(
            TEN + i64::from(step) * 1_700,
            20_000 + step,
            i64::from(step % 8 == 0),
        )
    });
    let heard = eleventh_day(peak.collect());
    assert_eq!(heard.surges, Vec::new());
    assert_eq!(heard.decisions, Vec::new());
}

#[test]
fn on_the_day_that_passwords_expire_nobody_is_acted_on() {
    // All who are known, and as many who come from elsewhere, fail twice and then get in.
    let known = (0..REGULARS).map(|number| (i64::from(number) * 9_000, number));
    let others = (0..REGULARS).map(|number| (i64::from(number) * 8_100, 30_000 + number));
    let expired = known.chain(others).flat_map(|(after, number)| {
        let mut lines = vec![
            sign_in(TEN + after, number, 401),
            sign_in(TEN + after + 9_000, number, 401),
        ];
        lines.extend(visit(TEN + after + 20_000, number, 0));
        lines
    });
    let heard = eleventh_day(expired.collect());
    assert_eq!(heard.decisions, Vec::new());
    let told = heard.surges.iter().map(|alert| alert.action).collect::<Vec<_>>();
    assert!(!told.is_empty() && told.iter().all(|action| *action == Action::Observe));
}

#[test]
fn one_client_that_fails_all_day_is_no_surge() {
    let stuck = (0..2000).map(|step| sign_in(TEN + i64::from(step) * 1_800, 5, 401));
    assert_eq!(eleventh_day(stuck.collect()).surges, Vec::new());
}

#[test]
fn who_invents_paths_pushes_out_no_route_and_makes_none() {
    let mut detector = settled();
    let followed = |detector: &Detector<Simple>| detector.memory.population.baselines.routes.len();
    let before = followed(&detector);
    assert!((1..=4).contains(&before), "{before}");
    let invented = |step: i64| {
        let name: String = (0..4)
            .map(|place| (b'a' + (step >> (4 * place) & 15) as u8) as char)
            .collect();
        Line::new(
            TEN + step * 40,
            7_000 + (step % 7) as u32,
            &format!("/{name}"),
            200,
        )
    };
    let mut outputs = Vec::new();
    say(&mut detector, (0..9000).map(invented).collect(), &mut outputs);
    say(
        &mut detector,
        vec![Line::new(TEN + 3 * HOUR, 1, "/", 200)],
        &mut outputs,
    );
    assert_eq!(followed(&detector), before);
}

#[test]
fn the_least_used_routes_give_way() {
    use super::{Baselines, Passed, Quantity, Traffic};
    use crate::limits::BASELINE_ROUTES_MAX;
    use crate::signal::RouteRole;
    let mut baselines = Baselines::default();
    let routes = BASELINE_ROUTES_MAX as u64 + 40;
    for hour in 0..4 {
        baselines.move_to(domain::Timestamp::from_secs(hour * 3600));
        let passed = |template: u64| {
            let passed = Passed::new(template, RouteRole::Plain, [Quantity::Requests].into_iter());
            std::iter::repeat_n(passed, 1 + usize::from(template >= 40))
        };
        let mut traffic = Traffic {
            routes: (0..routes).flat_map(passed).collect(),
            ..Traffic::default()
        };
        baselines.count(&mut traffic);
    }
    assert_eq!(baselines.routes.len(), BASELINE_ROUTES_MAX);
    assert!(baselines.routes.keys().all(|template| *template >= 40) && baselines.forgotten > 0);
    assert!(baselines.is_whole());
}

/// The acted-on clients among those with numbers of the attack.
fn acted_on(heard: &Heard, numbers: std::ops::Range<u32>) -> usize {
    let of_attack: std::collections::BTreeSet<_> = numbers
        .map(|number| Line::new(0, number, "/", 200).client())
        .collect();
    heard
        .decisions
        .iter()
        .filter(|decision| of_attack.contains(&decision.client))
        .map(|decision| &decision.client)
        .collect::<std::collections::BTreeSet<_>>()
        .len()
}

#[test]
fn in_a_surge_those_who_came_in_it_and_fail_three_times_are_acted_on_and_nobody_else_is() {
    // A thousand that try once or twice, and every tenth three times, minutes apart.
    let mut lines = slow_stuffing();
    lines.extend((0..100).flat_map(|step| {
        let number = 10_000 + step * 10;
        let at = TEN + i64::from(number - 10_000) * 7_200;
        [
            sign_in(at + 400_000, number, 401),
            sign_in(at + 800_000, number, 401),
        ]
    }));
    // New people who mistype once or twice meanwhile, by a program that only signs in.
    lines.extend((0..60).flat_map(|step| {
        let (at, number) = (TEN + i64::from(step) * 110_000, 40_000 + step);
        [
            sign_in(at, number, 401),
            sign_in(at + 9_000, number, 401),
            sign_in(at + 20_000, number, 200),
            Line::new(at + 25_000, number, "/account", 200),
        ]
    }));
    let heard = eleventh_day(lines);
    let attackers = acted_on(&heard, 10_000..11_000);
    assert!((60..=100).contains(&attackers), "{attackers}");
    assert_eq!(acted_on(&heard, 40_000..40_060), 0);
    assert_eq!(acted_on(&heard, 0..REGULARS), 0);
    for decision in &heard.decisions {
        assert!(
            decision.reason.contains("clients that came new to this route"),
            "{}",
            decision.reason
        );
        assert_eq!(decision.ttl_secs, crate::policy::CAMPAIGN_BLOCK_SECS);
    }
}

#[test]
fn where_passwords_expire_and_everybody_comes_anew_nobody_is_acted_on_at_any_pace() {
    // Programs that only sign in, two hundred in a minute, none of them known: all fail twice, and then get in.
    for pause in [300, 3_000] {
        let expired = (0..1200).flat_map(|step| {
            let (at, number) = (TEN + i64::from(step) * pause, 50_000 + step);
            [
                sign_in(at, number, 401),
                sign_in(at + 20_000, number, 401),
                sign_in(at + 50_000, number, 200),
                Line::new(at + 55_000, number, "/account", 200),
            ]
        });
        let heard = eleventh_day(expired.collect());
        assert!(!heard.surges.is_empty());
        assert_eq!(heard.decisions, Vec::new());
    }
}

#[test]
fn a_run_that_is_saved_in_the_middle_of_a_surge_goes_on_to_say_the_same() {
    let mut lines = slow_stuffing();
    lines.extend((0..300).flat_map(|step| {
        let (at, number) = (TEN + i64::from(step) * 20_000, 11_000 + step);
        [1, 9, 30].map(|minute| sign_in(at + minute * 10_000, number, 401))
    }));
    lines.sort_by_key(|line| line.millis);
    let (before, after) = lines.split_at(lines.len() / 3);
    let (mut uncut, mut expected) = (settled(), Vec::new());
    say(&mut uncut, before.to_vec(), &mut Vec::new());
    let bytes = uncut.checkpoint();
    let mut restored = Detector::restore(&bytes, crate::testing::settings(16_384), Simple).unwrap();
    assert!(restored.checkpoint() == bytes);
    let mut outputs = Vec::new();
    for (detector, said) in [(&mut uncut, &mut expected), (&mut restored, &mut outputs)] {
        say(detector, after.to_vec(), said);
        detector.flush(said);
    }
    assert!(Heard::of(expected.clone()).decisions.len() > 20);
    assert_eq!(outputs, expected);
    assert!(restored.checkpoint() == uncut.checkpoint());
}

#[test]
fn the_latest_day_is_shown_hour_by_hour_beside_what_is_usual() {
    let detector = settled();
    let hours = detector.hours();
    assert_eq!(hours.len(), crate::limits::HOURS_SHOWN);
    assert!(hours.windows(2).all(|pair| pair[0].at_millis < pair[1].at_millis));
    let usual = hours[20].usual.unwrap();
    assert!(usual.requests.0 < usual.requests.1 && usual.failed_sign_ins.0 >= 0.0);
    let within = |hour: &&crate::HourView| {
        let (from, to) = hour.usual.unwrap().requests;
        (from..=to).contains(&(hour.requests as f32))
    };
    let seen = hours.iter().filter(within).count();
    assert!(seen >= 18, "{seen} of 24 ordinary hours are usual");
}

#[test]
fn new_clients_that_ask_once_for_what_is_not_there_are_a_surge_of_the_whole_site() {
    let once = (0..400).map(|step: u32| {
        let name: String = (0..4)
            .map(|place| char::from(b'a' + (step >> (4 * place) & 15) as u8))
            .collect();
        Line::new(
            TEN + i64::from(step) * 5_000,
            60_000 + step,
            &format!("/{name}"),
            404,
        )
    });
    let heard = eleventh_day(once.collect());
    let first = heard.surges.first().expect("a surge is told");
    assert_eq!(first.client.to_string(), "host:(all)");
    assert_eq!(first.threats[0].kind, ThreatKind::Reconnaissance);
    let sentence = &first.reasons[0].sentence;
    assert!(
        sentence.contains("new clients whose first request failed on the whole site"),
        "{sentence}"
    );
    assert!(
        heard
            .surges
            .iter()
            .all(|alert| alert.id == first.id || alert.alerted_at > first.alerted_at)
    );
}

#[test]
fn an_hour_that_a_clock_went_back_from_teaches_nothing() {
    use super::{Baselines, Quantity, Traffic};
    let mut baselines = Baselines::default();
    let mut pass = |hour: i64, requests: u32| {
        baselines.move_to(domain::Timestamp::from_secs(hour * 3600));
        let mut traffic = Traffic::default();
        traffic.site[Quantity::Requests as usize] = requests;
        baselines.count(&mut traffic);
    };
    (1000..1100).for_each(|hour| pass(hour, 50));
    pass(9000, 1_000_000);
    (1100..1140).for_each(|hour| pass(hour, 50));
    let usual = baselines.hours().last().unwrap().usual.unwrap();
    assert!(usual.requests.1 < 200.0, "{usual:?}");
    assert!(baselines.is_whole());
}
