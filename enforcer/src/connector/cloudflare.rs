//! Cloudflare by its Lists API: the items of a custom list, to which a rule of yours refers.
//!
//! Ours are items whose comment says so; others of the list stay, and stand for ours. What is asked for is done a while after it was:
//! one operation after the other is waited for, as an account has one at a time. Items are added and taken away, and the list is never
//! replaced whole: each item that is written counts against what an account may change within twelve hours.
//!
//! Written after Cloudflare's documentation; not run against Cloudflare itself.

use super::http::{Answer, Http};
use super::{Connector, Piece, PointError, ranges};
use crate::item::{Expresses, Held, Holding, Item};
use crate::plan::Changes;
use async_trait::async_trait;
use domain::{Action, Client, Scope};
use ipnet::IpNet;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What comments of our items begin with.
const MARK: &str = "portcullis ";

/// Items of one operation: a hundred bytes each.
const CHUNK: usize = 5_000;

/// Items of one page: as many as Cloudflare gives.
const PAGE: usize = 500;

/// Most pages that are read: more than any account's lists have items.
const PAGES_MAX: usize = 2_000;

/// How often an operation is asked after, and for how many times: with the pause, a minute.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// See [`LOOK_EVERY`].
const LOOKS_MAX: usize = 120;

/// Longest name of a list, by Cloudflare's documentation.
const NAME_BYTES_MAX: usize = 50;

/// How an account is reached.
#[derive(Clone)]
pub struct CloudflareSettings {
    /// The API: `https://api.cloudflare.com/client/v4`.
    pub api: String,
    /// The account's number.
    pub account: String,
    /// A token that may edit the account's lists.
    pub token: String,
    /// The list's name; it is made when there is none.
    pub list: String,
    /// Most items that it holds: what the account's plan has room for.
    pub items_max: usize,
}

/// See the module.
pub struct Cloudflare {
    settings: CloudflareSettings,
    http: Http,
    /// What proves who we are.
    bearer: String,
    /// The list's number, once it is known.
    list: Option<String>,
    /// The numbers of our items, when it was last read.
    numbers: BTreeMap<Client, String>,
    /// Whom somebody else's item names.
    foreign: BTreeSet<Client>,
    /// Those of ours that somebody else's item stands for.
    yielded: BTreeSet<Client>,
}

impl Cloudflare {
    /// A way to that account.
    ///
    /// # Errors
    /// When the account's number or the list's name is none.
    pub fn new(settings: CloudflareSettings) -> Result<Self, PointError> {
        let is_account =
            settings.account.len() == 32 && settings.account.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_account {
            return Err(PointError::Refused(
                "an account's number is 32 hexadecimal digits".to_owned(),
            ));
        }
        let is_plain = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_';
        let list = &settings.list;
        if list.is_empty() || list.len() > NAME_BYTES_MAX || !list.chars().all(is_plain) {
            let told = "a list's name is small letters, digits and _ only, at most 50 of them";
            return Err(PointError::Refused(told.to_owned()));
        }
        Ok(Self {
            http: Http::new("Cloudflare", &settings.api, false)?,
            bearer: format!("Bearer {}", settings.token),
            settings,
            list: None,
            numbers: BTreeMap::new(),
            foreign: BTreeSet::new(),
            yielded: BTreeSet::new(),
        })
    }

    /// Asks below the account's lists.
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, PointError> {
        let path = format!("/accounts/{}/rules/lists{path}", self.settings.account);
        let header = Some(("authorization", self.bearer.as_str()));
        let answer = self.http.ask(method, &path, header, body).await?;
        if answer.status.is_success() && answer.body["success"] != false {
            return Ok(answer);
        }
        Err(self.http.refused(&answer))
    }

