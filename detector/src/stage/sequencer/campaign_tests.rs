//! Campaigns through the whole detector: small clients of one range, and whoever only shares it.

use crate::detector::Output;
use crate::policy::CAMPAIGN_BLOCK_SECS;
use crate::stage::Serial;
use crate::testing::{Line, detector, feed, run};
use domain::{Action, Alert, Decision, ThreatKind};

/// A request of the host of that number in one /24.
pub(super) fn of_range(millis: i64, host: u32, path: &str, status: u16) -> Line {
    let line = Line::new(millis, 77, path, status);
    Line {
        address: (line.address & !0xff) + host,
        agent: host as u8,
        ..line
    }
}

/// Three different paths that nobody else asks for, by each of so many hosts, a minute apart.
pub(super) fn prowl(first: u32, hosts: u32, from_millis: i64) -> Vec<Line> {
    let host = |host: u32| {
        let millis = from_millis + i64::from(host) * 60_000;
        (0..3).map(move |step: u8| {
            // Letters: digits would make one route of all.
            let path = format!(
                "/{}/{}",
                (b'a' + (host % 26) as u8) as char,
                (b'a' + step) as char
            );
            of_range(millis + i64::from(step) * 1000, host, &path.repeat(2), 404)
        })
    };
    (first..first + hosts).flat_map(host).collect()
}

pub(super) fn heard(lines: &[Line]) -> (Vec<Alert>, Vec<Decision>) {
    let (mut alerts, mut decisions) = (Vec::new(), Vec::new());
    for output in run(&mut detector(4096), lines, &Serial) {
        match output {
            Output::Alert(alert) if !alert.members.is_empty() => alerts.push(alert),
            Output::Alert(_) => {}
            Output::Decision(decision) => decisions.push(decision),
            Output::Question(..) => {}
        }
    }
    (alerts, decisions)
}

/// Three failed sign-ins by each of so many hosts, a minute apart, and another that ends with that status.
pub(super) fn sign_ins(hosts: u32, last: u16) -> Vec<Line> {
    let host = |host: u32| {
        (0..4u32).map(move |step| Line {
            method: "POST",
            ..of_range(
                i64::from(host * 60_000 + step * 2000),
                host,
                "/login",
                if step == 3 { last } else { 401 },
            )
        })
    };
    (1..=hosts).flat_map(host).collect()
}

#[test]
fn hosts_of_a_range_that_show_little_each_are_blocked_together_and_briefly() {
    let (alerts, decisions) = heard(&sign_ins(6, 401));
    let campaign = alerts.last().unwrap();
    assert_eq!(campaign.client.value(), "32.0.77.0/24");
    assert_eq!(campaign.threats[0].kind, ThreatKind::CredentialStuffing);
    assert_eq!(campaign.members.len(), 6);
    assert!(
        campaign
            .members
            .iter()
            .all(|member| member.action == Action::Block)
    );
    assert_eq!(campaign.evidence.len(), 6);
    assert!(
        campaign.reasons[0]
            .sentence
            .starts_with("6 of 6 clients of one range tried to sign in in vain")
    );
    let blocked: std::collections::BTreeSet<String> = decisions
        .iter()
        .map(|decision| decision.client.value().into_owned())
        .collect();
    assert_eq!(blocked.len(), 6);
    for decision in &decisions {
        assert_eq!(decision.ttl_secs, CAMPAIGN_BLOCK_SECS);
        assert_eq!(decision.alert_id, Some(campaign.id));
    }
}

#[test]
fn a_member_that_left_long_ago_is_listed_and_not_blocked() {
    let mut lines = sign_ins(3, 401);
    let hours = 2 * 3_600_000;
    lines.extend(sign_ins(6, 401).into_iter().skip(12).map(|line| Line {
        millis: line.millis + hours,
        ..line
    }));
    let (alerts, decisions) = heard(&lines);
    assert_eq!(alerts.last().unwrap().members.len(), 6);
    assert_eq!(decisions.len(), 3);
}

