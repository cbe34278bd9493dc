//! `[[gateways]]`: gateways that are told what to carry out.

use super::Secret;
use serde::Deserialize;
use std::path::PathBuf;

/// One `[[gateways]]`. A check before says that it is of exactly one kind.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gateway {
    /// Its name.
    pub(crate) name: String,
    /// The gateway whose decisions it is told.
    pub(crate) gateway: Option<String>,
    /// How often it is read.
    pub(crate) read_secs: Option<u32>,
    /// The shortest time between two changes.
    pub(crate) change_secs: Option<u32>,
    /// What becomes of its list at the end: `leave` or `flush`.
    on_stop: String,
    /// NGINX.
    pub(crate) nginx: Option<Nginx>,
    /// HAProxy.
    pub(crate) haproxy: Option<Haproxy>,
    /// nftables.
    pub(crate) nftables: Option<Nftables>,
    /// Redis.
    pub(crate) redis: Option<Redis>,
    /// Envoy.
    pub(crate) envoy: Option<Envoy>,
    /// Caddy.
    pub(crate) caddy: Option<Caddy>,
    /// Whatever listens.
    pub(crate) webhook: Option<Webhook>,
    /// A CrowdSec local API.
    pub(crate) crowdsec: Option<Crowdsec>,
    /// Kong.
    pub(crate) kong: Option<Kong>,
    /// APISIX.
    pub(crate) apisix: Option<Apisix>,
    /// Cloudflare.
    pub(crate) cloudflare: Option<Cloudflare>,
    /// AWS WAF.
    pub(crate) aws_wafv2: Option<AwsWafv2>,
    /// NGINX with Lua.
    pub(crate) nginx_lua: Option<NginxLua>,
}

impl Gateway {
    /// Whether it is emptied at the end.
    pub(crate) fn flush_on_stop(&self) -> bool {
        self.on_stop == "flush"
    }
}

/// `[gateways.nginx]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nginx {
    /// The file that is included.
    pub(crate) file: PathBuf,
    /// Where the master's process number stands.
    pub(crate) pid_file: PathBuf,
    /// Tests the configuration.
    pub(crate) test: Vec<String>,
    /// Loads it.
    pub(crate) reload: Vec<String>,
}

/// `[gateways.haproxy]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Haproxy {
    /// The runtime API.
    pub(crate) socket: String,
    /// The map.
    pub(crate) map: String,
}

/// `[gateways.nftables]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nftables {
    /// `nft`.
    pub(crate) command: Vec<String>,
    /// The table.
    pub(crate) table: String,
}

/// `[gateways.redis]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redis {
    /// Where it is.
    pub(crate) url: Secret,
    /// What keys begin with.
    pub(crate) prefix: String,
}

/// `[gateways.envoy]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Envoy {
    /// The filter's configuration.
    pub(crate) file: PathBuf,
    /// The admin interface.
    pub(crate) admin: Secret,
}

/// `[gateways.caddy]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Caddy {
    /// The admin API.
    pub(crate) admin: Secret,
    /// Where the route is put.
    pub(crate) server: Option<String>,
    /// How addresses are found.
    pub(crate) matcher: String,
}

/// `[gateways.webhook]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// Where messages go.
    pub(crate) url: Secret,
    /// What they are signed with.
    pub(crate) secret: Secret,
}

/// `[gateways.crowdsec]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Crowdsec {
    /// Where it is.
    pub(crate) url: Secret,
    /// Who we are there.
    pub(crate) machine: String,
    /// What proves it.
    pub(crate) password: Secret,
    /// Where decisions come from.
    pub(crate) origin: String,
    /// What they are for.
    pub(crate) scenario: String,
}

/// `[gateways.kong]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kong {
    /// The Admin API.
    pub(crate) admin: Secret,
    /// What it wants.
    pub(crate) token: Option<Secret>,
    /// What the plugin is for.
    pub(crate) service: Option<String>,
}

/// `[gateways.apisix]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Apisix {
    /// The Admin API.
    pub(crate) admin: Secret,
    /// What it wants.
    pub(crate) key: Secret,
}

/// `[gateways.cloudflare]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cloudflare {
    /// The API.
    pub(crate) api: Secret,
    /// Whose list it is.
    pub(crate) account: String,
    /// What proves who we are.
    pub(crate) token: Secret,
    /// The list.
    pub(crate) list: String,
    /// Most items.
    pub(crate) items_max: usize,
}

/// `[gateways.aws_wafv2]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AwsWafv2 {
    /// Where it is.
    pub(crate) region: String,
    /// Whose sets: `regional` or `cloudfront`.
    scope: String,
    /// The set of IPv4.
    pub(crate) ipv4: String,
    /// The set of IPv6.
    pub(crate) ipv6: String,
    /// A key.
    pub(crate) access_key_id: Option<String>,
    /// Its secret.
    pub(crate) secret_access_key: Option<Secret>,
    /// Another address.
    pub(crate) endpoint: Option<Secret>,
}

impl AwsWafv2 {
    /// Whether the sets are CloudFront's.
    pub(crate) fn is_cloudfront(&self) -> bool {
        self.scope == "cloudfront"
    }
}

/// `[gateways.nginx_lua]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NginxLua {
    /// Where it listens.
    pub(crate) listen: String,
}
