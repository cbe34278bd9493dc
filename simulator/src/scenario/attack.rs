//! One scenario per kind of attack, each on an hour of harmless traffic.

use super::{Group, Scenario, Starts};
use crate::world::SiteKind;

/// An hour.
const SPAN_SECS: u32 = 3_600;
/// Second at which attacks begin: the harmless have been there for a quarter of an hour.
const ATTACK_SECS: u32 = 900;

/// Harmless clients, a third of them there at once.
const fn present(name: &'static str, clients: u32) -> Group {
    Group {
        name,
        clients,
        starts: Starts::Present {
            percent: 33,
            within_secs: 120,
        },
        returns: true,
        back_after_secs: None,
        cover: None,
    }
}

/// Attackers that begin within ten minutes of each other.
const fn later(name: &'static str, clients: u32) -> Group {
    Group {
        name,
        clients,
        starts: Starts::At {
            secs: ATTACK_SECS,
            within_secs: 600,
        },
        returns: false,
        back_after_secs: None,
        cover: None,
    }
}

/// A scenario of an hour.
const fn hour(name: &'static str, about: &'static str, groups: &'static [Group]) -> Scenario {
    Scenario {
        name,
        about,
        sites: &SiteKind::ALL,
        span_secs: SPAN_SECS,
        rounds: 1,
        releases_at_secs: &[],
        is_resizable: true,
        groups,
    }
}

/// The harmless part of every scenario here, followed by the attackers: arrays cannot be joined in a constant.
macro_rules! with_harmless {
    ($($attack:expr),* $(,)?) => {
        &[
            present("browser", 500),
            present("mobile_app", 160),
            present("spa_user", 80),
            present("office", 4),
            present("partner_batch", 4),
            present("api_integration", 4),
            present("monitor", 5),
            present("crawler", 120),
            present("feed_reader", 25),
            present("link_preview", 40),
            present("script_user", 50),
            present("developer", 6),
            present("bulk_downloader", 4),
            present("broken_client", 6),
            present("password_forgetter", 15),
            present("search_user", 12),
            present("tab_opener", 5),
            $($attack),*
        ]
    };
}

pub(super) const CREDENTIAL_STUFFING: Scenario = hour(
    "credential_stuffing",
    "an hour of harmless traffic with credential stuffing from its sixteenth minute",
    with_harmless![
        later("credential_stuffing", 4),
        later("credential_stuffing_slow", 4)
    ],
);

pub(super) const CREDENTIAL_CRACKING: Scenario = hour(
    "credential_cracking",
    "an hour of harmless traffic with credential cracking from its sixteenth minute",
    with_harmless![
        later("credential_cracking", 4),
        later("credential_cracking_slow", 4)
    ],
);

pub(super) const ACCOUNT_TAKEOVER: Scenario = hour(
    "account_takeover",
    "an hour of harmless traffic with account takeover from its sixteenth minute",
    with_harmless![later("account_takeover", 4)],
);

pub(super) const TOKEN_ABUSE: Scenario = hour(
    "token_abuse",
    "an hour of harmless traffic with token abuse from its sixteenth minute",
    with_harmless![later("token_abuse", 4)],
);

pub(super) const OBJECT_ENUMERATION: Scenario = hour(
    "object_enumeration",
    "an hour of harmless traffic with object enumeration from its sixteenth minute",
    with_harmless![
        later("object_enumeration", 4),
        later("object_enumeration_random", 4),
        later("object_enumeration_slow", 4)
    ],
);

pub(super) const PRIVILEGE_PROBING: Scenario = hour(
    "privilege_probing",
    "an hour of harmless traffic with privilege probing from its sixteenth minute",
    with_harmless![later("privilege_probing", 4)],
);

pub(super) const RECONNAISSANCE: Scenario = hour(
    "reconnaissance",
    "an hour of harmless traffic with reconnaissance from its sixteenth minute",
    with_harmless![
        later("reconnaissance", 4),
        later("reconnaissance_slow", 4),
        later("reconnaissance_few", 4)
    ],
);

pub(super) const INJECTION: Scenario = hour(
    "injection",
    "an hour of harmless traffic with injection from its sixteenth minute",
    with_harmless![
        later("injection", 4),
        later("injection_slow", 4),
        later("injection_few", 4)
    ],
);

pub(super) const SCRAPING: Scenario = hour(
    "scraping",
    "an hour of harmless traffic with scraping from its sixteenth minute",
    with_harmless![later("scraping", 4), later("scraping_slow", 4)],
);

pub(super) const DENIAL_OF_SERVICE: Scenario = hour(
    "denial_of_service",
    "an hour of harmless traffic with denial of service from its sixteenth minute",
    with_harmless![
        later("denial_of_service", 4),
        later("denial_of_service_reset", 4),
        later("denial_of_service_cache", 4)
    ],
);

pub(super) const RESOURCE_EXHAUSTION: Scenario = hour(
    "resource_exhaustion",
    "an hour of harmless traffic with resource exhaustion from its sixteenth minute",
    with_harmless![later("resource_exhaustion", 4)],
);

pub(super) const BUSINESS_FLOW_ABUSE: Scenario = hour(
    "business_flow_abuse",
    "an hour of harmless traffic with business flow abuse from its sixteenth minute",
    with_harmless![
        later("business_flow_abuse", 4),
        later("business_flow_abuse_coupons", 4)
    ],
);

pub(super) const PROTOCOL_ABUSE: Scenario = hour(
    "protocol_abuse",
    "an hour of harmless traffic with protocol abuse from its sixteenth minute",
    with_harmless![later("protocol_abuse", 4)],
);

pub(super) const CAMPAIGN: Scenario = hour(
    "campaign",
    "an hour of harmless traffic, 400 addresses with five logins each, 160 hosts with a few probes each",
    with_harmless![
        later("credential_stuffing_campaign", 400),
        later("reconnaissance_campaign", 160)
    ],
);
