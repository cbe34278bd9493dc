//! What the behaviours claim, held against the traffic that they make.

use domain::{ThreatKind, Timestamp};
use simulator::{
    BEHAVIOURS, Behaviour, Group, Label, Scenario, SimulatedRequest, Simulation, Starts, Verdict, behaviour,
    scenario, world::SiteKind, write_truth,
};
use std::collections::HashSet;

const START: Timestamp = Timestamp::from_secs(1_767_571_200);

/// Runs a few clients of one behaviour for a day.
fn run_alone(name: &'static str, clients: u32, seed: u64) -> (Simulation, Vec<SimulatedRequest>) {
    let starts = Starts::At {
        secs: 0,
        within_secs: 60,
    };
    let groups: &'static [Group] = Vec::leak(vec![Group {
        name,
        clients,
        starts,
        returns: false,
        back_after_secs: None,
        cover: None,
    }]);
    let alone = Scenario {
        name: "alone",
        about: "one behaviour",
        sites: &SiteKind::ALL,
        span_secs: 86_400,
        rounds: 1,
        releases_at_secs: &[],
        is_resizable: false,
        groups,
    };
    let mut run = Simulation::new(&alone, seed, START);
    let end = START.plus_secs(86_400);
    let mut requests = Vec::new();
    while let Some(request) = run.next()
        && request.at < end
        && requests.len() < 60_000
    {
        requests.push(request);
    }
    assert!(!requests.is_empty(), "{name} sent nothing");
    (run, requests)
}

fn share(requests: &[SimulatedRequest], holds: impl Fn(&SimulatedRequest) -> bool) -> f64 {
    requests.iter().filter(|request| holds(request)).count() as f64 / requests.len() as f64
}

