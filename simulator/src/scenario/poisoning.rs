//! An attacker who owns a tenth of the clients for a week, nearly ordinary ones, and then strikes: does what it did
//! meanwhile pass for normal?

use super::baseline::DAY_SECS;
use super::everyday::{A_DAY, amid_everyday};
use super::{Cover, Group, Scenario, Starts, any_time};

/// Days of a run: a week, and the day of the strike.
const DAYS: u32 = 8;

/// Clients that look like a harmless look-alike of their attack for a week, and then attack, each at its time of that day.
const fn sleeper(name: &'static str, cover: &'static str, clients: u32) -> Group {
    Group {
        name,
        clients,
        starts: Starts::ByDay,
        returns: true,
        back_after_secs: None,
        cover: Some(Cover {
            name: cover,
            until_secs: (DAYS - 1) * DAY_SECS,
        }),
    }
}

/// New attackers of every kind, every day.
macro_rules! with_newcomers {
    ($($group:expr),* $(,)?) => {
        amid_everyday![
            any_time("account_takeover", 2),
            any_time("business_flow_abuse", 2),
            any_time("credential_cracking", 2),
            any_time("credential_stuffing", 2),
            any_time("denial_of_service", 1),
            any_time("injection", 2),
            any_time("object_enumeration", 2),
            any_time("privilege_probing", 2),
            any_time("protocol_abuse", 2),
            any_time("reconnaissance", 2),
            any_time("resource_exhaustion", 2),
            any_time("scraping", 2),
            any_time("token_abuse", 2),
            $($group),*
        ]
    };
}

/// A tenth of the clients: each attack behind what looks most like it.
const WITH_SLEEPERS: &[Group] = with_newcomers![
    sleeper("account_takeover", "password_forgetter", 8),
    sleeper("business_flow_abuse", "classroom", 6),
    sleeper("credential_cracking", "password_forgetter", 8),
    sleeper("credential_stuffing", "broken_client", 8),
    sleeper("denial_of_service", "tab_opener", 6),
    sleeper("injection", "search_user", 8),
    sleeper("object_enumeration", "partner_batch", 8),
    sleeper("privilege_probing", "developer", 8),
    sleeper("protocol_abuse", "port_prober", 8),
    sleeper("reconnaissance", "link_checker", 8),
    sleeper("resource_exhaustion", "report_reader", 6),
    sleeper("scraping", "crawler", 8),
    sleeper("token_abuse", "broken_client", 6),
];

const WITHOUT_SLEEPERS: &[Group] = with_newcomers![];

pub(super) const POISONING: Scenario = Scenario {
    name: "poisoning",
    about: "a week in which an attacker owns a tenth of the clients and behaves nearly as others do, and the day it strikes",
    rounds: DAYS,
    groups: WITH_SLEEPERS,
    ..A_DAY
};

pub(super) const POISONING_CONTROL: Scenario = Scenario {
    name: "poisoning_control",
    about: "the same eight days with the same daily attackers, and nobody who prepares anything",
    groups: WITHOUT_SLEEPERS,
    ..POISONING
};
