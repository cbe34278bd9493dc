//! Envoy by a file: the configuration of an RBAC filter of its own, which Envoy takes up by itself when it is replaced.
//!
//! The file is ours as a whole; what else Envoy is to refuse stands in filters of their own. Addresses are looked up in a trie, so that a
//! long list costs no more than a short one. Each entry's name says its decision and its end: the first stands in Envoy's access log
//! (`%RESPONSE_CODE_DETAILS%`). What Envoy has taken up it says by the version of the file, at its admin interface.

use super::{Connector, Piece, PointError, file};
use crate::item::{Expresses, Held, Holding, Item};
use crate::plan::Changes;
use async_trait::async_trait;
use domain::{Action, Client, Scope, Timestamp};
use ipnet::IpNet;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::time::Duration;

/// What stands in Envoy's list of filters.
const FILTER: &str = include_str!("envoy.yaml");

/// The name of the filter, and of the resource in the file.
const NAME: &str = "portcullis";

/// Most clients that are held: each is some kilobyte in Envoy, and the whole file is read for each change.
const CAPACITY: usize = 50_000;

/// Longest time until Envoy has taken a file up: it reads and checks all of it.
const TAKE_UP_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest time for an answer of the admin interface.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The main thread says which version holds; its workers are told in the same moment and need their next turn to take it up.
const WORKERS_TURN: Duration = Duration::from_millis(20);

/// How an Envoy is reached.
#[derive(Debug, Clone)]
pub struct EnvoySettings {
    /// The file that holds the filter's configuration.
    pub file: PathBuf,
    /// Its admin interface: `http://127.0.0.1:9901`.
    pub admin: String,
}

/// See the module.
#[derive(Debug)]
pub struct Envoy {
    settings: EnvoySettings,
    http: reqwest::Client,
}

impl Envoy {
    /// A way to that Envoy.
    ///
    /// # Errors
    /// When there can be no HTTP client.
    pub fn new(settings: EnvoySettings) -> Result<Self, PointError> {
        let http = reqwest::Client::builder()
            .timeout(ANSWER_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build();
        Ok(Self {
            settings,
            http: http.map_err(|error| PointError::Refused(error.to_string()))?,
        })
    }

    /// The version that Envoy has taken up; `None` when it has no such filter, or nothing yet.
    async fn version(&self) -> Result<Option<String>, PointError> {
        let unreachable = |error: reqwest::Error| {
            PointError::Unreachable(format!("Envoy's admin interface: {}", error.without_url()))
        };
        let stat = format!("extension_config_discovery.http_filter.{NAME}.version_text");
        let url = format!(
            "{}/stats?type=TextReadouts&format=json&filter=^{}$",
            self.settings.admin.trim_end_matches('/'),
            stat.replace('.', "%5C.")
        );
        let answer = self
            .http
            .get(url)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status);
        let answer: Value = answer.map_err(unreachable)?.json().await.map_err(unreachable)?;
        let stats = answer["stats"].as_array().map_or(&[][..], Vec::as_slice);
        let version = stats.iter().find(|one| one["name"] == stat.as_str());
        Ok(version.and_then(|one| one["value"].as_str()).map(str::to_owned))
    }
}

#[async_trait]
impl Connector for Envoy {
    fn kind(&self) -> &'static str {
        "envoy"
    }

    fn expresses(&self) -> Expresses {
        Expresses {
            scopes: &[Scope::Ip, Scope::Range],
            actions: &[Action::Block],
            capacity: Some(CAPACITY),
            is_aggregated: false,
            is_disjoint: false,
        }
    }

    fn read_every(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn advice(&self) -> Vec<Piece> {
        let shown = self.settings.file.display().to_string();
        let (_, empty) = written(&BTreeMap::new());
        vec![
            Piece {
                place: "the first of http_filters; Envoy needs a name for itself too: node: { id: …, cluster: … }",
                text: FILTER.replace("{file}", &shown),
            },
            Piece {
                place: "the file has to be there when Envoy starts: with this in it, which refuses nobody",
                text: empty,
            },
        ]
    }

    async fn read(&mut self) -> Result<Holding, PointError> {
        let Some(version) = self.version().await? else {
            let told =
                format!("Envoy has no filter {NAME} that it reads from a file: `gateways connect` prints it");
            return Err(PointError::Refused(told));
        };
        let content = file::content(&self.settings.file).await?;
        // What Envoy did not take up holds nobody back.
        Ok(read_file(&content)
            .filter(|(of_file, _)| *of_file == version)
            .unwrap_or_default()
            .1)
    }

    async fn apply(&mut self, _: &Changes, wanted: &BTreeMap<Client, Item>) -> Result<(), PointError> {
        let (version, content) = written(wanted);
        file::replace(&self.settings.file, content).await?;
        let wait = async {
            while self.version().await?.as_deref() != Some(&version) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            tokio::time::sleep(WORKERS_TURN).await;
            Ok(())
        };
        tokio::time::timeout(TAKE_UP_TIMEOUT, wait)
            .await
            .unwrap_or_else(|_| {
                let told = "Envoy did not take its new list up within 20 seconds: its log says why";
                Err(PointError::Refused(told.to_owned()))
            })
    }
}

