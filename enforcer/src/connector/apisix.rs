//! APISIX by its Admin API: one global rule with the plugin `ip-restriction`, whose list is replaced as a whole.
//!
//! APISIX holds a plugin in one global rule only (since 3.15), so the list is not shared out over several. It takes no empty list: the
//! rule is deleted then.
//!
//! Written after APISIX' documentation and sources; not run against a real APISIX.

use super::http::Http;
use super::{Connector, Piece, PointError, ranges};
use crate::item::{Expresses, Holding, Item};
use crate::plan::Changes;
use async_trait::async_trait;
use domain::{Action, Client, Scope};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Where the rule is; its name is ours.
const PATH: &str = "/apisix/admin/global_rules/portcullis";

/// Most clients that are held: the Admin API and etcd take 1.5 MiB, and an entry has 27 bytes at most where IPv6 clients are their /64.
const CAPACITY: usize = 30_000;

/// How an APISIX is reached.
#[derive(Clone)]
pub struct ApisixSettings {
    /// Its Admin API: `http://127.0.0.1:9180`.
    pub admin: String,
    /// Its key, of the role `admin`.
    pub key: String,
}

/// See the module.
pub struct Apisix {
    settings: ApisixSettings,
    http: Http,
}

impl Apisix {
    /// A way to that APISIX.
    ///
    /// # Errors
    /// When there can be none.
    pub fn new(settings: ApisixSettings) -> Result<Self, PointError> {
        Ok(Self {
            http: Http::new("APISIX' Admin API", &settings.admin, true)?,
            settings,
        })
    }

    fn header(&self) -> Option<(&'static str, &str)> {
        Some(("x-api-key", &self.settings.key))
    }

    /// Whether the rule holds exactly those.
    async fn holds(&mut self, wanted: &BTreeMap<Client, Item>) -> Result<(), PointError> {
        match self.read().await?.keys().eq(wanted.keys()) {
            true => Ok(()),
            false => Err(PointError::Changed(
                "APISIX holds another list than it was told".to_owned(),
            )),
        }
    }
}

/// The rule that refuses them.
fn written(wanted: &BTreeMap<Client, Item>) -> Value {
    let list: Vec<String> = ranges::written(wanted).iter().map(ToString::to_string).collect();
    json!({ "plugins": { "ip-restriction": { "blacklist": list } } })
}

/// What a rule refuses; nothing when somebody changed it so that it does something else.
fn read_rule(rule: &Value) -> Holding {
    let plugin = &rule["plugins"]["ip-restriction"];
    if plugin["_meta"]["disable"] == true || !plugin["whitelist"].is_null() {
        return Holding::new();
    }
    let list = plugin["blacklist"].as_array().map_or(&[][..], Vec::as_slice);
    let entries = list.iter().map(|entry| entry.as_str().unwrap_or_default());
    ranges::holding(entries).unwrap_or_default()
}

#[async_trait]
impl Connector for Apisix {
    fn kind(&self) -> &'static str {
        "apisix"
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

    /// Each change makes every worker build its search tree anew.
    fn change_every(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn advice(&self) -> Vec<Piece> {
        vec![Piece {
            place: "nothing: Portcullis makes the global rule by the Admin API. So that only it reaches the Admin API, in APISIX' config.yaml",
            text: include_str!("apisix.yaml").to_owned(),
        }]
    }

    async fn read(&mut self) -> Result<Holding, PointError> {
        let answer = self.http.ask(Method::GET, PATH, self.header(), None).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(Holding::new()),
            StatusCode::OK => Ok(read_rule(&answer.body["value"])),
            _ => Err(self.http.refused(&answer)),
        }
    }

    async fn apply(&mut self, _: &Changes, wanted: &BTreeMap<Client, Item>) -> Result<(), PointError> {
        let (method, body) = match wanted.is_empty() {
            true => (Method::DELETE, None),
            false => (Method::PUT, Some(written(wanted))),
        };
        let answer = self.http.ask(method, PATH, self.header(), body.as_ref()).await?;
        let has_gone = wanted.is_empty() && answer.status == StatusCode::NOT_FOUND;
        if !answer.status.is_success() && !has_gone {
            return Err(self.http.refused(&answer));
        }
        self.holds(wanted).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::of_range as item;

    #[test]
    fn a_rule_that_does_something_else_holds_nothing() {
        let wanted: BTreeMap<Client, Item> = [item("203.0.113.9/32", Action::Block)].into();
        let rule = written(&wanted);
        assert!(read_rule(&rule).keys().eq(wanted.keys()));
        let mut off = rule.clone();
        off["plugins"]["ip-restriction"]["_meta"] = json!({ "disable": true });
        assert!(read_rule(&off).is_empty());
        let mut turned = rule;
        turned["plugins"]["ip-restriction"] = json!({ "whitelist": ["203.0.113.9"] });
        assert!(read_rule(&turned).is_empty());
    }

    #[test]
    fn the_longest_list_fits_into_what_etcd_takes() {
        let longest = "\"ffff:ffff:ffff:ffff::/64\",".len();
        assert!(CAPACITY * longest < 3 * 512 * 1024);
    }
}
