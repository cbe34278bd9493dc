//! Redis, for gateways that look clients up there by themselves: a key for each, which ends by itself.
//!
//! | key | holds |
//! |---|---|
//! | `portcullis:address:cb007109/32` | what is done to an address or a range: JSON; the key is its first address in hexadecimal and its length |
//! | `portcullis:subject:alice` | what is done to a client of that name |
//! | `portcullis:lengths` | a set of the lengths of ranges to look for, `4/32`, `6/64`: so many keys are asked for at once, and no range is missed |
//! | `portcullis:generation` | a number that grows with each change |
//! | `portcullis:events` | a stream of what was put and taken away, for those who keep a copy |
//!
//! Ours are keys whose value names their own client and decision. Somebody else's key stays, and stands for ours.

use super::{Connector, Piece, PointError};
use crate::item::{Expresses, Held, Holding, Item};
use crate::plan::Changes;
use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client as Server, ConnectionAddr, Pipeline, RedisError, cmd, pipe};
use async_trait::async_trait;
use domain::{Action, Client, Scope, Timestamp};
use ipnet::IpNet;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

/// What stands in NGINX's configuration, where it asks.
const LUA: &str = include_str!("redis.lua");

/// Longest time for an answer, and for a connection.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Clients of one transaction, and of one question: Redis serves nobody else meanwhile.
const CHUNK: usize = 1_000;

/// Most clients that are held: a key with its value takes some 300 bytes, and all are read again and again.
const CAPACITY: usize = 1_000_000;

/// Most events that are kept.
const EVENTS_MAX: usize = 100_000;

/// Longest prefix.
const PREFIX_BYTES_MAX: usize = 64;

/// How a Redis is reached.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// `redis://[user:password@]host:port/database`, or `rediss://` for TLS.
    pub url: String,
    /// What all keys begin with: `portcullis:`.
    pub prefix: String,
}

/// See the module.
pub struct Redis {
    server: Server,
    prefix: String,
    /// Keys of somebody else, when it was last read.
    foreign: BTreeSet<String>,
    /// Clients for whom a key of somebody else stands, and what they were to hold.
    yielded: BTreeMap<Client, Held>,
}

impl Redis {
    /// A way to that Redis.
    ///
    /// # Errors
    /// When the address or the prefix is none.
    pub fn new(settings: RedisSettings) -> Result<Self, PointError> {
        let is_plain = |one: char| one.is_ascii_alphanumeric() || "_-.:".contains(one);
        let prefix = settings.prefix;
        if prefix.is_empty() || prefix.len() > PREFIX_BYTES_MAX || !prefix.chars().all(is_plain) {
            let told = "a prefix of keys is letters, digits and _-.: only";
            return Err(PointError::Refused(told.to_owned()));
        }
        // The address may hold a password: it is not told.
        let server = Server::open(settings.url)
            .map_err(|error| PointError::Refused(format!("Redis: the address cannot be used: {error}")))?;
        Ok(Self {
            server,
            prefix,
            foreign: BTreeSet::new(),
            yielded: BTreeMap::new(),
        })
    }

