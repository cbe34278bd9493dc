//! NGINX or OpenResty by a shared dictionary of Lua's: entries are looked up for each request, end by themselves, and need no reload.
//!
//! | key | holds |
//! |---|---|
//! | `address:cb007109/32` | `block 1795860903412 <decision>`: what is done, until when; the key is the first address in hexadecimal and the length |
//! | `lengths` | lengths of ranges to look for: `4/32 6/64` |
//!
//! What is changed and read is asked for over HTTP, on the loopback, of a few lines of Lua that stand in NGINX's configuration. Ours are
//! entries of that form; somebody else's stays, and stands for ours.

use super::http::Http;
use super::{Connector, Piece, PointError};
use crate::item::{Expresses, Held, Holding, Item};
use crate::keeper::Clock;
use crate::plan::Changes;
use async_trait::async_trait;
use domain::{Action, Client, Scope, Timestamp};
use ipnet::IpNet;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// What stands in NGINX's configuration.
const LUA: &str = include_str!("nginx_lua.lua");

/// Where it listens in there.
const PATH: &str = "/portcullis";

/// The header that a browser, or a program that somebody leads to this address, does not send.
const HEADER: (&str, &str) = ("portcullis", "told");

/// Entries of one message, each some 120 bytes: a worker serves nobody else meanwhile, and takes a megabyte at once.
const CHUNK: usize = 1_000;

/// Most clients that are held: 64 MB of shared memory have room for them, and a worker goes through all of them when they are read.
const CAPACITY: usize = 100_000;

/// How an NGINX is reached.
#[derive(Debug, Clone)]
pub struct NginxLuaSettings {
    /// Where its server for Portcullis listens: `127.0.0.1:8779`.
    pub listen: String,
}

/// See the module.
pub struct NginxLua {
    listen: String,
    http: Http,
    clock: Clock,
    /// Keys of somebody else, when it was last read.
    foreign: BTreeSet<String>,
    /// Clients for whom a key of somebody else stands, and what is done to them by ours.
    yielded: BTreeMap<Client, Held>,
}

impl NginxLua {
    /// A way to that NGINX.
    ///
    /// # Errors
    /// When it does not listen on this machine only.
    pub fn new(settings: NginxLuaSettings, clock: Clock) -> Result<Self, PointError> {
        let address = settings.listen.parse::<std::net::SocketAddr>().ok();
        if !address.is_some_and(|address| address.ip().is_loopback()) {
            let told = "NGINX's server for Portcullis listens on an address of the loopback, with its port: 127.0.0.1:8779";
            return Err(PointError::Refused(told.to_owned()));
        }
        Ok(Self {
            http: Http::new("NGINX's Lua", &format!("http://{}", settings.listen), true)?,
            listen: settings.listen,
            clock,
            foreign: BTreeSet::new(),
            yielded: BTreeMap::new(),
        })
    }

    async fn ask(&self, method: Method, body: Option<&Value>) -> Result<Value, PointError> {
        let answer = self.http.ask(method, PATH, Some(HEADER), body).await?;
        match answer.status {
            StatusCode::OK if answer.body.is_object() => Ok(answer.body),
            StatusCode::INSUFFICIENT_STORAGE => Err(PointError::Refused(
                "NGINX's shared dictionary is full: make lua_shared_dict portcullis larger".to_owned(),
            )),
            _ => Err(self.http.refused(&answer)),
        }
    }

    /// What puts an entry there; nothing where somebody else's stands.
    fn put(&mut self, item: &Item, now: Timestamp) -> Option<String> {
        let key = key(item.client.range()?);
        if self.foreign.contains(&key) {
            let held = Held {
                action: item.action,
                expires_at: None,
            };
            self.yielded.insert(item.client.clone(), held);
            return None;
        }
        let left = item.expires_at.millis_since(now);
        // Nothing would be without an end.
        let secs = left.max(1) as f64 / 1000.0;
        let (action, until) = (item.action.as_str(), item.expires_at.as_millis());
        Some(format!("put {key} {secs} {action} {until} {}", item.decision))
    }

    /// What takes an entry away.
    fn delete(&mut self, client: &Client) -> Option<String> {
        let key = key(client.range()?);
        self.yielded
            .remove(client)
            .is_none()
            .then(|| format!("delete {key}"))
    }
}

