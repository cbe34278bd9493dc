//! nftables: sets of a table of our own, whose elements end by themselves, and a chain that drops who is in one.
//!
//! Ours are elements whose comment says so; somebody else's in the same sets stay. Whatever changes, changes in one transaction, so
//! that it holds as a whole or not at all. The kernel keeps an element's first end when it is added again, so one whose end moves is
//! deleted and added within the transaction. Ranges of one set must not overlap: of ranges within each other the widest is held, and
//! one that somebody else put there stands for ours within it.

use super::command::run;
use super::{Connector, Piece, PointError};
use crate::item::{Expresses, Held, Holding, Item};
use crate::keeper::Clock;
use crate::plan::Changes;
use async_trait::async_trait;
use domain::{Action, Client, Scope, Timestamp};
use ipnet::IpNet;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

/// The table, its sets and its chain: adding them again changes nothing, but for the chain's counters.
const LAYOUT: &str = include_str!("nftables.nft");

/// Rules of the chain: without one of them the sets refuse nobody.
const RULES: usize = 3;

/// First word of our elements' and rules' comments.
const MARK: &str = "portcullis";

/// Most clients that are held: an element with its comment takes some 200 bytes of the kernel's memory.
const CAPACITY: usize = 262_144;

/// Elements of one statement: complaints show the statement.
const STATEMENT_ELEMENTS: usize = 200;

/// Most elements that are deleted from a set in one transaction: nft looks through a whole set of ranges for each, some millisecond where
/// there are thousands. A set in which all is ours is emptied and filled instead.
const CLEARED_MAX: usize = 500;

/// The sets.
const SETS: [&str; 3] = ["addresses4", "ranges4", "ranges6"];

/// Longest name of a table.
const TABLE_BYTES_MAX: usize = 64;

/// How nftables is reached.
#[derive(Debug, Clone)]
pub struct NftablesSettings {
    /// The program: `nft`, or with others in front of it that take it to another place.
    pub command: Vec<String>,
    /// The table, of the family `inet`.
    pub table: String,
}

/// See the module.
pub struct Nftables {
    settings: NftablesSettings,
    clock: Clock,
    seen: Seen,
    /// Clients for whom an element of somebody else stands.
    yielded: BTreeSet<Client>,
}

/// What stood in the table when it was last read.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    /// Whether the chain is there with all its rules: without it no element refuses anybody.
    is_whole: bool,
    ours: Holding,
    foreign: Vec<Foreign>,
}

/// An element that is not ours.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Foreign {
    set: &'static str,
    first: IpAddr,
    last: IpAddr,
}

impl Foreign {
    fn covers(&self, set: &str, range: IpNet) -> bool {
        self.set == set && self.first <= range.network() && range.broadcast() <= self.last
    }

    fn overlaps(&self, set: &str, range: IpNet) -> bool {
        self.set == set && self.first <= range.broadcast() && range.network() <= self.last
    }
}

impl Nftables {
    /// A way to that nftables. The clock says how long an element is to last.
    ///
    /// # Errors
    /// When the table's name is none.
    pub fn new(settings: NftablesSettings, clock: Clock) -> Result<Self, PointError> {
        let table = &settings.table;
        let is_name = table.len() <= TABLE_BYTES_MAX
            && table.starts_with(|first: char| first.is_ascii_alphabetic())
            && table.chars().all(|one| one.is_ascii_alphanumeric() || one == '_');
        if !is_name {
            let told = format!("{table:?} is no table's name: letters, digits and _, a letter first");
            return Err(PointError::Refused(told));
        }
        Ok(Self {
            settings,
            clock,
            seen: Seen::default(),
            yielded: BTreeSet::new(),
        })
    }

    async fn nft(&self, arguments: &[&str], input: Option<&str>) -> Result<Vec<u8>, PointError> {
        let mut command = self.settings.command.clone();
        command.extend(arguments.iter().map(|one| (*one).to_owned()));
        run(&command, input).await
    }

    fn layout(&self) -> String {
        LAYOUT.replace("{table}", &self.settings.table)
    }

