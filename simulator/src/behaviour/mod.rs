//! The behaviours: one file each, one line in [`BEHAVIOURS`].
//!
//! Every attack has harmless look-alikes: clients that share the trait by which a naive rule would catch it.
//!
//! | attack | trait | harmless look-alikes |
//! |---|---|---|
//! | credential stuffing, cracking | failed logins | `password_forgetter`, `office`, `broken_client`, `retry_loop`, `carrier_nat` |
//! | account takeover | failures, then a success | `password_forgetter` |
//! | token abuse | refused tokens | `broken_client`, `retry_loop`, `mobile_app` (expired token, refresh) |
//! | object enumeration | many objects, rising numbers | `api_integration`, `partner_batch`, `bulk_downloader` |
//! | reconnaissance | unknown paths, HEAD | `crawler`, `link_checker`, `bulk_downloader`, `developer` |
//! | injection | quotes, angle brackets, SQL words | `search_user` |
//! | privilege probing | 403 on functions | `developer` |
//! | scraping | many pages, no files | `crawler`, `rude_crawler`, `bulk_downloader`, `tab_opener` |
//! | denial of service | many requests at once | `office`, `carrier_nat`, `tab_opener`, `bulk_downloader` |
//! | resource exhaustion | expensive requests | `report_reader`, `partner_batch` |
//! | business flow abuse | many sign-ups from one address | `classroom` |
//! | protocol abuse | malformed requests, odd methods | `developer` (OPTIONS, 405), `port_prober` |
//! | campaigns | many addresses, one agent, one page | `mobile_app`, `crawler`, `link_preview`, `newsletter_reader` |

mod api_integration;
mod broken_client;
mod browser;
mod bulk_downloader;
mod business_flow_abuse;
mod carrier_nat;
mod crawler;
mod credential_attack;
mod denial_of_service;
mod developer;
mod feed_reader;
mod injection;
mod link_checker;
mod link_preview;
mod mobile_app;
mod monitor;
mod newsletter_reader;
mod object_enumeration;
mod office;
mod partner_batch;
mod password_forgetter;
mod privilege_probing;
mod protocol_abuse;
mod reconnaissance;
mod resource_exhaustion;
mod retry_loop;
mod rude_crawler;
mod scraping;
mod script_user;
mod spa_user;
mod token_abuse;

use crate::actor::Actor;
use crate::address::Neighbourhood;
use crate::label::Label;
use crate::random::Stream;
use crate::world::{Need, Site};
use domain::ThreatKind;

/// What a client begins with.
pub struct Start<'a> {
    /// The client's own stream.
    pub(crate) rng: &'a mut Stream,
    /// The site it uses.
    pub(crate) site: &'a Site,
    /// A stream that all clients of the behaviour share: what a campaign's members have in common.
    pub(crate) shared: Stream,
}

/// A way to behave.
pub struct Behaviour {
    /// Its name.
    pub name: &'static str,
    /// What a client that behaves so truly is.
    pub label: Label,
    /// What it needs a site to have.
    pub need: Need,
    /// Where its clients sit.
    pub neighbourhood: Neighbourhood,
    /// Whether its clients belong together: one site, one tool.
    pub is_campaign: bool,
    /// About how many requests a client sends in its life.
    pub typical_requests: u32,
    pub(crate) plan: fn(&mut Start<'_>) -> Box<dyn Actor>,
}

impl Behaviour {
    const fn benign(
        name: &'static str,
        need: Need,
        typical_requests: u32,
        plan: fn(&mut Start<'_>) -> Box<dyn Actor>,
    ) -> Self {
        let label = Label::Benign(name);
        let neighbourhood = Neighbourhood::Anywhere;
        Self {
            name,
            label,
            need,
            neighbourhood,
            is_campaign: false,
            typical_requests,
            plan,
        }
    }

    const fn attack(
        name: &'static str,
        kind: ThreatKind,
        need: Need,
        typical_requests: u32,
        plan: fn(&mut Start<'_>) -> Box<dyn Actor>,
    ) -> Self {
        let label = Label::Attack(kind);
        let neighbourhood = Neighbourhood::Anywhere;
        Self {
            name,
            label,
            need,
            neighbourhood,
            is_campaign: false,
            typical_requests,
            plan,
        }
    }

    /// The same behaviour, by clients that belong together.
    const fn in_campaign(mut self, neighbourhood: Neighbourhood) -> Self {
        self.is_campaign = true;
        self.neighbourhood = neighbourhood;
        self
    }
}

/// Every behaviour: the harmless first.
pub const BEHAVIOURS: &[&Behaviour] = &[
    &browser::BROWSER,
    &browser::TAB_OPENER,
    &browser::SEARCH_USER,
    &mobile_app::MOBILE_APP,
    &spa_user::SPA_USER,
    &office::OFFICE,
    &office::CLASSROOM,
    &partner_batch::PARTNER_BATCH,
    &partner_batch::REPORT_READER,
    &api_integration::API_INTEGRATION,
    &monitor::MONITOR,
    &monitor::PORT_PROBER,
    &crawler::CRAWLER,
    &feed_reader::FEED_READER,
    &link_preview::LINK_PREVIEW,
    &link_checker::LINK_CHECKER,
    &script_user::SCRIPT_USER,
    &developer::DEVELOPER,
    &bulk_downloader::BULK_DOWNLOADER,
    &broken_client::BROKEN_CLIENT,
    &password_forgetter::PASSWORD_FORGETTER,
    &newsletter_reader::NEWSLETTER_READER,
    &retry_loop::RETRY_LOOP,
    &rude_crawler::RUDE_CRAWLER,
    &carrier_nat::CARRIER_NAT,
    &credential_attack::STUFFING,
    &credential_attack::STUFFING_SLOW,
    &credential_attack::STUFFING_CAMPAIGN,
    &credential_attack::STUFFING_SINGLE,
    &credential_attack::CRACKING,
    &credential_attack::CRACKING_SLOW,
    &credential_attack::TAKEOVER,
    &token_abuse::TOKEN_ABUSE,
    &object_enumeration::SEQUENTIAL,
    &object_enumeration::RANDOM,
    &object_enumeration::SLOW,
    &privilege_probing::PRIVILEGE_PROBING,
    &reconnaissance::WORDLIST,
    &reconnaissance::SLOW,
    &reconnaissance::FEW,
    &reconnaissance::CAMPAIGN,
    &injection::LOUD,
    &injection::SLOW,
    &injection::FEW,
    &scraping::FAST,
    &scraping::SLOW,
    &denial_of_service::FLOOD,
    &denial_of_service::RAPID_RESET,
    &denial_of_service::CACHE_BUSTER,
    &resource_exhaustion::RESOURCE_EXHAUSTION,
    &business_flow_abuse::SIGN_UPS,
    &business_flow_abuse::COUPONS,
    &protocol_abuse::PROTOCOL_ABUSE,
];

/// The behaviour of that name.
#[must_use]
pub fn behaviour(name: &str) -> Option<&'static Behaviour> {
    BEHAVIOURS
        .iter()
        .copied()
        .find(|behaviour| behaviour.name == name)
}