/// The file, and the version that stands in it: what it holds says which.
fn written(wanted: &BTreeMap<Client, Item>) -> (String, String) {
    let ranges: Vec<Value> = wanted.values().filter_map(entry).collect();
    let mut hasher = DefaultHasher::new();
    ranges
        .iter()
        .for_each(|range| range.to_string().hash(&mut hasher));
    let version = format!("{:016x}", hasher.finish());
    let matcher = json!({
        "matcher_tree": {
            "input": {
                "name": "source",
                "typed_config": { "@type": "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.SourceIPInput" },
            },
            "custom_match": {
                "name": "ranges",
                "typed_config": { "@type": "type.googleapis.com/xds.type.matcher.v3.IPMatcher", "range_matchers": ranges },
            },
        },
        "on_no_match": action("pass", "ALLOW"),
    });
    let mut filter = json!({ "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC" });
    // A filter without rules passes everybody; a list of no ranges is an error to Envoy.
    if !ranges.is_empty() {
        filter["matcher"] = matcher;
    }
    let resource = json!({
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": NAME,
        "typed_config": filter,
    });
    let content = json!({ "version_info": version, "resources": [resource] });
    (version, format!("{content}\n"))
}

fn action(name: &str, what: &str) -> Value {
    json!({
        "action": {
            "name": "action",
            "typed_config": { "@type": "type.googleapis.com/envoy.config.rbac.v3.Action", "name": name, "action": what },
        },
    })
}

fn entry(item: &Item) -> Option<Value> {
    let range = item.client.range()?;
    let name = format!("{NAME}/{}/{}", item.decision, item.expires_at.as_secs());
    Some(json!({
        "ranges": [{ "address_prefix": range.network().to_string(), "prefix_len": range.prefix_len() }],
        "on_match": action(&name, "DENY"),
    }))
}

/// What a file of ours holds, and its version.
fn read_file(content: &str) -> Option<(String, Holding)> {
    let file: Value = serde_json::from_str(content).ok()?;
    let version = file["version_info"].as_str()?.to_owned();
    let tree = &file["resources"][0]["typed_config"]["matcher"]["matcher_tree"];
    let ranges = tree["custom_match"]["typed_config"]["range_matchers"].as_array();
    let ranges = ranges.map_or(&[][..], Vec::as_slice);
    Some((version, ranges.iter().filter_map(read_entry).collect()))
}

fn read_entry(entry: &Value) -> Option<(Client, Held)> {
    let range = &entry["ranges"][0];
    let length = u8::try_from(range["prefix_len"].as_u64()?).ok()?;
    let range = IpNet::new(range["address_prefix"].as_str()?.parse().ok()?, length).ok()?;
    let action = &entry["on_match"]["action"]["typed_config"];
    let (_, until) = action["name"].as_str()?.rsplit_once('/')?;
    let held = Held {
        action: (action["action"] == "DENY").then_some(Action::Block)?,
        expires_at: Some(Timestamp::from_secs(until.parse().ok()?)),
    };
    Some((Client::from_range(range), held))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::of_range;

    #[test]
    fn what_is_written_is_read() {
        let item = |range: &str| of_range(range, Action::Block);
        let wanted: BTreeMap<Client, Item> = [item("203.0.113.9/32"), item("2001:db8:1:2::/64")].into();
        let (version, content) = written(&wanted);
        let (read_version, holding) = read_file(&content).expect("a file");
        assert_eq!(read_version, version);
        assert!(holding.keys().eq(wanted.keys()));
        assert!(
            holding
                .values()
                .all(|held| held.expires_at == Some(Timestamp::from_secs(2_000_000_000)))
        );
        let (of_none, content) = written(&BTreeMap::new());
        assert_ne!(of_none, version);
        assert!(!content.contains("matcher"));
        assert_eq!(read_file(&content), Some((of_none, Holding::new())));
    }
}