    /// What has to be written, and what of it anew. Leaves out for what somebody else's elements stand, and gives a range that can be
    /// neither: it reaches beyond one of theirs.
    fn sort_out<'a>(
        &mut self,
        changes: &'a Changes,
        wanted: &'a BTreeMap<Client, Item>,
    ) -> (Vec<Write<'a>>, Option<Client>) {
        let now = (self.clock)();
        self.yielded.retain(|client| wanted.contains_key(client));
        // Where the chain was gone elements of ours may be left, with whatever end: all are written anew.
        let new = changes
            .add
            .iter()
            .filter(|_| self.seen.is_whole)
            .map(|item| (item, true));
        let again: Vec<&Item> = match self.seen.is_whole {
            true => changes.replace.iter().collect(),
            false => wanted.values().collect(),
        };
        let (mut writes, mut left_out) = (Vec::new(), None);
        for (item, is_new) in new.chain(again.into_iter().map(|item| (item, false))) {
            let Some(range) = item.client.range() else {
                continue;
            };
            let (set, millis) = (set(range), item.expires_at.millis_since(now));
            let foreign = &self.seen.foreign;
            if foreign.iter().any(|other| other.covers(set, range)) {
                self.yielded.insert(item.client.clone());
            } else if foreign.iter().any(|other| other.overlaps(set, range)) {
                left_out = Some(item.client.clone());
            } else if millis > 0 {
                writes.push(Write {
                    set,
                    item,
                    millis,
                    is_new,
                });
            }
        }
        (writes, left_out)
    }

    /// What makes the changes: one transaction, but for many that have to be deleted one by one. Gives also a range that is left out.
    fn transactions(
        &mut self,
        changes: &Changes,
        wanted: &BTreeMap<Client, Item>,
    ) -> (Vec<String>, Option<Client>) {
        let gone: Vec<&Client> = changes
            .remove
            .iter()
            .filter(|client| !self.yielded.contains(*client))
            .collect();
        let (writes, left_out) = self.sort_out(changes, wanted);
        let mut first = Statements::new(&self.settings.table);
        if !self.seen.is_whole {
            first.text = self.layout();
        }
        let mut others = Vec::new();
        for set in SETS {
            let of_set = |client: &Client| client.range().is_some_and(|range| self::set(range) == set);
            let writes = || writes.iter().filter(|write| write.set == set);
            let again = writes().filter(|write| !write.is_new);
            let gone = gone.iter().copied().filter(|client| of_set(client));
            let cleared: Vec<(&Client, Option<&Write<'_>>)> = gone
                .map(|client| (client, None))
                .chain(again.map(|write| (&write.item.client, Some(write))))
                .collect();
            if cleared.len() > CLEARED_MAX && !self.seen.foreign.iter().any(|other| other.set == set) {
                let now = (self.clock)();
                first.flush(set);
                for item in wanted.values().filter(|item| of_set(&item.client)) {
                    first.add(item, item.expires_at.millis_since(now));
                }
                continue;
            }
            writes()
                .filter(|write| write.is_new)
                .for_each(|write| first.add(write.item, write.millis));
            for (at, chunk) in cleared.chunks(CLEARED_MAX).enumerate() {
                if at == 0 {
                    first.clear(chunk);
                } else {
                    let mut other = Statements::new(&self.settings.table);
                    other.clear(chunk);
                    others.push(other.finish());
                }
            }
        }
        let mut all = vec![first.finish()];
        all.append(&mut others);
        (all, left_out)
    }
}

#[async_trait]
impl Connector for Nftables {
    fn kind(&self) -> &'static str {
        "nftables"
    }

    fn expresses(&self) -> Expresses {
        Expresses {
            scopes: &[Scope::Ip, Scope::Range],
            actions: &[Action::Block],
            capacity: Some(CAPACITY),
            is_aggregated: false,
            is_disjoint: true,
        }
    }

    fn read_every(&self) -> Duration {
        Duration::from_secs(15)
    }

    fn advice(&self) -> Vec<Piece> {
        vec![Piece {
            place: "Portcullis lays this out by itself. Where a restart of nftables.service is to keep elements of your own, put it at \
                    the end of /etc/nftables.conf, with them below",
            text: self.layout(),
        }]
    }

    async fn read(&mut self) -> Result<Holding, PointError> {
        let table = self.settings.table.clone();
        self.seen = match self.nft(&["-j", "list", "table", "inet", &table], None).await {
            Ok(answer) => read_table(&answer)?,
            Err(PointError::Refused(told)) if told.contains("Error: No such file or directory") => {
                Seen::default()
            }
            Err(error) => return Err(error),
        };
        if !self.seen.is_whole {
            return Ok(Holding::new());
        }
        let foreign = &self.seen.foreign;
        self.yielded.retain(|client| {
            let covered = |range| foreign.iter().any(|other| other.covers(set(range), range));
            client.range().is_some_and(covered)
        });
        let held = Held {
            action: Action::Block,
            expires_at: None,
        };
        let mut holding = self.seen.ours.clone();
        holding.extend(self.yielded.iter().map(|client| (client.clone(), held)));
        Ok(holding)
    }

    async fn apply(&mut self, changes: &Changes, wanted: &BTreeMap<Client, Item>) -> Result<(), PointError> {
        let (transactions, left_out) = self.transactions(changes, wanted);
        for transaction in transactions {
            self.nft(&["-f", "-"], Some(&transaction)).await?;
        }
        self.seen.is_whole = true;
        match left_out {
            None => Ok(()),
            Some(client) => Err(PointError::Refused(format!(
                "{client} overlaps a range that somebody else put into the set, and is left out; all others hold"
            ))),
        }
    }
}

/// The set that holds a range.
fn set(range: IpNet) -> &'static str {
    match range {
        IpNet::V4(v4) if v4.prefix_len() == 32 => "addresses4",
        IpNet::V4(_) => "ranges4",
        IpNet::V6(_) => "ranges6",
    }
}

/// An element to be written.
struct Write<'a> {
    set: &'static str,
    item: &'a Item,
    millis: i64,
    /// Whether nothing of ours is held about the client.
    is_new: bool,
}

