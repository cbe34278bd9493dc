//! Caddy by its admin API: one route of its configuration, found by its `@id`, with the ranges to refuse.
//!
//! The route is ours as a whole, and what stands around it stays. It is replaced only while it is what was read (`If-Match`), so that
//! nobody's change is lost. Caddy answers when the new configuration serves.

use super::{Connector, Piece, PointError};
use crate::item::{Expresses, Held, Holding, Item};
use crate::plan::Changes;
use async_trait::async_trait;
use domain::{Action, Client, Scope};
use http_body_util::{BodyExt as _, Limited};
use ipnet::IpNet;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The route before anything was decided: what stands in Caddy's configuration.
const ROUTE: &str = include_str!("caddy.json");

/// The route's name.
const ID: &str = "portcullis";

/// Most clients that are held: Caddy compares each request's address with one range after the other, and loads its whole configuration
/// anew for each change.
const CAPACITY: usize = 5_000;

/// Longest time for an answer: Caddy waits with it for requests that it still serves by the configuration before.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What is done, and the status that says so.
const ANSWERS: [(Action, u16); 2] = [(Action::Block, 403), (Action::Throttle, 429)];

/// How a Caddy is reached.
#[derive(Debug, Clone)]
pub struct CaddySettings {
    /// Its admin API: `http://127.0.0.1:2019`.
    pub admin: String,
    /// The server whose first route it becomes when there is no such route; without it that is an error.
    pub server: Option<String>,
    /// How Caddy finds a client's address: `remote_ip`, or `client_ip` for one behind trusted proxies.
    pub matcher: String,
}

/// See the module.
#[derive(Debug)]
pub struct Caddy {
    settings: CaddySettings,
    http: reqwest::Client,
    /// What Caddy calls the route as it was last read.
    tag: Option<String>,
}

impl Caddy {
    /// A way to that Caddy.
    ///
    /// # Errors
    /// When the server's name is none.
    pub fn new(mut settings: CaddySettings) -> Result<Self, PointError> {
        let is_plain = |one: char| one.is_ascii_alphanumeric() || "_-.".contains(one);
        if !settings.server.iter().all(|name| name.chars().all(is_plain)) {
            return Err(PointError::Refused(
                "a server's name is letters, digits and _-. only".to_owned(),
            ));
        }
        settings
            .admin
            .truncate(settings.admin.trim_end_matches('/').len());
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build();
        Ok(Self {
            settings,
            http: http.map_err(|error| PointError::Refused(error.to_string()))?,
            tag: None,
        })
    }

    /// Asks, and gives the answer's status, its body, and the tag behind it.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        tag: Option<&str>,
    ) -> Result<(StatusCode, Value, Option<String>), PointError> {
        let unreachable = |why: String| PointError::Unreachable(format!("Caddy's admin API: {why}"));
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.settings.admin));
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(tag) = tag {
            request = request.header("if-match", tag);
        }
        let answer = request
            .send()
            .await
            .map_err(|error| unreachable(error.without_url().to_string()))?;
        let answer = http::Response::<reqwest::Body>::from(answer);
        let status = answer.status();
        // The tag comes behind the body.
        let whole = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let whole = whole.map_err(|error| unreachable(error.to_string()))?;
        let tag = whole
            .trailers()
            .and_then(|behind| behind.get("etag"))
            .and_then(|tag| tag.to_str().ok());
        let tag = tag.map(str::to_owned);
        let body = serde_json::from_slice(&whole.to_bytes()).unwrap_or_default();
        Ok((status, body, tag))
    }

    /// The route as it is; `None` when there is none.
    async fn route(&mut self) -> Result<Option<Value>, PointError> {
        self.tag = None;
        match self.ask(Method::GET, &format!("/id/{ID}"), None, None).await? {
            (StatusCode::NOT_FOUND, ..) => Ok(None),
            (StatusCode::OK, route, Some(tag)) => {
                self.tag = Some(tag);
                Ok(Some(route))
            }
            (StatusCode::OK, _, None) => Err(PointError::Refused(
                "Caddy names no version of its configuration (ETag): it is too old to be changed safely"
                    .to_owned(),
            )),
            (status, body, _) => Err(refused(status, &body)),
        }
    }

    /// The route that refuses them.
    fn written(&self, wanted: &BTreeMap<Client, Item>) -> Value {
        let mut route: Value = serde_json::from_str(ROUTE).unwrap_or_default();
        let routes = ANSWERS.iter().filter_map(|(action, status)| {
            let of_action = wanted.values().filter(|item| item.action == *action);
            let ranges: Vec<String> = of_action
                .filter_map(|item| Some(item.client.range()?.to_string()))
                .collect();
            let matcher = json!({ self.settings.matcher.as_str(): { "ranges": ranges } });
            let answer = json!({ "handler": "static_response", "status_code": status });
            (!ranges.is_empty()).then(|| json!({ "match": [matcher], "handle": [answer] }))
        });
        route["handle"][0]["routes"] = routes.collect();
        route
    }

    /// What a route refuses, as far as it is of the form that we write.
    fn read_route(&self, route: &Value) -> Holding {
        let routes = route["handle"][0]["routes"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let mut holding = Holding::new();
        for (action, status) in ANSWERS {
            let ours = routes
                .iter()
                .filter(|one| one["handle"][0]["status_code"] == status);
            let ranges = ours.filter_map(|one| one["match"][0][&self.settings.matcher]["ranges"].as_array());
            let ranges = ranges
                .flatten()
                .filter_map(|range| range.as_str()?.parse::<IpNet>().ok());
            let held = Held {
                action,
                expires_at: None,
            };
            holding.extend(ranges.map(|range| (Client::from_range(range), held)));
        }
        // Whatever else stands in it may refuse others, or nobody: then all of it is written anew.
        let seen: usize = routes
            .iter()
            .map(|one| {
                one["match"][0][&self.settings.matcher]["ranges"]
                    .as_array()
                    .map_or(0, Vec::len)
            })
            .sum();
        if seen == holding.len() {
            holding
        } else {
            Holding::new()
        }
    }
}

