//! Name servers, the system's or one that the settings name.

use super::Lookup;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::{Resolver, TokioResolver};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long one question may take, and how often it is asked: with two questions for a proof well within the time that is waited for it.
const TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPTS: usize = 2;

/// Answers that are kept: each crawler's addresses are a few hundred.
const ANSWERS_MAX: u64 = 4096;

/// Name servers.
pub(crate) struct NameServers(TokioResolver);

impl NameServers {
    /// The one at that address, or those of the system.
    ///
    /// # Errors
    /// When the system names none.
    pub(crate) fn new(server: Option<SocketAddr>) -> anyhow::Result<Self> {
        let mut builder = match server {
            Some(server) => {
                let at_port = |mut connection: ConnectionConfig| {
                    connection.port = server.port();
                    connection
                };
                let connections = vec![at_port(ConnectionConfig::udp()), at_port(ConnectionConfig::tcp())];
                let config = NameServerConfig::new(server.ip(), true, connections);
                Resolver::builder_with_config(
                    ResolverConfig::from_name_servers(vec![config]),
                    TokioRuntimeProvider::default(),
                )
            }
            None => Resolver::builder_tokio()?,
        };
        let options = builder.options_mut();
        options.timeout = TIMEOUT;
        options.attempts = ATTEMPTS;
        options.cache_size = ANSWERS_MAX;
        // Whoever can write this machine's file of hosts is no operator of a crawler.
        options.use_hosts_file = ResolveHosts::Never;
        Ok(Self(builder.build()?))
    }
}

impl Lookup for NameServers {
    async fn names_of(&self, address: IpAddr) -> Vec<String> {
        let Ok(found) = self.0.reverse_lookup(address).await else {
            return Vec::new();
        };
        let name = |data: &RData| match data {
            RData::PTR(name) => Some(name.to_string()),
            _ => None,
        };
        found
            .answers()
            .iter()
            .filter_map(|record| name(&record.data))
            .collect()
    }

    async fn addresses_of(&self, name: &str) -> Vec<IpAddr> {
        // With the dot at its end no search list is tried.
        match self.0.lookup_ip(format!("{name}.")).await {
            Ok(found) => found.iter().collect(),
            Err(_) => Vec::new(),
        }
    }
}
