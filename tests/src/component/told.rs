//! Real gateways that are told whom to refuse: each with the configuration that Portcullis recommends, restarted on demand.

mod aws;
mod caddy;
mod crowdsec;
mod documented;
mod envoy;
mod haproxy;
mod nftables;
mod nginx;
mod nginx_lua;
mod redis;
mod webhook;

use super::{Command, Supervised, ask, folder, free_ports, start_with_retries};
use anyhow::{Context as _, Result, anyhow};
use enforcer::Connector;
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An address that somebody else than Portcullis has told each of these gateways to refuse.
pub const REFUSED_BY_HAND: &str = "127.0.0.77";

/// A gateway that runs until this value is dropped, and answers everything itself: 200, or 403, or 429.
pub struct ToldGateway {
    // Dropped before the folder: the order of the fields is the order of the end.
    server: Option<Supervised>,
    command: Command,
    way: Way,
    settings: String,
    connector: Box<dyn Connector>,
    folder: tempfile::TempDir,
}

/// What makes one: what is started, what Portcullis is told of it, how it is asked.
struct Plan {
    command: Command,
    settings: String,
    way: Way,
    connector: Box<dyn Connector>,
}

/// What tells the status of an answer to an address.
type Judge = Box<dyn Fn(&str) -> Result<u16>>;

/// How a gateway is asked.
enum Way {
    /// It listens on this port of the loopback.
    Loopback(u16),
    /// It listens on this port inside a network namespace.
    Namespace {
        /// Runs a program in there.
        script: PathBuf,
        /// The program that asks.
        ask: PathBuf,
        port: u16,
    },
    /// It answers nobody's requests itself, and says by another way what becomes of an address.
    Asked(Judge),
}

/// What is to be put into the gateway's own configuration, as `portcullis gateways connect` prints it.
fn advised<const PIECES: usize>(connector: &dyn Connector) -> Result<[String; PIECES]> {
    let pieces: Vec<String> = connector.advice().into_iter().map(|piece| piece.text).collect();
    pieces
        .try_into()
        .map_err(|pieces| anyhow!("{PIECES} pieces are expected: {pieces:?}"))
}

/// The wall clock.
fn clock() -> enforcer::Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        domain::Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    })
}

impl ToldGateway {
    /// NGINX, by a file that its `geo` block includes.
    pub fn nginx() -> Result<Self> {
        start_with_retries(|| Self::start(nginx::plan))
    }

    /// HAProxy, by a map.
    pub fn haproxy() -> Result<Self> {
        start_with_retries(|| Self::start(haproxy::plan))
    }

    /// nftables, by sets of addresses.
    pub fn nftables() -> Result<Self> {
        start_with_retries(|| Self::start(nftables::plan))
    }

    /// Redis, asked by an NGINX.
    pub fn redis() -> Result<Self> {
        start_with_retries(|| Self::start(redis::plan))
    }

    /// Envoy, by a file.
    pub fn envoy() -> Result<Self> {
        start_with_retries(|| Self::start(envoy::plan))
    }

    /// Caddy, by its admin API, with a route in its configuration.
    pub fn caddy() -> Result<Self> {
        start_with_retries(|| Self::start(caddy::pasted))
    }

    /// Caddy, by its admin API, with nothing of Portcullis' in its configuration.
    pub fn caddy_as_it_is() -> Result<Self> {
        start_with_retries(|| Self::start(caddy::put_there))
    }

    /// A program that listens to webhooks.
    pub fn webhook() -> Result<Self> {
        start_with_retries(|| Self::start(webhook::plan))
    }

    /// A CrowdSec local API, asked as its bouncers ask it.
    pub fn crowdsec() -> Result<Self> {
        start_with_retries(|| Self::start(crowdsec::plan))
    }

    /// What CrowdSec's sources say of a local API with allowlists: the file `allowlist` is one.
    pub fn crowdsec_with_allowlists() -> Result<Self> {
        start_with_retries(|| Self::start(documented::crowdsec))
    }

    /// What Kong's documentation says, by its Admin API.
    pub fn kong() -> Result<Self> {
        start_with_retries(|| Self::start(documented::kong))
    }

    /// What APISIX' documentation says, by its Admin API.
    pub fn apisix() -> Result<Self> {
        start_with_retries(|| Self::start(documented::apisix))
    }

    /// AWS WAF, as moto has it, by IP sets.
    pub fn aws_wafv2() -> Result<Self> {
        start_with_retries(|| Self::start(aws::plan))
    }

    /// NGINX with Lua, by a shared dictionary.
    pub fn nginx_lua() -> Result<Self> {
        start_with_retries(|| Self::start(nginx_lua::plan))
    }

    /// What Cloudflare's documentation says, by its Lists API.
    pub fn cloudflare() -> Result<Self> {
        start_with_retries(|| Self::start(documented::cloudflare))
    }

    fn start(plan: impl Fn(&Path, u16) -> Result<Plan>) -> Result<Self> {
        let folder = folder("told")?;
        let [port] = free_ports()?;
        let Plan {
            command,
            settings,
            way,
            connector,
        } = plan(folder.path(), port)?;
        let mut gateway = Self {
            server: None,
            command,
            way,
            settings,
            connector,
            folder,
        };
        gateway.begin()?;
        Ok(gateway)
    }

    fn begin(&mut self) -> Result<()> {
        let server = Supervised::start(&self.command)?;
        server.wait_until("it accepted a connection", || match &self.way {
            Way::Loopback(port) => TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_ok(),
            Way::Namespace { .. } | Way::Asked(_) => {
                self.status_for("127.0.0.1").is_ok_and(|status| status == 200)
            }
        })?;
        self.server = Some(server);
        Ok(())
    }

    /// Ends it and starts it anew, on the same port, with the files that it has.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.begin()
    }

    /// Ends it.
    pub fn stop(&mut self) -> Result<()> {
        self.server.take().context("it does not run")?.crash()
    }

    /// Starts it after [`Self::stop`].
    pub fn start_again(&mut self) -> Result<()> {
        self.begin()
    }

    /// What stands in the configuration of Portcullis inside its `[[gateways]]`.
    pub fn settings(&self) -> &str {
        &self.settings
    }

    /// The way to it, for tests without Portcullis in between.
    pub fn connector(&mut self) -> &mut dyn Connector {
        &mut *self.connector
    }

    /// A file of its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sends a request from an address of the loopback, over a connection of its own, and gives the answer's status.
    pub fn status_for(&self, address: &str) -> Result<u16> {
        match &self.way {
            Way::Loopback(port) => status_for(*port, address),
            Way::Namespace { script, ask, port } => nftables::status_for(script, ask, *port, address),
            Way::Asked(judge) => judge(address),
        }
    }
}

fn status_for(port: u16, address: &str) -> Result<u16> {
    let address: IpAddr = address.parse()?;
    let client = reqwest::Client::builder()
        .local_address(address)
        .timeout(Duration::from_secs(30))
        .build()?;
    let answer = ask(client.get(format!("http://127.0.0.1:{port}/")))?;
    Ok(answer.status)
}
