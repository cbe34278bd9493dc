//! Every setting there is, in the order of the example, section by section.

pub(crate) mod alarms;
mod api;
mod crawlers;
mod detection;
mod doors;
mod gateway_apis;
pub(crate) mod gateways;
mod kafka;
mod lists;
mod masking;
mod openapi;
mod policy;
mod storage;

use super::setting::{Fallback, Kind, Reload, Setting};

/// A table of settings, or an array of such tables.
#[derive(Debug)]
pub(crate) struct Section {
    /// Where it stands: `kafka.topics[]`.
    pub(crate) path: &'static str,
    /// Whether it may be left out, and its settings with it. Arrays may be empty anyway.
    pub(crate) is_optional: bool,
    /// What it is about.
    pub(crate) about: &'static str,
    /// Its own settings; tables inside are sections of their own.
    pub(crate) settings: &'static [Setting],
}

/// Every section, outer before inner.
pub(crate) const SECTIONS: &[&Section] = &[
    &kafka::KAFKA,
    &kafka::TOPICS,
    &kafka::TLS,
    &kafka::SASL,
    &doors::FILES,
    &doors::STDIN,
    &doors::PUSH,
    &doors::SYSLOG,
    &doors::SYSLOG_TLS,
    &detection::CLIENTS,
    &detection::SECRETS,
    &masking::MASKING,
    &detection::DETECTOR,
    &detection::MODEL,
    &policy::POLICY,
    &policy::GUARD,
    &policy::PRICE,
    &detection::ALLOWLIST,
    &crawlers::CRAWLERS,
    &crawlers::KNOWN,
    &lists::LISTS,
    &detection::RULES,
    &detection::ROUTES,
    &openapi::OPENAPI,
    &storage::STORAGE,
    &storage::RETENTION,
    &api::API,
    &api::LISTENERS,
    &api::TLS,
    &api::LAPI,
    &gateways::GATEWAYS,
    &gateways::NGINX,
    &gateways::HAPROXY,
    &gateways::NFTABLES,
    &gateways::REDIS,
    &gateways::ENVOY,
    &gateways::CADDY,
    &gateways::WEBHOOK,
    &gateway_apis::CROWDSEC,
    &gateway_apis::KONG,
    &gateway_apis::APISIX,
    &gateway_apis::CLOUDFLARE,
    &gateway_apis::AWS_WAFV2,
    &gateway_apis::NGINX_LUA,
    &alarms::ALARMS,
    &alarms::WEBHOOKS,
    &alarms::COMMANDS,
];

/// What stands in for an array that is left out: the listener of a first start.
pub(crate) const DEFAULT_ARRAYS: &str = r#"
[[api.listeners]]
address = "127.0.0.1:8600"
kinds = ["admin", "bouncer", "check", "metrics"]
"#;

/// Largest time span of a setting, in seconds: a year.
const YEAR_SECS: i64 = 366 * 24 * 3600;

/// Every setting.
pub(crate) fn all() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|section| section.settings)
}

const fn setting(
    path: &'static str,
    kind: Kind,
    fallback: Fallback,
    reload: Reload,
    about: &'static str,
) -> Setting {
    Setting {
        path,
        kind,
        fallback,
        reload,
        about,
    }
}