    async fn connect(&self) -> Result<MultiplexedConnection, PointError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        let connected = self.server.get_multiplexed_async_connection_with_config(&config);
        connected.await.map_err(told)
    }

    fn lengths_key(&self) -> String {
        format!("{}lengths", self.prefix)
    }

    /// Where a client stands.
    fn key(&self, client: &Client) -> String {
        match client.range() {
            Some(range) => format!(
                "{}address:{}/{}",
                self.prefix,
                digits(range.network()),
                range.prefix_len()
            ),
            None => format!("{}{}:{}", self.prefix, client.scope(), client.value()),
        }
    }

    /// All keys below the prefix.
    async fn keys(&self, redis: &mut MultiplexedConnection) -> Result<Vec<String>, PointError> {
        let (pattern, mut keys, mut cursor) = (format!("{}*", self.prefix), BTreeSet::new(), 0_u64);
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor)
                .arg("MATCH")
                .arg(&pattern)
                .arg("COUNT")
                .arg(CHUNK);
            let (next, some): (u64, Vec<Vec<u8>>) = scan.query_async(redis).await.map_err(told)?;
            // A key that is no text is none of ours.
            keys.extend(some.into_iter().filter_map(|key| String::from_utf8(key).ok()));
            if keys.len() > 2 * CAPACITY {
                let told = format!("Redis has more than {} keys below {}", 2 * CAPACITY, self.prefix);
                return Err(PointError::Refused(told));
            }
            if next == 0 {
                return Ok(keys.into_iter().collect());
            }
            cursor = next;
        }
    }

    /// A client that a key of ours is about.
    fn read_entry(&self, key: &str, value: &[u8]) -> Option<(Client, Held)> {
        let entry: Value = serde_json::from_slice(value).ok()?;
        entry["decision"].as_str()?;
        let client = Client::parse(
            Scope::from_name(entry["scope"].as_str()?)?,
            entry["client"].as_str()?,
        )
        .ok()?;
        let held = Held {
            action: entry["action"].as_str()?.parse().ok()?,
            expires_at: Some(Timestamp::from_millis(entry["until"].as_i64()?)),
        };
        (self.key(&client) == key).then_some((client, held))
    }

    fn put(&mut self, item: &Item, out: &mut Pipeline) {
        let key = self.key(&item.client);
        if self.foreign.contains(&key) {
            let held = Held {
                action: item.action,
                expires_at: None,
            };
            self.yielded.insert(item.client.clone(), held);
            return;
        }
        let until = item.expires_at.as_millis();
        let (scope, client, action) = (
            item.client.scope().as_str(),
            item.client.value(),
            item.action.as_str(),
        );
        let value = json!({ "scope": scope, "client": client, "action": action, "until": until, "decision": item.decision });
        if let Some(length) = length(&item.client) {
            out.cmd("SADD").arg(self.lengths_key()).arg(length).ignore();
        }
        out.cmd("SET")
            .arg(&key)
            .arg(value.to_string())
            .arg("PXAT")
            .arg(until)
            .ignore();
        self.tell("put", &key, &value.to_string(), out);
    }

    fn remove(&mut self, client: &Client, out: &mut Pipeline) {
        if self.yielded.remove(client).is_none() {
            let key = self.key(client);
            out.cmd("DEL").arg(&key).ignore();
            self.tell("remove", &key, "", out);
        }
    }

    fn tell(&self, what: &str, key: &str, value: &str, out: &mut Pipeline) {
        let events = format!("{}events", self.prefix);
        out.cmd("XADD")
            .arg(events)
            .arg("MAXLEN")
            .arg("~")
            .arg(EVENTS_MAX)
            .arg("*");
        out.arg("what")
            .arg(what)
            .arg("key")
            .arg(key)
            .arg("value")
            .arg(value)
            .ignore();
    }
}

#[async_trait]
impl Connector for Redis {
    fn kind(&self) -> &'static str {
        "redis"
    }

    fn expresses(&self) -> Expresses {
        Expresses {
            scopes: &[
                Scope::Ip,
                Scope::Range,
                Scope::Subject,
                Scope::Consumer,
                Scope::Certificate,
            ],
            actions: &[Action::Throttle, Action::Block],
            capacity: Some(CAPACITY),
            is_aggregated: false,
            is_disjoint: false,
        }
    }

    fn read_every(&self) -> Duration {
        Duration::from_secs(15)
    }

    fn advice(&self) -> Vec<Piece> {
        let (host, port) = match self.server.get_connection_info().addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                (host.clone(), *port)
            }
            _ => ("127.0.0.1".to_owned(), 6379),
        };
        vec![Piece {
            place: "OpenResty or NGINX with Lua: inside http { … } or a server { … }. Other gateways ask for the same keys",
            text: LUA
                .replace("{host}", &host)
                .replace("{port}", &port.to_string())
                .replace("{prefix}", &self.prefix),
        }]
    }

    async fn read(&mut self) -> Result<Holding, PointError> {
        let mut redis = self.connect().await?;
        let keys = self.keys(&mut redis).await?;
        let lengths: BTreeSet<String> = cmd("SMEMBERS")
            .arg(self.lengths_key())
            .query_async(&mut redis)
            .await
            .map_err(told)?;
        let mut holding = Holding::new();
        self.foreign.clear();
        for chunk in keys.chunks(CHUNK) {
            let values: Vec<Option<Vec<u8>>> = cmd("MGET")
                .arg(chunk)
                .query_async(&mut redis)
                .await
                .map_err(told)?;
            for (key, value) in chunk.iter().zip(values) {
                // What is no text, as the set of lengths, is given as nothing.
                match value.as_deref().and_then(|value| self.read_entry(key, value)) {
                    // Nobody asks for a length that is not named.
                    Some((client, _)) if length(&client).is_some_and(|length| !lengths.contains(&length)) => {
                    }
                    Some((client, held)) => drop(holding.insert(client, held)),
                    None => drop(self.foreign.insert(key.clone())),
                }
            }
        }
        let mut yielded = std::mem::take(&mut self.yielded);
        yielded.retain(|client, _| self.foreign.contains(&self.key(client)));
        holding.extend(yielded.clone());
        self.yielded = yielded;
        Ok(holding)
    }

    async fn apply(&mut self, changes: &Changes, _: &BTreeMap<Client, Item>) -> Result<(), PointError> {
        let mut redis = self.connect().await?;
        let removed: Vec<Client> = changes.remove.clone();
        let put: Vec<Item> = changes.put().cloned().collect();
        let mut chunks: Vec<Pipeline> = Vec::new();
        for chunk in removed.chunks(CHUNK) {
            let mut out = pipe();
            chunk.iter().for_each(|client| self.remove(client, &mut out));
            chunks.push(out);
        }
        for chunk in put.chunks(CHUNK) {
            let mut out = pipe();
            chunk.iter().for_each(|item| self.put(item, &mut out));
            chunks.push(out);
        }
        for mut chunk in chunks {
            chunk
                .atomic()
                .cmd("INCR")
                .arg(format!("{}generation", self.prefix))
                .ignore();
            chunk.exec_async(&mut redis).await.map_err(told)?;
        }
        Ok(())
    }
}

