//! What is played: which scenarios, how often, with what drawn for each.

use crate::draw::Draws;
use crate::run::Run;

/// One scenario for each kind of threat.
pub(crate) const KINDS: [&str; 13] = [
    "account_takeover",
    "business_flow_abuse",
    "credential_cracking",
    "credential_stuffing",
    "denial_of_service",
    "injection",
    "object_enumeration",
    "privilege_probing",
    "protocol_abuse",
    "reconnaissance",
    "resource_exhaustion",
    "scraping",
    "token_abuse",
];

/// Scenarios in which nobody attacks.
pub(crate) const INNOCENT: [&str; 11] = [
    "baseline",
    "baseline_content",
    "baseline_api",
    "baseline_cms",
    "carrier_nat",
    "nightly_batch",
    "marketing_peak",
    "retry_loop",
    "monitors",
    "crawlers",
    "drift",
];

/// Shares of attackers among the clients, in tenths of a percent.
pub(crate) const CONTAMINATIONS: [u64; 3] = [5, 30, 100];

/// How often a scenario of each kind, and an innocent one, is played.
const TURNS: u64 = 6;
const TURNS_INNOCENT: u64 = 3;
/// Requests of a run of an hour, of a day, and of eight days; lowest and highest.
const HOUR: (u64, u64) = (60_000, 140_000);
const DAY: (u64, u64) = (120_000, 240_000);
const EIGHT_DAYS: (u64, u64) = (600_000, 900_000);
/// Attackers among the clients of an hour, in tenths of a percent: enough of each way to say something.
const ATTACKERS: (u64, u64) = (20, 70);

fn run(draws: &Draws, scenario: &'static str, turn: u64, requests: (u64, u64)) -> Run {
    Run {
        scenario,
        seed: draws.number(&format!("seed of {scenario}"), turn),
        requests: draws.between(&format!("requests of {scenario}"), turn, requests.0, requests.1),
        attackers_permille: None,
        requests_min: 5,
    }
}

/// Runs with attackers of every kind: an hour for each kind, days of slow ones.
pub(crate) fn attacks(draws: &Draws) -> Vec<Run> {
    let mut runs = Vec::new();
    for scenario in KINDS {
        for turn in 0..TURNS {
            let purpose = format!("attackers of {scenario}");
            let permille = draws.between(&purpose, turn, ATTACKERS.0, ATTACKERS.1);
            runs.push(Run {
                attackers_permille: Some(permille),
                ..run(draws, scenario, turn, HOUR)
            });
        }
    }
    runs.extend((0..TURNS).map(|turn| run(draws, "low_and_slow", turn, DAY)));
    runs
}

/// Runs with distributed attacks: members are small, and count from two requests on.
pub(crate) fn campaigns(draws: &Draws) -> Vec<Run> {
    let runs = (0..TURNS).map(|turn| Run {
        requests_min: 2,
        ..run(draws, "campaign", turn, HOUR)
    });
    runs.collect()
}

/// Runs in which nobody attacks, scenario by scenario.
pub(crate) fn innocents(draws: &Draws) -> Vec<Run> {
    let of = |scenario| (0..TURNS_INNOCENT).map(move |turn| (scenario, turn));
    let runs = INNOCENT.into_iter().flat_map(of).map(|(scenario, turn)| {
        let requests = if scenario == "drift" { EIGHT_DAYS } else { DAY };
        run(draws, scenario, turn, requests)
    });
    runs.collect()
}

/// Runs with more and more attackers among the clients.
pub(crate) fn contaminations(draws: &Draws) -> Vec<Run> {
    let runs = CONTAMINATIONS.into_iter().map(|permille| Run {
        attackers_permille: Some(permille),
        // The same sites and people: what differs is how many attack them.
        ..run(draws, "mixed", 0, (400_000, 500_000))
    });
    runs.collect()
}

/// A poisoned week and the same week without poison.
pub(crate) fn poisoning(draws: &Draws) -> [Run; 2] {
    ["poisoning", "poisoning_control"].map(|scenario| Run {
        // The same seed and size: what differs is the poison.
        seed: draws.number("seed of poisoning", 0),
        ..run(draws, scenario, 0, (1_200_000, 1_200_000))
    })
}

/// Sixty days in closed loop: what the detector stopped on a day it does not learn from on the next.
pub(crate) fn long(draws: &Draws, requests: u64) -> Run {
    run(draws, "sixty_days", 0, (requests, requests))
}