#[test]
fn what_a_preview_says_early_the_tick_says_again_under_the_same_ids() {
    // The third failure of the fourth host convicts, and somebody else comes in the same tick.
    let mut lines = sign_ins(4, 401);
    lines.pop();
    let last = lines.last().unwrap().clone();
    let mut detector = detector(4096);
    let (mut early, mut late) = (Vec::new(), Vec::new());
    feed(&mut detector, 0, &lines, &Serial, &mut early);
    early.clear();
    detector.preview(&mut early);
    lines = vec![Line {
        millis: last.millis + 100,
        ..Line::new(0, 9, "/", 200)
    }];
    feed(&mut detector, 15, &lines, &Serial, &mut late);
    detector.flush(&mut late);
    let ids = |outputs: &[Output]| {
        let id = |output: &Output| match output {
            Output::Decision(decision) => Some(decision.id),
            Output::Alert(_) | Output::Question(..) => None,
        };
        outputs.iter().filter_map(id).collect::<Vec<_>>()
    };
    assert!(!ids(&early).is_empty());
    assert_eq!(ids(&early), ids(&late));
}

#[test]
fn the_first_three_hosts_are_left_alone_and_the_fourth_convicts_them() {
    assert!(heard(&prowl(1, 3, 0)).0.is_empty());
    assert_eq!(heard(&prowl(1, 4, 0)).1.len(), 4);
}

#[test]
fn hosts_of_a_range_whose_others_behave_are_left_alone() {
    let mut lines: Vec<Line> = (100..140).map(|host| of_range(0, host, "/", 200)).collect();
    lines.extend(prowl(1, 6, 60_000));
    assert!(heard(&lines).0.is_empty());
}

#[test]
fn a_sign_in_that_succeeds_at_last_takes_the_suspicion_back() {
    let forgetful = sign_ins(6, 200);
    assert!(heard(&forgetful).0.is_empty());
}

#[test]
fn where_most_of_the_site_fails_nobody_small_is_blocked() {
    // Every range misses: the site is broken.
    let broken = (0..200u32).flat_map(|number| {
        (0..3).map(move |step: u8| {
            let path = format!(
                "/{}/{}",
                "x".repeat(number as usize % 50 + 1),
                "y".repeat(usize::from(step) + 1)
            );
            Line::new(i64::from(number) * 500 + i64::from(step), number, &path, 404)
        })
    });
    let mut lines: Vec<Line> = broken.collect();
    lines.extend(prowl(1, 10, 200_000));
    let (alerts, decisions) = heard(&lines);
    assert!(
        alerts
            .iter()
            .all(|alert| alert.action == Action::Observe && alert.held_back.is_some())
    );
    assert!(decisions.is_empty());
}

/// Passwords sent to one route (a page of its own tells that they are wrong) by so many clients that have nothing else in common, and answered 200 each time.
fn silent_tries(clients: u32) -> Vec<Line> {
    let client = |client: u32| {
        (0..4u32).map(move |step| Line {
            method: "POST",
            // A minute or so apart, on no beat.
            ..Line::new(
                i64::from(client * 600_000 + step * 40_000 + (step * step) * 7000),
                client,
                "/wp-login.php",
                200,
            )
        })
    };
    (1..=clients).flat_map(client).collect()
}

#[test]
fn passwords_tried_from_everywhere_at_one_route_are_a_campaign_though_each_is_answered_200() {
    let (alerts, decisions) = heard(&silent_tries(12));
    let campaign = alerts.last().unwrap();
    assert_eq!(campaign.client.scope(), domain::Scope::Route);
    assert_eq!(campaign.client.value(), "POST /wp-login.php");
    assert_eq!(campaign.threats[0].kind, ThreatKind::CredentialStuffing);
    assert!(decisions.len() >= 8);
}

/// So many clients who are each told four times, on no beat, that what they sent for a token is bad input.
fn token_tries(clients: u32, agent: u8) -> Vec<Line> {
    let pauses = [0, 9_000, 40_000, 53_000];
    let client = |number: u32| {
        pauses.map(|pause| Line {
            method: "POST",
            agent,
            ..Line::new(
                i64::from(number) * 20_000 + pause,
                300 + number,
                "/oauth/token",
                400,
            )
        })
    };
    (0..clients).flat_map(client).collect()
}

#[test]
fn many_programs_whose_tokens_are_all_turned_down_are_a_campaign_and_a_few_are_stuck() {
    let others = (0..60).map(|number| Line::new(i64::from(number) * 9000, 900 + number, "/welcome", 200));
    let mut lines: Vec<Line> = token_tries(30, 7).into_iter().chain(others.clone()).collect();
    lines.sort_by_key(|line| line.millis);
    let (alerts, decisions) = heard(&lines);
    let campaign = alerts.last().unwrap();
    assert_eq!(campaign.threats[0].kind, ThreatKind::CredentialStuffing);
    assert!(decisions.len() >= 20, "{}", decisions.len());
    let mut lines: Vec<Line> = token_tries(6, 7).into_iter().chain(others).collect();
    lines.sort_by_key(|line| line.millis);
    assert!(heard(&lines).0.is_empty());
}