/// An address as hexadecimal digits.
fn digits(address: IpAddr) -> String {
    let bytes = match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The length under which a range is looked for.
fn length(client: &Client) -> Option<String> {
    let range = client.range()?;
    let family = match range {
        IpNet::V4(_) => 4,
        IpNet::V6(_) => 6,
    };
    Some(format!("{family}/{}", range.prefix_len()))
}

fn told(error: RedisError) -> PointError {
    let told = format!("Redis: {error}");
    if error.is_io_error()
        || error.is_timeout()
        || error.is_connection_dropped()
        || error.is_connection_refusal()
    {
        PointError::Unreachable(told)
    } else {
        PointError::Refused(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redis() -> Redis {
        let settings = RedisSettings {
            url: "redis://127.0.0.1:6379".to_owned(),
            prefix: "portcullis:".to_owned(),
        };
        Redis::new(settings).expect("an address")
    }

    fn check(scope: Scope, client: &str, key: &str, looked_for: Option<&str>) {
        let client = Client::parse(scope, client).expect("a client");
        let redis = redis();
        assert_eq!(redis.key(&client), key);
        assert_eq!(length(&client).as_deref(), looked_for);
        let value = json!({ "scope": client.scope().as_str(), "client": client.value(), "action": "block", "until": 5, "decision": "ab" });
        let held = Held {
            action: Action::Block,
            expires_at: Some(Timestamp::from_millis(5)),
        };
        let text = value.to_string();
        assert_eq!(redis.read_entry(key, text.as_bytes()), Some((client, held)));
        assert_eq!(
            redis.read_entry("portcullis:address:00000000/0", text.as_bytes()),
            None,
            "another's"
        );
    }

    #[test]
    fn a_key_is_made_of_its_client_and_read_as_it() {
        check(
            Scope::Ip,
            "203.0.113.9",
            "portcullis:address:cb007109/32",
            Some("4/32"),
        );
        check(
            Scope::Range,
            "203.0.113.0/24",
            "portcullis:address:cb007100/24",
            Some("4/24"),
        );
        let v6 = "portcullis:address:20010db8000100020000000000000000/64";
        check(Scope::Ip, "2001:db8:1:2::9", v6, Some("6/64"));
        check(Scope::Subject, "alice", "portcullis:subject:alice", None);
    }

    #[test]
    fn what_somebody_wrote_by_hand_is_not_ours() {
        let redis = redis();
        for value in ["block", "{}", r#"{"action":"block"}"#] {
            assert_eq!(
                redis.read_entry("portcullis:address:cb007109/32", value.as_bytes()),
                None
            );
        }
    }
}