fn is_file(request: &SimulatedRequest) -> bool {
    let path = &request.request().path;
    [".css", ".js", ".png", ".jpg", ".webp", ".svg", ".ico", ".woff2"]
        .iter()
        .any(|end| path.ends_with(end))
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_does_not() {
    let lines = |seed| {
        let mixed = scenario("mixed").unwrap();
        let requests = Simulation::sized(mixed, seed, START, 5_000).take(5_000);
        requests
            .map(|request| format!("{request:?}\n"))
            .collect::<String>()
    };
    assert_eq!(lines(7), lines(7));
    assert_ne!(lines(7), lines(8));
}

#[test]
fn requests_come_in_the_order_of_their_times() {
    let mut last = START;
    for request in Simulation::sized(scenario("mixed").unwrap(), 3, START, 20_000).take(20_000) {
        assert!(request.at >= last);
        last = request.at;
    }
}

#[test]
fn a_behaviour_added_to_a_scenario_leaves_the_other_clients_as_they_were() {
    let monitor = |groups: Vec<Group>| {
        let with = Scenario {
            name: "with",
            about: "",
            sites: &[SiteKind::Content],
            span_secs: 3_600,
            rounds: 1,
            releases_at_secs: &[],
            is_resizable: false,
            groups: Vec::leak(groups),
        };
        let mut run = Simulation::new(&with, 5, START);
        let mut seen = Vec::new();
        while seen.len() < 20 {
            let request = run.next().unwrap();
            if run.behaviour_name(request.client) == Some("monitor") {
                seen.push((request.at, request.address, request.request().clone()));
            }
        }
        seen
    };
    let starts = Starts::At {
        secs: 0,
        within_secs: 10,
    };
    let group = |name, clients| Group {
        name,
        clients,
        starts,
        returns: true,
        back_after_secs: None,
        cover: None,
    };
    assert_eq!(
        monitor(vec![group("monitor", 1)]),
        monitor(vec![group("browser", 40), group("monitor", 1)])
    );
}

#[test]
fn every_behaviour_sends_something_and_about_as_much_as_it_says() {
    for Behaviour {
        name,
        typical_requests,
        ..
    } in BEHAVIOURS
    {
        let clients = if *typical_requests > 400 { 8 } else { 60 };
        let (_, requests) = run_alone(name, clients, 11);
        let mean = requests.len() as f64 / f64::from(clients);
        let said = f64::from(*typical_requests);
        assert!(
            (said / 4.0..said * 4.0).contains(&mean),
            "{name}: {mean} requests a client, {said} said"
        );
    }
}

#[test]
fn every_threat_that_a_log_can_show_has_a_behaviour_labelled_with_it() {
    // A forged request is sent by its victim's browser: no client of its own. An anomaly has no name by definition.
    let without = [ThreatKind::CrossSiteForgery, ThreatKind::Anomaly];
    for kind in ThreatKind::ALL {
        let is_there = BEHAVIOURS
            .iter()
            .any(|behaviour| behaviour.label == Label::Attack(*kind));
        assert_eq!(is_there, !without.contains(kind), "{kind}");
    }
}

#[test]
fn the_harmless_never_attack_and_every_attacker_does() {
    for behaviour in BEHAVIOURS {
        let (run, requests) = run_alone(behaviour.name, 6, 4);
        let attacks = requests.iter().any(SimulatedRequest::is_attack);
        assert_eq!(attacks, behaviour.label.is_attack(), "{}", behaviour.name);
        assert!(run.truth().all(|row| row.label == behaviour.label));
    }
}

#[test]
fn stuffing_is_failed_logins_on_the_login_route() {
    for seed in 1..5 {
        let (_, requests) = run_alone("credential_stuffing", 4, seed);
        let posts: Vec<_> = requests
            .iter()
            .filter(|request| request.request().method == "POST")
            .collect();
        let paths: HashSet<&str> = posts
            .iter()
            .map(|request| request.request().path.as_str())
            .collect();
        assert!(posts.len() > 200 && paths.len() <= 3, "{paths:?}");
        let sizes: HashSet<u64> = posts.iter().map(|request| request.bytes_in()).collect();
        assert!(sizes.len() > 20, "many names, many sizes: {}", sizes.len());
    }
}

#[test]
fn the_campaign_is_many_addresses_with_few_logins_and_one_agent() {
    let (run, requests) = run_alone("credential_stuffing_campaign", 400, 2);
    let clients: HashSet<u32> = requests.iter().map(|request| request.client).collect();
    assert_eq!(clients.len(), 400);
    assert!(run.truth().all(|row| row.requests <= 8));
    let agents: HashSet<_> = requests
        .iter()
        .map(|request| request.request().user_agent.clone())
        .collect();
    assert_eq!(agents.len(), 1);
}

#[test]
fn crawlers_read_robots_and_pages_and_leave_files_alone() {
    let (_, requests) = run_alone("crawler", 150, 2);
    assert!(
        requests
            .iter()
            .any(|request| request.request().path == "/robots.txt")
    );
    assert!(share(&requests, is_file) < 0.15);
    let gone = share(&requests, |request| request.status() == 404);
    assert!(gone > 0.005 && gone < 0.4, "{gone}");
}

#[test]
fn browsers_load_files_with_referers_and_meet_a_missing_one_now_and_then() {
    let mut missing = 0.0;
    for seed in 1..6 {
        let (_, requests) = run_alone("browser", 300, seed);
        assert!(share(&requests, is_file) > 0.5);
        assert!(share(&requests, |request| request.request().referer.is_some()) > 0.7);
        missing += share(&requests, |request| request.status() == 404);
    }
    assert!(missing > 0.01, "{missing}");
}

#[test]
fn feed_readers_are_mostly_told_that_nothing_changed() {
    let (_, requests) = run_alone("feed_reader", 30, 2);
    assert!(share(&requests, |request| request.status() == 304) > 0.4);
}

#[test]
fn a_forgetter_fails_three_to_six_times_and_then_gets_in() {
    let (run, requests) = run_alone("password_forgetter", 40, 3);
    for client in 0..40 {
        let logins: Vec<u16> = requests
            .iter()
            .filter(|request| request.client == client && request.request().method == "POST")
            .filter(|request| {
                let path = &request.request().path;
                ["login", "sessions", "token"]
                    .iter()
                    .any(|end| path.contains(end))
            })
            .map(SimulatedRequest::status)
            .collect();
        assert!(
            (4..=7).contains(&logins.len()),
            "{:?}: {logins:?}",
            run.behaviour_name(client)
        );
    }
}

#[test]
fn enumeration_walks_ids_upwards_and_the_integration_does_too_but_owns_them() {
    let (_, attack) = run_alone("object_enumeration", 6, 9);
    let (_, look_alike) = run_alone("api_integration", 6, 9);
    let numbers = |requests: &[SimulatedRequest]| {
        requests
            .iter()
            .filter(|request| {
                request
                    .request()
                    .path
                    .rsplit('/')
                    .next()
                    .is_some_and(|id| id.parse::<u64>().is_ok())
            })
            .count()
    };
    assert!(numbers(&attack) > 100);
    assert!(numbers(&look_alike) > 100);
    assert!(
        share(&look_alike, |request| request.status() == 200
            || request.status() == 404)
            > 0.9
    );
}

#[test]
fn a_blocked_attacker_is_answered_403_and_reacts() {
    let count = |is_blocked: bool| {
        let alone = Scenario {
            name: "alone",
            about: "",
            sites: &[SiteKind::ShopApi],
            span_secs: 86_400,
            rounds: 1,
            releases_at_secs: &[],
            is_resizable: false,
            groups: &[Group {
                name: "object_enumeration",
                clients: 20,
                starts: Starts::At {
                    secs: 0,
                    within_secs: 1,
                },
                returns: false,
                back_after_secs: None,
                cover: None,
            }],
        };
        let mut run = Simulation::new(&alone, 6, START);
        let (mut sent, end) = (0, START.plus_secs(80_000));
        while let Some(request) = run.next_with(|_| if is_blocked { Verdict::Deny } else { Verdict::Pass })
            && request.at < end
        {
            assert_eq!(request.is_stopped, is_blocked);
            assert!(!is_blocked || request.status() == 403);
            sent += 1;
        }
        sent
    };
    assert!(count(true) < count(false));
}

#[test]
fn the_same_people_come_back_in_the_next_round_and_attackers_are_new() {
    let mut run = Simulation::new(scenario("demo").unwrap(), 1, START);
    let (mut first, mut second) = (HashSet::new(), HashSet::new());
    while let Some(request) = run.next() {
        if run.behaviour_name(request.client) != Some("credential_stuffing") {
            continue;
        }
        let is_first = request.at < START.plus_secs(600);
        if is_first {
            first.insert(request.address)
        } else {
            second.insert(request.address)
        };
        if request.at > START.plus_secs(640) {
            break;
        }
    }
    assert!(!first.is_empty() && !second.is_empty());
    let people = run
        .truth()
        .filter(|row| row.label == Label::Benign("browser"))
        .count();
    assert!(people <= 2_600, "{people}");
}

#[test]
fn the_truth_adds_up_to_the_requests_and_names_every_client_once() {
    let mut run = Simulation::sized(scenario("mixed").unwrap(), 12, START, 10_000);
    let sent = run.by_ref().take(10_000).count() as u64;
    assert_eq!(run.truth().map(|row| row.requests).sum::<u64>(), sent);
    let clients: HashSet<_> = run.truth().map(|row| row.client).collect();
    assert_eq!(clients.len(), run.truth().count());
    let mut csv = Vec::new();
    write_truth(&mut csv, run.truth(), false).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert!(csv.starts_with("client,label,requests,first_attack_at\n"));
    assert!(csv.lines().skip(1).all(|line| line.split(',').count() == 4));
    assert!(behaviour("browser").is_some() && csv.contains("benign:browser"));
}

#[test]
fn the_demo_sends_about_two_thousand_requests_a_second_before_its_attacks() {
    let run = Simulation::new(scenario("demo").unwrap(), 1, START);
    let warm = run.take_while(|request| request.at < START.plus_secs(25));
    let late = warm.filter(|request| request.at >= START.plus_secs(10)).count();
    assert!((1_400 * 15..2_800 * 15).contains(&late), "{} a second", late / 15);
}

#[test]
fn sleepers_send_no_attack_before_their_day_and_all_kinds_of_them_strike_on_it() {
    let strike = START.plus_secs(7 * 86_400);
    let mut run = Simulation::sized(scenario("poisoning").unwrap(), 5, START, 300_000);
    let mut last = START;
    for request in run.by_ref() {
        last = request.at;
    }
    assert!(last > strike.plus_secs(43_200), "the run ends at {last}");
    let sleepers: Vec<_> = run.truth().filter(|row| row.is_sleeper).collect();
    assert!(
        sleepers
            .iter()
            .all(|row| row.first_attack_at.is_none_or(|at| at >= strike))
    );
    let struck: HashSet<&str> = sleepers
        .iter()
        .filter(|row| row.first_attack_at.is_some())
        .map(|row| row.variant)
        .collect();
    assert_eq!(struck.len(), 13, "{struck:?}");
}

#[test]
fn a_release_brings_routes_that_were_not_there_and_keeps_old_addresses_alive() {
    let run = Simulation::sized(scenario("drift").unwrap(), 5, START, 200_000);
    let release = START.plus_secs(2 * 86_400 + 36_000);
    let (mut before, mut after) = (HashSet::new(), HashSet::new());
    let (mut missing, mut all) = (0, 0);
    for request in run {
        let path = request.request().path.clone();
        if request.at < release {
            before.insert(path);
        } else if request.status() == 200 {
            after.insert(path);
            all += 1;
        } else if request.status() == 404 {
            missing += 1;
        }
    }
    let new = after.difference(&before).count();
    assert!(new * 5 > after.len(), "{new} of {}", after.len());
    assert!(missing * 10 < all, "{missing} of {all}");
}

#[test]
fn many_subscribers_share_a_carriers_address_with_many_agents() {
    let (_, requests) = run_alone("carrier_nat", 2, 5);
    for client in 0..2 {
        let agents: HashSet<_> = requests
            .iter()
            .filter(|request| request.client == client)
            .map(|request| request.request().user_agent.clone())
            .collect();
        assert!(agents.len() > 20, "{}", agents.len());
    }
}

#[test]
fn a_retry_loop_asks_for_one_thing_and_is_refused_for_hours() {
    let (run, requests) = run_alone("retry_loop", 12, 5);
    for client in 0..12 {
        let own: Vec<_> = requests
            .iter()
            .filter(|request| request.client == client)
            .collect();
        let paths: HashSet<&str> = own
            .iter()
            .map(|request| request.request().path.as_str())
            .collect();
        assert_eq!(paths.len(), 1, "{:?}", run.behaviour_name(client));
        assert!(own.iter().filter(|request| request.status() < 400).count() * 20 < own.len());
    }
}