#[test]
fn a_campaign_of_one_user_agent_is_named_by_it() {
    let lines: Vec<Line> = sign_ins(24, 401)
        .into_iter()
        .map(|line| Line {
            address: line.address << 8,
            agent: 7,
            ..line
        })
        .collect();
    let (alerts, _) = heard(&lines);
    let campaign = alerts.last().unwrap();
    assert_eq!(campaign.client.to_string(), "user_agent:agent/7");
    assert_eq!(campaign.members.len(), 24);
}

/// Failed sign-ins by so many clients, each from a range of its own and with an agent of its own, and as many clients who
/// read; `share` says what the former have in common.
fn scattered(clients: u32, share: impl Fn(Line) -> Line) -> Vec<Line> {
    let apart = |line: Line| Line {
        address: line.address + ((line.address & 0xff) << 16),
        ..line
    };
    let other = |line: Line| Line {
        address: line.address + (9 << 24),
        method: "GET",
        path: "/welcome".to_owned(),
        status: 200,
        agent: line.agent + 100,
        ..line
    };
    let failing = sign_ins(clients, 401).into_iter().map(apart);
    let mut lines: Vec<Line> = failing.clone().map(share).chain(failing.map(other)).collect();
    lines.sort_by_key(|line| line.millis);
    lines
}

#[test]
fn clients_of_one_autonomous_system_and_of_one_fingerprint_are_campaigns_of_their_members_alone() {
    let of_system = |line| Line {
        network: 64500,
        ..line
    };
    let of_program = |line| Line {
        fingerprint: 7,
        ..line
    };
    for (lines, name) in [
        (scattered(24, of_system), "as:64500"),
        (scattered(24, of_program), "ja4:ja4-7"),
    ] {
        let (alerts, decisions) = heard(&lines);
        let campaign = alerts.last().expect(name);
        assert_eq!(campaign.client.to_string(), name);
        assert_eq!(campaign.members.len(), 24);
        assert!(decisions.len() >= 20, "{name}: {}", decisions.len());
        let is_member = |decision: &Decision| {
            let mut members = campaign.members.iter();
            members.any(|member| member.client == decision.client)
        };
        assert!(decisions.iter().all(is_member), "never the whole of it");
    }
    assert!(
        heard(&scattered(24, |line| line)).0.is_empty(),
        "they share nothing"
    );
}

#[test]
fn what_a_range_or_everybody_explains_is_no_campaign_of_a_system() {
    let everywhere = |line: Line| Line {
        network: 64500,
        ..line
    };
    let lines: Vec<Line> = sign_ins(24, 401)
        .into_iter()
        .map(|line| {
            everywhere(Line {
                address: line.address << 8,
                ..line
            })
        })
        .collect();
    assert!(heard(&lines).0.is_empty(), "nobody is elsewhere");
    let lines: Vec<Line> = sign_ins(8, 401).into_iter().map(everywhere).collect();
    let (alerts, _) = heard(&lines);
    let is_range = |alert: &Alert| alert.client.scope() == domain::Scope::Range;
    assert!(!alerts.is_empty() && alerts.iter().all(is_range));
}

#[test]
fn a_virtual_host_whose_clients_fail_is_shown_and_nobody_is_acted_on_for_it() {
    let (alerts, decisions) = heard(&scattered(24, |line| Line { host: 3, ..line }));
    let campaign = alerts.last().unwrap();
    assert_eq!(campaign.client.to_string(), "host:host-3");
    assert_eq!((campaign.action, decisions.len()), (Action::Observe, 0));
    assert!(
        campaign
            .held_back
            .as_deref()
            .is_some_and(|why| why.contains("virtual host"))
    );
}

#[test]
fn a_route_that_people_use_to_sign_in_makes_no_campaign_of_them() {
    let person = |number: u32| {
        let line = |step: i64, method, status| Line {
            method,
            ..Line::new(
                i64::from(number) * 90_000 + step,
                500 + number,
                "/wp-login.php",
                status,
            )
        };
        [line(0, "GET", 200), line(9000, "POST", 302)]
    };
    let mut lines: Vec<Line> = (0..40).flat_map(person).collect();
    lines.extend(silent_tries(12).into_iter().map(|line| Line {
        millis: line.millis + 4_000_000,
        ..line
    }));
    assert!(heard(&lines).0.is_empty());
}