#[async_trait]
impl Connector for NginxLua {
    fn kind(&self) -> &'static str {
        "nginx_lua"
    }

    fn expresses(&self) -> Expresses {
        Expresses {
            scopes: &[Scope::Ip, Scope::Range],
            actions: &[Action::Throttle, Action::Block],
            capacity: Some(CAPACITY),
            is_aggregated: false,
            is_disjoint: false,
        }
    }

    fn read_every(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn advice(&self) -> Vec<Piece> {
        vec![Piece {
            place: "inside http { … }, where NGINX speaks Lua: OpenResty, or Debian's libnginx-mod-http-lua",
            text: LUA.replace("{listen}", &self.listen),
        }]
    }

    async fn read(&mut self) -> Result<Holding, PointError> {
        let body = self.ask(Method::GET, None).await?;
        let lengths: BTreeSet<&str> = body["lengths"].as_str().unwrap_or_default().split(' ').collect();
        let (mut holding, mut foreign) = (Holding::new(), BTreeSet::new());
        for (key, value) in body.as_object().into_iter().flatten() {
            match value.as_str().and_then(|value| read_entry(key, value)) {
                // Nobody looks for a length that is not named.
                Some((range, _)) if !lengths.contains(length(range).as_str()) => {}
                Some((range, held)) => drop(holding.insert(Client::from_range(range), held)),
                None => drop(foreign.insert(key.clone())),
            }
        }
        self.foreign = foreign;
        let foreign = &self.foreign;
        self.yielded
            .retain(|client, _| client.range().is_some_and(|range| foreign.contains(&key(range))));
        holding.extend(self.yielded.clone());
        Ok(holding)
    }

    async fn apply(&mut self, changes: &Changes, _: &BTreeMap<Client, Item>) -> Result<(), PointError> {
        let now = (self.clock)();
        let ranges = changes.put().filter_map(|item| item.client.range());
        let lengths: BTreeSet<String> = ranges.map(length).collect();
        let mut lines: Vec<String> = lengths.iter().map(|length| format!("length {length}")).collect();
        lines.extend(changes.remove.iter().filter_map(|client| self.delete(client)));
        lines.extend(changes.put().filter_map(|item| self.put(item, now)));
        for chunk in lines.chunks(CHUNK) {
            let body = Value::from(chunk.join(";"));
            self.ask(Method::POST, Some(&body)).await?;
        }
        Ok(())
    }
}

/// Where a range stands.
fn key(range: IpNet) -> String {
    let digits = match range.network() {
        IpAddr::V4(v4) => format!("{:08x}", v4.to_bits()),
        IpAddr::V6(v6) => format!("{:032x}", v6.to_bits()),
    };
    format!("address:{digits}/{}", range.prefix_len())
}

/// The length under which a range is looked for.
fn length(range: IpNet) -> String {
    let family = match range {
        IpNet::V4(_) => 4,
        IpNet::V6(_) => 6,
    };
    format!("{family}/{}", range.prefix_len())
}

/// An entry of ours; nothing for somebody else's.
fn read_entry(name: &str, value: &str) -> Option<(IpNet, Held)> {
    let (digits, length) = name.strip_prefix("address:")?.split_once('/')?;
    let address = match digits.len() {
        8 => IpAddr::V4(Ipv4Addr::from_bits(u32::from_str_radix(digits, 16).ok()?)),
        32 => IpAddr::V6(Ipv6Addr::from_bits(u128::from_str_radix(digits, 16).ok()?)),
        _ => return None,
    };
    let range = IpNet::new(address, length.parse().ok()?).ok()?;
    let mut parts = value.split(' ');
    let held = Held {
        action: parts.next()?.parse().ok()?,
        expires_at: Some(Timestamp::from_millis(parts.next()?.parse().ok()?)),
    };
    // The decision.
    parts.next().filter(|decision| !decision.is_empty())?;
    (key(range) == name && parts.next().is_none()).then_some((range, held))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::of_range as item;
    use std::sync::Arc;

    fn nginx(listen: &str) -> Result<NginxLua, PointError> {
        let settings = NginxLuaSettings {
            listen: listen.to_owned(),
        };
        NginxLua::new(settings, Arc::new(|| Timestamp::from_secs(1_900_000_000)))
    }

    #[test]
    fn what_is_put_is_read_and_nothing_of_others() {
        let mut nginx = nginx("127.0.0.1:8779").expect("settings");
        for (range, action) in [
            ("203.0.113.9/32", Action::Block),
            ("198.51.100.0/24", Action::Throttle),
            ("2001:db8:1:2::/64", Action::Block),
        ] {
            let (client, item) = item(range, action);
            let line = nginx
                .put(&item, Timestamp::from_secs(1_900_000_000))
                .expect("an address");
            let parts: Vec<&str> = line.splitn(4, ' ').collect();
            assert_eq!((parts[0], parts[2]), ("put", "100000000"));
            let (read, held) = read_entry(parts[1], parts[3]).expect(&line);
            assert_eq!((Client::from_range(read), held), (client.clone(), item.held()));
            nginx.foreign.insert(parts[1].to_owned());
            assert_eq!(nginx.put(&item, Timestamp::from_secs(1)), None);
            assert_eq!(nginx.delete(&client), None);
        }
        assert_eq!(read_entry("address:cb007109/32", "block by hand"), None);
        assert_eq!(read_entry("address:cb007109/24", "block 1795860903412 ab"), None);
        assert_eq!(read_entry("lengths", " 4/32"), None);
    }

    #[test]
    fn it_is_reached_on_this_machine_only() {
        assert!(nginx("[::1]:8779").is_ok());
        assert!(nginx("10.0.0.1:8779").is_err());
        assert!(nginx("edge:8779").is_err());
    }
}
