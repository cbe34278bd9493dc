//! Kong by its Admin API: one plugin `ip-restriction`, whose list is replaced as a whole.
//!
//! Kong holds one such plugin for all routes, or one for each service, and a nearer one is used in place of a farther one. Ours has a
//! number of its own and our tag. Kong takes no empty list: the plugin is switched off then.
//!
//! Written after Kong's documentation and sources; not run against a real Kong.

use super::http::Http;
use super::{Connector, Piece, PointError, ranges};
use crate::item::{Expresses, Holding, Item};
use crate::plan::Changes;
use async_trait::async_trait;
use domain::{Action, Client, Scope};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::time::Duration;

/// The plugin's number where it is for all services: the same everywhere, so that whoever writes it writes over ours and nobody else's.
const ID: &str = "8f9f2f0e-54c3-5b0a-9a1e-706f7274756c";

/// The tag by which people know it for ours.
const TAG: &str = "portcullis";

/// What a list holds that is switched off: Kong wants one entry, and no client has this address.
const NOBODY: &str = "255.255.255.255/32";

/// Most clients that are held: each change sends the list to every node, which makes a search tree of it.
const CAPACITY: usize = 10_000;

/// How a Kong is reached.
#[derive(Clone)]
pub struct KongSettings {
    /// Its Admin API: `http://127.0.0.1:8001`.
    pub admin: String,
    /// What proves who we are, where it wants that.
    pub token: Option<String>,
    /// The service that the plugin is for; without it, all of them.
    pub service: Option<String>,
}

/// See the module.
pub struct Kong {
    settings: KongSettings,
    http: Http,
    /// The plugin's number.
    id: String,
}

impl Kong {
    /// A way to that Kong.
    ///
    /// # Errors
    /// When the service's name is none.
    pub fn new(settings: KongSettings) -> Result<Self, PointError> {
        let is_plain = |one: char| one.is_ascii_alphanumeric() || "_-.".contains(one);
        if !settings.service.iter().all(|name| name.chars().all(is_plain)) {
            let told = "a service's name is letters, digits and _-. only";
            return Err(PointError::Refused(told.to_owned()));
        }
        Ok(Self {
            http: Http::new("Kong's Admin API", &settings.admin, true)?,
            id: settings.service.as_deref().map_or_else(|| ID.to_owned(), id_of),
            settings,
        })
    }

    /// Where the plugin is.
    fn path(&self) -> String {
        match &self.settings.service {
            Some(service) => format!("/services/{service}/plugins/{}", self.id),
            None => format!("/plugins/{}", self.id),
        }
    }

    fn header(&self) -> Option<(&'static str, &str)> {
        let token = self.settings.token.as_deref()?;
        Some(("kong-admin-token", token))
    }

    /// The plugin that refuses them.
    fn written(&self, wanted: &BTreeMap<Client, Item>) -> Value {
        let mut deny: Vec<String> = ranges::written(wanted).iter().map(ToString::to_string).collect();
        if deny.is_empty() {
            deny.push(NOBODY.to_owned());
        }
        json!({ "name": "ip-restriction", "tags": [TAG], "enabled": !wanted.is_empty(), "config": { "deny": deny } })
    }

    /// What the plugin refuses; nothing when somebody changed it so that it does something else.
    fn read_plugin(&self, plugin: &Value) -> Holding {
        let is_unset = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        let is_everywhere = plugin["route"].is_null()
            && plugin["consumer"].is_null()
            && plugin["service"].is_null() == self.settings.service.is_none();
        let config = &plugin["config"];
        if plugin["enabled"] != true || !is_everywhere || !is_unset(&config["allow"]) {
            return Holding::new();
        }
        let deny = config["deny"].as_array().map_or(&[][..], Vec::as_slice);
        let entries = deny.iter().map(|entry| entry.as_str().unwrap_or_default());
        ranges::holding(entries).unwrap_or_default()
    }
}

/// The number of the plugin for a service: a UUID of the eighth version, which is anybody's own.
fn id_of(service: &str) -> String {
    let digest = Sha256::digest(format!("{ID}/{service}"));
    let mut bytes = [0_u8; 16];
    bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| digits.get(part).unwrap_or_default());
    parts.join("-")
}

