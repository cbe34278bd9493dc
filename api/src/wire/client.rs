//! Clients in JSON.

use super::{AlertView, DecisionView, OrderView, shown};
use crate::neutral::neutralise_json;
use domain::{Client, Scope};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use storage::ClientSummary;
use utoipa::ToSchema;

/// Who.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ClientName {
    /// What kind of thing the value names.
    pub(crate) scope: String,
    /// Address, range or name, as it may be shown.
    pub(crate) value: String,
    /// `scope/value` with the value percent-encoded: names the client exactly, also where `value` had to be made
    /// harmless. Goes into paths as it is, and into orders instead of scope and value.
    #[serde(rename = "ref")]
    pub(crate) reference: String,
}

/// Whom an order is about: by `ref`, or by scope and value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
pub(crate) struct NamedClient {
    /// What kind of thing the value names.
    #[serde(default)]
    scope: String,
    /// Address, range or name.
    #[serde(default)]
    value: String,
    /// The client's `ref`; wins over scope and value.
    #[serde(rename = "ref", default)]
    reference: String,
}

impl NamedClient {
    /// The client that is named; by the reference when there is one.
    pub(crate) fn read(&self) -> Result<Client, String> {
        match self.reference.split_once('/') {
            Some((scope, value)) => parse(scope, &percent_decode(value)),
            None => parse(&self.scope, &self.value),
        }
    }
}

impl ClientName {
    pub(crate) fn new(client: &Client) -> Self {
        let value = client.value();
        Self {
            scope: client.scope().to_string(),
            value: shown(&value),
            reference: format!("{}/{}", client.scope(), percent_encode(&value)),
        }
    }

    /// The client of a text: a reference, or an address or range as people write it.
    pub(crate) fn find(text: &str) -> Result<Client, String> {
        match text.split_once('/') {
            Some((scope, value)) if Scope::from_name(scope).is_some() => parse(scope, &percent_decode(value)),
            Some(_) => parse("range", text),
            None => parse("ip", text),
        }
    }
}

/// Reads a client from its scope and value.
pub(crate) fn parse(scope: &str, value: &str) -> Result<Client, String> {
    let scope = Scope::from_name(scope).ok_or_else(|| format!("unknown scope {scope:?}"))?;
    Client::parse(scope, value).map_err(|error| error.to_string())
}

/// Names a client in paths of the API: its scope, and its value percent-encoded.
#[must_use]
pub fn client_reference(client: &Client) -> String {
    ClientName::new(client).reference
}

/// Encodes all but unreserved characters (RFC 3986, 2.3).
fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .filter(|_| first == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What is known of a client, in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClientView {
    /// Who.
    client: ClientName,
    /// When this was written.
    updated_at: String,
    /// Its first request.
    first_seen: String,
    /// Its latest request.
    last_seen: String,
    /// Its requests so far.
    requests: u64,
    /// Its latest score.
    score: f32,
    /// The action in force or observed.
    action: Option<String>,
}

impl ClientView {
    pub(crate) fn new(summary: &ClientSummary) -> Self {
        Self {
            client: ClientName::new(&summary.client),
            updated_at: summary.updated_at.to_string(),
            first_seen: summary.first_seen.to_string(),
            last_seen: summary.last_seen.to_string(),
            requests: summary.requests,
            score: summary.score,
            action: summary.action.map(|action| action.to_string()),
        }
    }
}

/// One feature of a client's latest window, in the unit that a person reads.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes what the detector wrote and the store hands on"
)]
pub(crate) struct FeatureView {
    /// Its name.
    name: String,
    /// Its unit; empty for a plain number.
    unit: String,
    /// What the client shows.
    value: f64,
    /// The median of clean clients.
    typical: f64,
    /// What 99.9% of clean clients stay under.
    extreme: f64,
}

/// One point of a client's timeline; counts are those since the point before.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes what the detector wrote and the store hands on"
)]
pub(crate) struct TimelinePoint {
    /// When.
    at: String,
    /// Requests.
    requests: u64,
    /// Requests answered with 4xx or 5xx.
    errors: u64,
    /// Requests that we stopped.
    stopped: u64,
    /// The score at this moment.
    score: Option<f64>,
}

/// Everything that is shown of one client.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClientPage {
    /// Who.
    pub(crate) client: ClientName,
    /// Its figures; null for a client that was never kept.
    pub(crate) summary: Option<ClientView>,
    /// The features of its latest window, each with the population's typical value.
    #[schema(value_type = Option<Vec<FeatureView>>)]
    pub(crate) features: serde_json::Value,
    /// Points over time.
    #[schema(value_type = Option<Vec<TimelinePoint>>)]
    pub(crate) timeline: serde_json::Value,
    /// Its latest alerts.
    pub(crate) alerts: Vec<AlertView>,
    /// Its latest decisions.
    pub(crate) decisions: Vec<DecisionView>,
    /// What people ordered about it.
    pub(crate) orders: Vec<OrderView>,
    /// The decision in force about it at the moment, its own or that of a range around it.
    pub(crate) in_force: Option<String>,
    /// Why a decision about it would not be carried out.
    pub(crate) protected_by: Option<String>,
}

impl ClientPage {
    /// A page with what the store keeps of the client, and nothing else yet.
    pub(crate) fn new(client: &Client, summary: Option<&ClientSummary>) -> Self {
        let json = |value: Option<&serde_json::Value>| {
            value.cloned().map_or(serde_json::Value::Null, neutralise_json)
        };
        Self {
            client: ClientName::new(client),
            summary: summary.map(ClientView::new),
            features: json(summary.map(|summary| &summary.features)),
            timeline: json(summary.map(|summary| &summary.timeline)),
            alerts: Vec::new(),
            decisions: Vec::new(),
            orders: Vec::new(),
            in_force: None,
            protected_by: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neutral::{HOSTILE, is_harmless};

    #[test]
    fn a_reference_names_the_client_exactly() {
        for text in HOSTILE.iter().chain(&["curl/8", "a%41b", "Grüße"]) {
            let client = Client::parse(Scope::UserAgent, text).unwrap();
            let name = ClientName::new(&client);
            assert!(is_harmless(&name.value));
            assert!(name.reference.is_ascii());
            assert_eq!(
                ClientName::find(&name.reference).as_ref(),
                Ok(&client),
                "{text:?}"
            );
        }
        let range = Client::parse(Scope::Ip, "2001:db8::1").unwrap();
        assert_eq!(ClientName::new(&range).reference, "range/2001%3Adb8%3A%3A%2F64");
    }
}
