//! HAProxy by its runtime API: a map of addresses, changed without a reload.
//!
//! The map may hold other people's entries: ours are those whose value is an action and an end. A large change is made in a new
//! version of the map, which holds everybody's entries and takes the old one's place at once. What is written at runtime is gone
//! with a reload or a restart: the next look finds that, and writes it anew.

use super::{Connector, Piece, PointError};
use crate::item::{Expresses, Held, Holding, Item};
use crate::plan::Changes;
use async_trait::async_trait;
use domain::{Action, Client, Scope, Timestamp};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

/// Longest time for one conversation.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Length of a line of short commands, and of a command with its payload: HAProxy takes 16 KiB (`tune.bufsize`) unless told otherwise.
const LINE_BYTES: usize = 8_000;

/// From so many changes on the map is exchanged as a whole.
const EXCHANGE_FROM: usize = 2_000;

/// Largest answer that is read: a million entries.
const ANSWER_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// Where HAProxy listens for commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HaproxySocket {
    /// A socket in the file system.
    Unix(PathBuf),
    /// A host and a port.
    Tcp(String),
}

/// How a HAProxy is reached.
#[derive(Debug, Clone)]
pub struct HaproxySettings {
    /// Its runtime API.
    pub socket: HaproxySocket,
    /// The map's name, as in HAProxy's configuration.
    pub map: String,
}

/// See the module.
#[derive(Debug)]
pub struct Haproxy {
    settings: HaproxySettings,
    /// Entries that are not ours, when the map was last read: a map that is exchanged keeps them.
    foreign: Vec<(String, String)>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Haproxy {
    /// A way to that HAProxy.
    #[must_use]
    pub fn new(settings: HaproxySettings) -> Self {
        Self {
            settings,
            foreign: Vec::new(),
        }
    }

    /// Sends a line of commands, with a payload or without, and gives the answer.
    async fn ask(&self, commands: &str) -> Result<String, PointError> {
        let talk = async {
            let mut stream: Box<dyn Stream> = match &self.settings.socket {
                HaproxySocket::Unix(path) => Box::new(UnixStream::connect(path).await?),
                HaproxySocket::Tcp(address) => Box::new(TcpStream::connect(address).await?),
            };
            stream.write_all(commands.as_bytes()).await?;
            let mut answer = Vec::new();
            stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
            Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
        };
        let unreachable = |why: String| PointError::Unreachable(format!("HAProxy's runtime API: {why}"));
        tokio::time::timeout(TIMEOUT, talk)
            .await
            .map_err(|_| unreachable("no answer within ten seconds".to_owned()))?
            .map_err(|error| unreachable(error.to_string()))
    }

    /// Sends what answers with nothing when it goes well.
    async fn order(&self, commands: &str) -> Result<(), PointError> {
        let answer = self.ask(commands).await?;
        match answer.lines().map(str::trim).find(|line| !line.is_empty()) {
            None => Ok(()),
            Some(complaint) => {
                let shown: String = complaint.chars().take(200).collect();
                Err(PointError::Refused(format!("HAProxy: {shown}")))
            }
        }
    }

    /// Adds entries, to a version of the map or to the one that holds.
    async fn add<'a>(
        &self,
        version: &str,
        entries: impl Iterator<Item = (String, String)> + 'a,
    ) -> Result<(), PointError> {
        let begin = format!("add map {version}{} <<\n", self.settings.map);
        let mut command = begin.clone();
        for (key, value) in entries {
            let _ = writeln!(command, "{key} {value}");
            if command.len() >= LINE_BYTES {
                let whole = std::mem::replace(&mut command, begin.clone());
                self.order(&(whole + "\n")).await?;
            }
        }
        if command.len() > begin.len() {
            self.order(&(command + "\n")).await?;
        }
        Ok(())
    }

    async fn remove(&self, keys: impl Iterator<Item = String>) -> Result<(), PointError> {
        let map = &self.settings.map;
        self.each(keys.map(|key| format!("del map {map} {key}"))).await
    }

    /// Gives short commands, many in one line.
    async fn each(&self, commands: impl Iterator<Item = String>) -> Result<(), PointError> {
        let mut line = String::new();
        for command in commands {
            line.push_str(&command);
            line.push(';');
            if line.len() >= LINE_BYTES {
                self.give(&std::mem::take(&mut line)).await?;
            }
        }
        self.give(&line).await
    }

