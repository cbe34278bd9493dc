//! `[policy]`, `[crawlers]`, `[lists]`: what is done, who proves that he is welcome, what others say.

use super::read::{mode, ranges};
use domain::{AllowEntry, Client, Mode};
use ipnet::IpNet;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `[policy]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    /// `Enforced` or `Shadow`.
    #[serde(deserialize_with = "mode")]
    pub(crate) mode: Mode,
    /// Where its clauses are.
    pub(crate) file: Option<PathBuf>,
    /// Confidence from which a client is shown.
    pub(crate) observe_from: f32,
    /// Confidence from which a client is slowed down.
    pub(crate) throttle_from: f32,
    /// Confidence from which a client is blocked.
    pub(crate) block_from: f32,
    /// How long a client is slowed down.
    pub(crate) throttle_secs: u32,
    /// How long a client is blocked the first time.
    pub(crate) block_secs: u32,
    /// Factor for each further offence.
    pub(crate) escalation: u32,
    /// Longest block.
    pub(crate) block_secs_max: u32,
    /// When an offence is forgotten.
    pub(crate) memory_secs: u32,
    /// The pause that ends an episode.
    pub(crate) episode_secs: u32,
    /// How long a site is only observed at first.
    pub(crate) warm_up_secs: u32,
    /// Clients that may be wrongly blocked by score alone, per million client-days.
    pub(crate) false_positive_budget: Option<u32>,
    /// When new blocks are held back.
    pub(crate) guard: Guard,
    /// Whom a block of an address may hit besides its client.
    pub(crate) price: PriceBudget,
}

/// `[policy.guard]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Guard {
    /// Largest share of established clients blocked within the span.
    pub(crate) clients_share: f32,
    /// Largest share of established clients' traffic blocked within the span.
    pub(crate) requests_share: f32,
    /// Length of the span.
    pub(crate) span_secs: u32,
    /// Largest part of the budget for one threat or route.
    pub(crate) part: f32,
}

/// `[policy.price]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceBudget {
    /// Others with a history.
    pub(crate) clients: u32,
    /// Their successful requests in a day.
    pub(crate) requests: u64,
}

/// `[crawlers]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Crawlers {
    /// Whether name servers are asked.
    pub(crate) verify: bool,
    /// Which; `None` for the system's.
    #[serde(default)]
    pub(crate) name_server: Option<SocketAddr>,
    /// Further ones.
    pub(crate) known: Vec<KnownCrawler>,
}

/// One `[[crawlers.known]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KnownCrawler {
    /// How people know it.
    pub(crate) name: String,
    /// Domains of its addresses' names.
    pub(crate) domains: Vec<String>,
    #[serde(deserialize_with = "ranges")]
    ranges: Vec<IpNet>,
}

/// `[lists]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lists {
    /// Their files.
    pub(crate) files: Vec<PathBuf>,
}

impl Crawlers {
    /// Ranges that operators publish, as entries of the allowlist.
    pub(super) fn allowed(&self) -> impl Iterator<Item = AllowEntry> {
        self.known.iter().flat_map(|crawler| {
            crawler.ranges.iter().map(|range| AllowEntry {
                client: Client::from_range(*range),
                reason: format!("crawler {}: a range that its operator publishes", crawler.name),
                until: None,
            })
        })
    }
}
