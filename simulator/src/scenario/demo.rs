//! What `portcullis demo` plays: about 2,000 requests a second, a warm-up, then one attack after the other.

use super::{Group, Scenario, Starts};
use crate::world::SiteKind;

/// A round. In the next one the same people come back and new attackers come.
const SPAN_SECS: u32 = 600;

/// Harmless people and machines that were there before we looked, and stay with short breaks.
const fn present(name: &'static str, clients: u32) -> Group {
    let starts = Starts::Present {
        percent: 80,
        within_secs: 12,
    };
    Group {
        name,
        clients,
        starts,
        returns: true,
        back_after_secs: Some(7),
        cover: None,
    }
}

/// Attackers that begin together.
const fn at(secs: u32, name: &'static str, clients: u32) -> Group {
    Group {
        name,
        clients,
        starts: Starts::At { secs, within_secs: 4 },
        returns: false,
        back_after_secs: None,
        cover: None,
    }
}

pub(super) const DEMO: Scenario = Scenario {
    name: "demo",
    about: "about 2,000 requests a second by a few thousand clients, a short warm-up, then staggered attacks",
    sites: &SiteKind::ALL,
    span_secs: SPAN_SECS,
    rounds: 1,
    releases_at_secs: &[],
    is_resizable: false,
    groups: &[
        present("browser", 2_600),
        present("mobile_app", 1_200),
        present("spa_user", 700),
        present("office", 24),
        present("tab_opener", 20),
        present("search_user", 30),
        present("partner_batch", 20),
        present("report_reader", 8),
        present("api_integration", 12),
        present("monitor", 30),
        present("crawler", 160),
        present("feed_reader", 60),
        present("link_preview", 80),
        present("link_checker", 3),
        present("script_user", 80),
        present("developer", 12),
        present("bulk_downloader", 8),
        present("broken_client", 12),
        present("password_forgetter", 25),
        at(25, "credential_stuffing", 2),
        at(35, "reconnaissance", 2),
        at(50, "object_enumeration", 2),
        at(70, "scraping", 2),
        at(90, "injection", 2),
        at(110, "denial_of_service", 1),
        Group {
            name: "credential_stuffing_campaign",
            clients: 400,
            starts: Starts::At {
                secs: 120,
                within_secs: 150,
            },
            returns: false,
            back_after_secs: None,
            cover: None,
        },
        at(180, "object_enumeration_slow", 2),
        at(200, "privilege_probing", 2),
        at(230, "account_takeover", 2),
        at(260, "reconnaissance_slow", 2),
        at(290, "denial_of_service_reset", 1),
        at(330, "business_flow_abuse", 2),
        at(360, "protocol_abuse", 3),
        at(390, "resource_exhaustion", 1),
    ],
};