/// Statements of a transaction, many elements in each that follow each other.
struct Statements<'a> {
    table: &'a str,
    text: String,
    open: Option<(&'static str, &'static str)>,
    elements: usize,
}

impl<'a> Statements<'a> {
    fn new(table: &'a str) -> Self {
        Self {
            table,
            text: String::new(),
            open: None,
            elements: 0,
        }
    }

    /// Takes everything out of a set.
    fn flush(&mut self, set: &str) {
        self.close();
        let _ = writeln!(self.text, "flush set inet {} {set}", self.table);
    }

    /// Takes elements out, and adds those that are to be written anew.
    fn clear(&mut self, cleared: &[(&Client, Option<&Write<'_>>)]) {
        // What ended meanwhile cannot be deleted: adding it first can always be done.
        cleared.iter().for_each(|(client, _)| self.begin("add", client));
        cleared
            .iter()
            .for_each(|(client, _)| self.begin("delete", client));
        let again = cleared.iter().filter_map(|(_, write)| *write);
        again.for_each(|write| self.add(write.item, write.millis));
    }

    /// Adds an element that ends so many milliseconds from now.
    fn add(&mut self, item: &Item, millis: i64) {
        if millis > 0 {
            self.begin("add", &item.client);
            let (until, decision) = (item.expires_at.as_secs(), &item.decision);
            let _ = write!(
                self.text,
                " timeout {millis}ms comment \"{MARK} {until} {decision}\""
            );
        }
    }

    /// Names an element to add or delete.
    fn begin(&mut self, verb: &'static str, client: &Client) {
        let Some(range) = client.range() else { return };
        let to = (verb, set(range));
        if self.open == Some(to) && self.elements < STATEMENT_ELEMENTS {
            self.text.push_str(", ");
        } else {
            self.close();
            let _ = write!(self.text, "{verb} element inet {} {} {{ ", self.table, to.1);
            self.open = Some(to);
        }
        self.elements += 1;
        self.text.push_str(&client.value());
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.text.push_str(" }\n");
            self.elements = 0;
        }
    }

    fn finish(mut self) -> String {
        self.close();
        self.text
    }
}

/// What `nft -j list table` says.
fn read_table(answer: &[u8]) -> Result<Seen, PointError> {
    let answer: Value = serde_json::from_slice(answer)
        .map_err(|error| PointError::Refused(format!("nft -j wrote no JSON: {error}")))?;
    let rows = answer["nftables"].as_array().map_or(&[][..], Vec::as_slice);
    let mut seen = Seen::default();
    let rules = rows
        .iter()
        .filter(|row| row["rule"]["chain"] == "refuse" && row["rule"]["comment"] == MARK);
    let hooked = rows
        .iter()
        .any(|row| row["chain"]["name"] == "refuse" && row["chain"]["hook"].is_string());
    seen.is_whole = hooked && rules.count() == RULES;
    for row in rows.iter().map(|row| &row["set"]) {
        let name = SETS.into_iter().find(|name| row["name"] == **name);
        let (Some(set), Some(elements)) = (name, row["elem"].as_array()) else {
            continue;
        };
        for element in elements {
            read_element(set, element, &mut seen);
        }
    }
    Ok(seen)
}

fn read_element(set: &'static str, element: &Value, seen: &mut Seen) {
    let (value, comment) = match element.get("elem") {
        Some(inner) => (&inner["val"], inner["comment"].as_str()),
        None => (element, None),
    };
    let Some((first, last)) = read_bounds(value) else {
        return;
    };
    let range = match value.get("prefix") {
        Some(_) => read_prefix(value),
        None => (first == last).then(|| IpNet::from(first)),
    };
    let until = comment.and_then(|comment| {
        comment
            .strip_prefix(MARK)?
            .split_ascii_whitespace()
            .next()?
            .parse()
            .ok()
    });
    match (range, until) {
        (Some(range), Some(until)) => {
            let held = Held {
                action: Action::Block,
                expires_at: Some(Timestamp::from_secs(until)),
            };
            seen.ours.insert(Client::from_range(range), held);
        }
        _ => seen.foreign.push(Foreign { set, first, last }),
    }
}

/// First and last address of an element's value: an address, a prefix, or two addresses.
fn read_bounds(value: &Value) -> Option<(IpAddr, IpAddr)> {
    if let Some(range) = read_prefix(value) {
        return Some((range.network(), range.broadcast()));
    }
    let address = |value: &Value| value.as_str()?.parse::<IpAddr>().ok();
    match value.get("range") {
        Some(range) => Some((address(&range[0])?, address(&range[1])?)),
        None => address(value).map(|one| (one, one)),
    }
}

fn read_prefix(value: &Value) -> Option<IpNet> {
    let prefix = value.get("prefix")?;
    let address: IpAddr = prefix["addr"].as_str()?.parse().ok()?;
    let length = u8::try_from(prefix["len"].as_u64()?).ok()?;
    IpNet::new(address, length).ok()
}

#[cfg(test)]
#[path = "nftables_tests.rs"]
mod tests;