    async fn give(&self, line: &str) -> Result<(), PointError> {
        if line.is_empty() {
            return Ok(());
        }
        let answer = self.ask(&format!("{line}\n")).await?;
        // What is gone already is as it should be: a key that is to be changed and is not there is found by the next look.
        let is_complaint = |line: &&str| !line.is_empty() && !line.contains("not found");
        match answer.lines().map(str::trim).find(is_complaint) {
            None => Ok(()),
            Some(complaint) => Err(PointError::Refused(format!("HAProxy: {complaint}"))),
        }
    }

    /// Exchanges the map: what holds afterwards holds from one moment on.
    async fn exchange(&self, wanted: &BTreeMap<Client, Item>) -> Result<(), PointError> {
        let map = &self.settings.map;
        let answer = self.ask(&format!("prepare map {map}\n")).await?;
        let version = answer
            .split_once("New version created:")
            .and_then(|(_, version)| version.trim().parse::<u64>().ok())
            .ok_or_else(|| PointError::Refused(format!("HAProxy: {}", answer.trim())))?;
        let at = format!("@{version} ");
        self.add(&at, self.foreign.iter().cloned()).await?;
        self.add(&at, wanted.values().filter_map(written)).await?;
        self.order(&format!("commit map @{version} {map}\n")).await
    }
}

#[async_trait]
impl Connector for Haproxy {
    fn kind(&self) -> &'static str {
        "haproxy"
    }

    fn expresses(&self) -> Expresses {
        Expresses {
            scopes: &[Scope::Ip, Scope::Range],
            actions: &[Action::Throttle, Action::Block],
            capacity: None,
            is_aggregated: false,
            is_disjoint: false,
        }
    }

    fn read_every(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn advice(&self) -> Vec<Piece> {
        let socket = match &self.settings.socket {
            HaproxySocket::Unix(path) => format!("{} mode 600", path.display()),
            HaproxySocket::Tcp(address) => address.clone(),
        };
        let map = &self.settings.map;
        vec![
            Piece {
                place: "inside global",
                text: format!("    stats socket {socket} level admin\n"),
            },
            Piece {
                place: "inside each frontend, before what else is done with requests; the map's file has to be there: touch it first",
                text: format!(
                    "    http-request set-var(txn.portcullis) src,map_ip({map},none)
    http-request deny deny_status 403 if {{ var(txn.portcullis) -m beg block }}
    http-request deny deny_status 429 if {{ var(txn.portcullis) -m beg throttle }}
"
                ),
            },
        ]
    }

    async fn read(&mut self) -> Result<Holding, PointError> {
        let answer = self.ask(&format!("show map {}\n", self.settings.map)).await?;
        if answer.starts_with("Unknown map identifier") {
            return Err(PointError::Refused(format!(
                "HAProxy has no map {}: it must be named in its configuration as it is here",
                self.settings.map
            )));
        }
        let mut holding = Holding::new();
        self.foreign.clear();
        for line in answer.lines().filter(|line| !line.trim().is_empty()) {
            // A reference, the key, the value.
            let mut parts = line.splitn(3, ' ').skip(1);
            let (Some(key), value) = (parts.next(), parts.next().unwrap_or("")) else {
                continue;
            };
            match read_entry(key, value) {
                Some((client, held)) => drop(holding.insert(client, held)),
                None => self.foreign.push((key.to_owned(), value.to_owned())),
            }
        }
        Ok(holding)
    }

    async fn apply(&mut self, changes: &Changes, wanted: &BTreeMap<Client, Item>) -> Result<(), PointError> {
        if changes.len() >= EXCHANGE_FROM {
            return self.exchange(wanted).await;
        }
        self.remove(changes.remove.iter().filter_map(key)).await?;
        let map = &self.settings.map;
        let replaced = changes.replace.iter().filter_map(written);
        self.each(replaced.map(|(key, value)| format!("set map {map} {key} {value}")))
            .await?;
        self.add("", changes.add.iter().filter_map(written)).await
    }
}

/// How a client is written: an address without its length, as people write it.
fn key(client: &Client) -> Option<String> {
    client.range()?;
    Some(client.value().into_owned())
}

fn written(item: &Item) -> Option<(String, String)> {
    let value = format!("{},{}", item.action, item.expires_at.as_secs());
    Some((key(&item.client)?, value))
}

fn read_entry(key: &str, value: &str) -> Option<(Client, Held)> {
    let (action, until) = value.split_once(',')?;
    let held = Held {
        action: action.parse().ok()?,
        expires_at: Some(Timestamp::from_secs(until.parse().ok()?)),
    };
    let client = match key.parse::<IpNet>() {
        Ok(range) => Client::from_range(range),
        Err(_) => Client::from_range(IpNet::from(key.parse::<std::net::IpAddr>().ok()?)),
    };
    Some((client, held))
}