#[async_trait]
impl Connector for Caddy {
    fn kind(&self) -> &'static str {
        "caddy"
    }

    fn expresses(&self) -> Expresses {
        Expresses {
            scopes: &[Scope::Ip, Scope::Range],
            actions: &[Action::Throttle, Action::Block],
            capacity: Some(CAPACITY),
            is_aggregated: true,
            is_disjoint: false,
        }
    }

    fn read_every(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// Caddy loads its whole configuration anew.
    fn change_every(&self) -> Duration {
        // A change is its whole configuration taken up anew. Twice a second is bearable, and leaves half of the second in which a
        // decision is to hold.
        Duration::from_millis(500)
    }

    fn advice(&self) -> Vec<Piece> {
        vec![Piece {
            place: "the first of the server's routes, in Caddy's JSON. With a Caddyfile: nothing, and `server` (srv0) in the configuration of \
                    Portcullis, which puts the route there by itself",
            text: ROUTE.to_owned(),
        }]
    }

    async fn read(&mut self) -> Result<Holding, PointError> {
        match self.route().await? {
            Some(route) => Ok(self.read_route(&route)),
            None if self.settings.server.is_some() => Ok(Holding::new()),
            None => Err(PointError::Refused(format!(
                "Caddy's configuration has no route with the @id {ID}: `gateways connect` prints it"
            ))),
        }
    }

    async fn apply(&mut self, _: &Changes, wanted: &BTreeMap<Client, Item>) -> Result<(), PointError> {
        let route = self.written(wanted);
        let (status, body, _) = match (&self.tag, &self.settings.server) {
            (Some(tag), _) => {
                self.ask(Method::PATCH, &format!("/id/{ID}"), Some(&route), Some(tag))
                    .await?
            }
            (None, Some(server)) => {
                let first = format!("/config/apps/http/servers/{server}/routes/0");
                self.ask(Method::PUT, &first, Some(&route), None).await?
            }
            (None, None) => return Err(PointError::Changed("Caddy's route has gone".to_owned())),
        };
        if status == StatusCode::PRECONDITION_FAILED {
            return Err(PointError::Changed(
                "somebody changed Caddy's route meanwhile".to_owned(),
            ));
        }
        if !status.is_success() {
            return Err(refused(status, &body));
        }
        match self.route().await? {
            Some(now) if now == route => Ok(()),
            _ => Err(PointError::Changed(
                "Caddy holds another route than it was told".to_owned(),
            )),
        }
    }
}

fn refused(status: StatusCode, body: &Value) -> PointError {
    let why: String = body["error"]
        .as_str()
        .unwrap_or("no reason was given")
        .chars()
        .take(300)
        .collect();
    PointError::Refused(format!("Caddy's admin API: {status}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::of_range as item;

    #[test]
    fn what_is_written_is_read_and_another_form_is_not() {
        let settings = CaddySettings {
            admin: "http://127.0.0.1:2019/".to_owned(),
            server: None,
            matcher: "remote_ip".to_owned(),
        };
        let caddy = Caddy::new(settings).expect("settings");
        let wanted: BTreeMap<Client, Item> = [
            item("203.0.113.9/32", Action::Block),
            item("2001:db8:1:2::/64", Action::Throttle),
        ]
        .into();
        let route = caddy.written(&wanted);
        let holding = caddy.read_route(&route);
        let actions: Vec<Action> = holding.values().map(|held| held.action).collect();
        assert!(holding.keys().eq(wanted.keys()));
        assert_eq!(actions, [Action::Block, Action::Throttle]);
        let empty: Value = serde_json::from_str(ROUTE).expect("JSON");
        assert_eq!(caddy.written(&BTreeMap::new()), empty);
        let mut harmless = route;
        harmless["handle"][0]["routes"][0]["handle"][0]["status_code"] = 200.into();
        assert!(caddy.read_route(&harmless).is_empty());
    }
}