#[async_trait]
impl Connector for Kong {
    fn kind(&self) -> &'static str {
        "kong"
    }

    fn expresses(&self) -> Expresses {
        Expresses {
            scopes: &[Scope::Ip, Scope::Range],
            actions: &[Action::Block],
            capacity: Some(CAPACITY),
            is_aggregated: true,
            is_disjoint: false,
        }
    }

    fn read_every(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// Each change makes every node load its plugins anew.
    fn change_every(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn advice(&self) -> Vec<Piece> {
        vec![Piece {
            place: "nothing: Portcullis makes the plugin by the Admin API. So that Kong sees its clients' addresses behind a load balancer, in kong.conf",
            text: include_str!("kong.txt").to_owned(),
        }]
    }

    async fn read(&mut self) -> Result<Holding, PointError> {
        let answer = self
            .http
            .ask(Method::GET, &self.path(), self.header(), None)
            .await?;
        match answer.status {
            // Also a service that is not there is not found: writing says which of the two it is.
            StatusCode::NOT_FOUND => Ok(Holding::new()),
            StatusCode::OK => {
                let is_ours = answer.body["name"] == "ip-restriction";
                let tags = answer.body["tags"].as_array();
                if !is_ours || !tags.is_some_and(|tags| tags.iter().any(|tag| tag == TAG)) {
                    let told = format!(
                        "Kong's plugin {} is not tagged {TAG}: somebody else made it, or took the tag away",
                        self.id
                    );
                    return Err(PointError::Refused(told));
                }
                Ok(self.read_plugin(&answer.body))
            }
            _ => Err(self.http.refused(&answer)),
        }
    }

    async fn apply(&mut self, _: &Changes, wanted: &BTreeMap<Client, Item>) -> Result<(), PointError> {
        let plugin = self.written(wanted);
        let answer = self
            .http
            .ask(Method::PUT, &self.path(), self.header(), Some(&plugin))
            .await?;
        match answer.status {
            StatusCode::OK | StatusCode::CREATED if self.read_plugin(&answer.body).keys().eq(wanted.keys()) => Ok(()),
            StatusCode::OK | StatusCode::CREATED => Err(PointError::Changed(
                "Kong holds another list than it was told".to_owned(),
            )),
            StatusCode::CONFLICT => Err(PointError::Refused(
                "Kong has a plugin ip-restriction for all services already, and holds no second one: name a `service`, or move that one's list"
                    .to_owned(),
            )),
            _ => Err(self.http.refused(&answer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::of_range as item;

    fn kong(service: Option<&str>) -> Result<Kong, PointError> {
        Kong::new(KongSettings {
            admin: "http://127.0.0.1:8001/".to_owned(),
            token: None,
            service: service.map(str::to_owned),
        })
    }

    #[test]
    fn a_plugin_that_does_something_else_holds_nothing() {
        let kong = kong(None).expect("settings");
        let wanted: BTreeMap<Client, Item> = [item("203.0.113.9/32", Action::Block)].into();
        let plugin = kong.written(&wanted);
        assert!(kong.read_plugin(&plugin).keys().eq(wanted.keys()));
        for (at, value) in [
            ("/enabled", json!(false)),
            ("/config/deny", json!(["everybody"])),
            (
                "/config",
                json!({ "allow": ["0.0.0.0/0"], "deny": ["203.0.113.9"] }),
            ),
        ] {
            let mut other = plugin.clone();
            *other.pointer_mut(at).expect("it is there") = value;
            assert!(kong.read_plugin(&other).is_empty(), "{other}");
        }
        let mut on_a_route = plugin.clone();
        on_a_route["route"] = json!({ "id": "a" });
        assert!(kong.read_plugin(&on_a_route).is_empty());
        let empty = kong.written(&BTreeMap::new());
        assert_eq!(
            (&empty["enabled"], &empty["config"]["deny"][0]),
            (&json!(false), &json!(NOBODY))
        );
    }

    #[test]
    fn a_services_name_leads_nowhere_else() {
        let (shop, forum) = (
            kong(Some("shop")).expect("a name"),
            kong(Some("forum")).expect("a name"),
        );
        assert_eq!(
            (shop.id.len(), shop.id.as_bytes()[14], shop.id == forum.id),
            (36, b'8', false)
        );
        assert!(kong(Some("../consumers/alice")).is_err());
    }
}
