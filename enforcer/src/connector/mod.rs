//! The points that can be reached: one file each.

mod apisix;
mod aws_wafv2;
mod caddy;
mod cloudflare;
mod command;
mod crowdsec;
mod envoy;
mod file;
mod haproxy;
mod http;
mod kong;
mod nftables;
mod nginx;
mod nginx_lua;
mod ranges;
mod redis;
mod webhook;

pub use apisix::{Apisix, ApisixSettings};
pub use aws_wafv2::{AwsWafv2, AwsWafv2Settings};
pub use caddy::{Caddy, CaddySettings};
pub use cloudflare::{Cloudflare, CloudflareSettings};
pub use crowdsec::{Crowdsec, CrowdsecSettings};
pub use envoy::{Envoy, EnvoySettings};
pub use haproxy::{Haproxy, HaproxySettings, HaproxySocket};
pub use kong::{Kong, KongSettings};
pub use nftables::{Nftables, NftablesSettings};
pub use nginx::{Nginx, NginxSettings};
pub use nginx_lua::{NginxLua, NginxLuaSettings};
pub use redis::{Redis, RedisSettings};
pub use webhook::{Webhook, WebhookSettings};

use crate::item::{Expresses, Holding, Item};
use crate::plan::Changes;
use async_trait::async_trait;
use domain::Client;
use std::collections::BTreeMap;
use std::time::Duration;

/// Why a point could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PointError {
    /// It could not be reached, or gave no answer in time.
    #[error("{0}")]
    Unreachable(String),
    /// It refused, and will again: a person has to look.
    #[error("{0}")]
    Refused(String),
    /// It holds something else by now than what was read: read it again.
    #[error("{0}")]
    Changed(String),
}

/// A part of what is to be put into a gateway's own configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where it goes: `inside http { … }`.
    pub place: &'static str,
    /// The text, as it is to be pasted.
    pub text: String,
}

/// A way to a point.
///
/// Reading and writing give up by themselves after a while. A connector remembers nothing that matters: what it is told to write it
/// writes, whether it has before or not.
#[async_trait]
pub trait Connector: Send + Sync {
    /// What it is called in the configuration: `haproxy`.
    fn kind(&self) -> &'static str;

    /// What fits.
    fn expresses(&self) -> Expresses;

    /// How often it is read to see whether somebody changed it or restarted it, when nothing else is said.
    fn read_every(&self) -> Duration;

    /// The shortest time between two changes, when nothing else is said: a reload, or somebody's limit of requests.
    fn change_every(&self) -> Duration {
        Duration::ZERO
    }

    /// What is to be put into the gateway's own configuration, so that what it is told has an effect. The tests run with it.
    fn advice(&self) -> Vec<Piece>;

    /// Whether it is to be written although nothing has to change: for points that cannot be read, or lack something of what they are to have.
    fn is_due(&self) -> bool {
        false
    }

    /// How many clients are left out of what it was told, because somebody said there that nothing is to be done to them: they are
    /// taken for held.
    fn left_out(&self) -> usize {
        0
    }

    /// Everything of ours that it holds.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn read(&mut self) -> Result<Holding, PointError>;

    /// Changes what it holds. `wanted` is all that it holds afterwards, for points that are written as a whole. Returns when what was
    /// changed is in effect.
    ///
    /// # Errors
    /// When it could not be changed, or it is not known whether it was.
    async fn apply(&mut self, changes: &Changes, wanted: &BTreeMap<Client, Item>) -> Result<(), PointError>;
}