    /// Where the list's items are; the list is made when there is none.
    async fn items(&mut self) -> Result<String, PointError> {
        if let Some(list) = &self.list {
            return Ok(format!("/{list}/items"));
        }
        let answer = self.ask(Method::GET, "", None).await?;
        let lists = answer.body["result"].as_array().map_or(&[][..], Vec::as_slice);
        let named = lists
            .iter()
            .find(|list| list["name"] == self.settings.list.as_str());
        let made;
        let found = match named {
            Some(list) => list,
            None => {
                let body =
                    json!({ "name": self.settings.list, "kind": "ip", "description": "kept by Portcullis" });
                made = self.ask(Method::POST, "", Some(&body)).await?;
                &made.body["result"]
            }
        };
        if found["kind"] != "ip" {
            let told = format!("Cloudflare's list {} is not of addresses", self.settings.list);
            return Err(PointError::Refused(told));
        }
        let id = found["id"]
            .as_str()
            .filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let id = id.ok_or_else(|| PointError::Refused("Cloudflare names no list".to_owned()))?;
        self.list = Some(id.to_owned());
        Ok(format!("/{id}/items"))
    }

    /// Has something done, and waits until it is.
    async fn operate(&mut self, method: Method, body: &Value) -> Result<(), PointError> {
        let path = self.items().await?;
        let answer = self.ask(method, &path, Some(body)).await?;
        let operation = answer.body["result"]["operation_id"].as_str();
        let operation = operation.filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let operation =
            operation.ok_or_else(|| PointError::Refused("Cloudflare names no operation".to_owned()))?;
        let path = format!("/bulk_operations/{operation}");
        for _ in 0..LOOKS_MAX {
            let answer = self.ask(Method::GET, &path, None).await?;
            match answer.body["result"]["status"].as_str() {
                Some("completed") => return Ok(()),
                Some("failed") => {
                    let why = answer.body["result"]["error"]
                        .as_str()
                        .unwrap_or("no reason was given");
                    let why: String = why.chars().take(300).collect();
                    return Err(PointError::Refused(format!("Cloudflare: {why}")));
                }
                _ => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
        Err(PointError::Unreachable(
            "Cloudflare: an operation takes longer than a minute".to_owned(),
        ))
    }

    /// Takes an item in that the list has.
    fn take(&mut self, item: &Value) {
        let range = item["ip"].as_str().and_then(ranges::parse);
        let (Some(range), Some(id)) = (range, item["id"].as_str()) else {
            return;
        };
        let client = Client::from_range(range.trunc());
        match item["comment"]
            .as_str()
            .is_some_and(|comment| comment.starts_with(MARK))
        {
            true => drop(self.numbers.insert(client, id.to_owned())),
            false => drop(self.foreign.insert(client)),
        }
    }
}

/// An item that is to be added; nothing for what is no address.
fn written(item: &Item) -> Option<Value> {
    let range = item.client.range()?;
    let ip = match range {
        IpNet::V4(v4) if v4.prefix_len() == 32 => v4.addr().to_string(),
        _ => range.to_string(),
    };
    Some(json!({ "ip": ip, "comment": format!("{MARK}{}", item.decision) }))
}

#[async_trait]
impl Connector for Cloudflare {
    fn kind(&self) -> &'static str {
        "cloudflare"
    }

    fn expresses(&self) -> Expresses {
        Expresses {
            scopes: &[Scope::Ip, Scope::Range],
            actions: &[Action::Block],
            capacity: Some(self.settings.items_max),
            is_aggregated: true,
            is_disjoint: false,
        }
    }

    /// A long list is many pages, and an account has 1,200 requests in five minutes.
    fn read_every(&self) -> Duration {
        Duration::from_secs(300)
    }

    /// An account may change lists 30,000 times in twelve hours, and a change is two operations at most.
    fn change_every(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn advice(&self) -> Vec<Piece> {
        vec![Piece {
            place: "a custom rule of the zone (Security, WAF, Custom rules) with the action Block",
            text: format!("(ip.src in ${})\n", self.settings.list),
        }]
    }

    async fn read(&mut self) -> Result<Holding, PointError> {
        self.list = None;
        let path = self.items().await?;
        (self.numbers, self.foreign) = (BTreeMap::new(), BTreeSet::new());
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let at = cursor
                .map(|cursor| format!("&cursor={cursor}"))
                .unwrap_or_default();
            let answer = self
                .ask(Method::GET, &format!("{path}?per_page={PAGE}{at}"), None)
                .await?;
            let items = answer.body["result"].as_array().map_or(&[][..], Vec::as_slice);
            items.iter().for_each(|item| self.take(item));
            let after = answer.body["result_info"]["cursors"]["after"].as_str();
            let is_plain = |one: char| one.is_ascii_alphanumeric() || "_-.~%=".contains(one);
            cursor = after
                .filter(|after| !after.is_empty() && after.chars().all(is_plain))
                .map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        self.yielded.retain(|client| self.foreign.contains(client));
        let held = Held {
            action: Action::Block,
            expires_at: None,
        };
        let all = self.numbers.keys().chain(&self.yielded);
        Ok(all.map(|client| (client.clone(), held)).collect())
    }

    async fn apply(&mut self, changes: &Changes, _: &BTreeMap<Client, Item>) -> Result<(), PointError> {
        let gone = |known: &Self| {
            let of_ours = changes
                .remove
                .iter()
                .filter(|client| !known.yielded.contains(*client));
            let numbers: Vec<Option<String>> =
                of_ours.map(|client| known.numbers.get(client).cloned()).collect();
            numbers
        };
        if gone(self).iter().any(Option::is_none) {
            self.read().await?;
        }
        let gone: Vec<Value> = gone(self)
            .into_iter()
            .flatten()
            .map(|id| json!({ "id": id }))
            .collect();
        for chunk in gone.chunks(CHUNK) {
            self.operate(Method::DELETE, &json!({ "items": chunk })).await?;
        }
        for client in &changes.remove {
            self.numbers.remove(client);
            self.yielded.remove(client);
        }
        let foreign = |item: &&Item| self.foreign.contains(&item.client);
        let (stand, added): (Vec<&Item>, Vec<&Item>) = changes.put().partition(foreign);
        self.yielded
            .extend(stand.into_iter().map(|item| item.client.clone()));
        let added: Vec<Value> = added.into_iter().filter_map(written).collect();
        for chunk in added.chunks(CHUNK) {
            self.operate(Method::POST, &Value::from(chunk)).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::of_range as item;

    fn cloudflare(account: &str, list: &str) -> Result<Cloudflare, PointError> {
        Cloudflare::new(CloudflareSettings {
            api: "https://api.cloudflare.com/client/v4".to_owned(),
            account: account.to_owned(),
            token: "secret".to_owned(),
            list: list.to_owned(),
            items_max: 10_000,
        })
    }

    #[test]
    fn ours_are_told_from_others_by_their_comment() {
        let mut cloudflare = cloudflare("023e105f4ecef8ad9ca31a8372d0c353", "portcullis").expect("settings");
        for range in ["203.0.113.9/32", "198.51.100.0/24", "2001:db8:1:2::/64"] {
            let (client, item) = item(range, Action::Block);
            let mut written = written(&item).expect("an address");
            written["id"] = range.into();
            cloudflare.take(&written);
            assert_eq!(cloudflare.numbers.get(&client).map(String::as_str), Some(range));
        }
        cloudflare.take(&json!({ "id": "4", "ip": "203.0.113.10", "comment": "an office" }));
        cloudflare.take(&json!({ "id": "5", "asn": 64496 }));
        assert_eq!((cloudflare.numbers.len(), cloudflare.foreign.len()), (3, 1));
    }

    #[test]
    fn names_lead_nowhere_else() {
        assert!(cloudflare("../../zones", "portcullis").is_err());
        assert!(cloudflare("023e105f4ecef8ad9ca31a8372d0c353", "a/b").is_err());
    }
}
