//! `/check`: forward-auth for NGINX `auth_request`, Traefik `ForwardAuth`, Caddy `forward_auth`, Envoy `ext_authz` over HTTP;
//! and the same question over gRPC, as Envoy asks it (`envoy.rs`).
//!
//! One lookup in memory per request of the gateway; no database, no log line. Whoever cannot be recognised (the
//! gateway is not among the trusted proxies) is let through: a wrong setting must not close a site.

mod envoy;
mod rate_limit;

use crate::askers::{Scopes, Way};
use crate::blocklist::read;
use crate::peer::Peer;
use crate::state::ApiState;
use crate::surface::Entrance;
use axum::Router;
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use domain::blocklist::Blocklist;
use domain::{
    Action, AddressSource, Client, DecisionId, HashKey, NO_USER_AGENT, Scope, SecretKeys, Timestamp,
    TrustedProxies,
};
use std::net::IpAddr;
use std::sync::Arc;

/// Longest value of a query parameter that is read: a gateway's name.
const PARAMETER_BYTES_MAX: usize = 128;

/// How the gateway tells a client's address. It must be the header that the gateway itself sets: any other comes
/// from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressHeader {
    /// `X-Forwarded-For`, a chain, the nearest hop last.
    #[default]
    ForwardedFor,
    /// `X-Real-IP`, one address.
    RealIp,
}

/// How `/check` is asked.
#[derive(Debug, Clone, Default)]
pub struct CheckSettings {
    /// The gateways and proxies whose word about the next hop is believed.
    pub trusted_proxies: TrustedProxies,
    /// The header that carries the address.
    pub address_header: AddressHeader,
    /// Where clients present their API keys; `None` when keys are not looked at.
    pub presented: Option<PresentedKey>,
    /// Where the gateway itself names whom it has verified.
    pub named: Vec<NamedHeader>,
}

/// A header in which a gateway names a client that it has verified: a consumer, the subject of a token or of a certificate. It is the
/// gateway's word, and heeded only where that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedHeader {
    scope: Scope,
    header: HeaderName,
}

impl NamedHeader {
    /// The header of that name; `None` when there can be no such header.
    #[must_use]
    pub fn new(scope: Scope, header: &str) -> Option<Self> {
        let header = HeaderName::try_from(header).ok()?;
        Some(Self { scope, header })
    }
}

/// Where clients present their API keys, and under which keys these are hashed.
#[derive(Debug, Clone)]
pub struct PresentedKey {
    header: HeaderName,
    secrets: SecretKeys,
}

impl PresentedKey {
    /// In the header of that name; `None` when there can be no such header.
    #[must_use]
    pub fn new(header: &str, secrets: SecretKeys) -> Option<Self> {
        let header = HeaderName::try_from(header).ok()?;
        Some(Self { header, secrets })
    }

    /// The names that the key which is presented goes by: under the present key of secrets, and under the one before it as long as
    /// that is valid.
    fn names(&self, secret: &[u8], now: Timestamp) -> Vec<Client> {
        if secret.is_empty() {
            return Vec::new();
        }
        let epoch = self.secrets.epoch(now);
        let keys = std::iter::once(epoch.key).chain(epoch.earlier);
        let name = |key: HashKey| Client::parse(Scope::ApiKey, &key.hash_secret(secret)).ok();
        keys.filter_map(name).collect()
    }
}

/// What a gateway asks about one request.
#[derive(Debug, Default)]
struct Question<'a> {
    /// The client's address, by the chain that ends at the gateway; `None` when the gateway is nobody whose word counts.
    address: Option<IpAddr>,
    /// The API key that was presented.
    key: Option<&'a [u8]>,
    /// The names that the gateway gives.
    names: Vec<(Scope, &'a str)>,
    /// The gateway's name.
    gateway: Option<&'a str>,
    /// The user agent that was sent, [`NO_USER_AGENT`] for none; `None` where nobody says.
    agent: Option<&'a str>,
}

/// What the gateway is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    Challenge(DecisionId),
    Throttle(DecisionId),
    Refuse(DecisionId),
}

/// The routes. Gateways ask with the client's own method, and Envoy with its path behind ours, so all are answered.
pub(crate) fn router() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/check", any(check))
        // Envoy asks so before a site's root.
        .route("/check/", any(check_before_path))
        .route("/check/{*path}", any(check_before_path))
        .route(envoy::PATH, post(envoy::check))
        .route(rate_limit::PATH, post(rate_limit::should_limit))
}

async fn check(
    State(state): State<Arc<ApiState>>,
    Extension(peer): Extension<Peer>,
    Extension(entrance): Extension<Arc<Entrance>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    ask(
        &state,
        peer,
        &entrance,
        query.as_deref().unwrap_or_default(),
        &headers,
    )
}

/// Where a gateway puts the client's own path behind ours, the query is the client's, too: nothing in it is the gateway's word.
async fn check_before_path(
    State(state): State<Arc<ApiState>>,
    Extension(peer): Extension<Peer>,
    Extension(entrance): Extension<Arc<Entrance>>,
    headers: HeaderMap,
) -> Response {
    ask(&state, peer, &entrance, "", &headers)
}

fn ask(state: &ApiState, peer: Peer, entrance: &Entrance, query: &str, headers: &HeaderMap) -> Response {
    let settings = &state.check;
    if !is_authorised(entrance, headers) {
        state.metrics.check_unauthorised();
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let gateway = parameter(query, "gateway");
    let key = settings
        .presented
        .as_ref()
        .and_then(|presented| headers.get(&presented.header));
    let question = Question {
        address: client_address(settings, peer.address.ip(), headers),
        key: key.map(HeaderValue::as_bytes),
        names: settings
            .named
            .iter()
            .filter_map(|named| Some((named.scope, headers.get(&named.header)?.to_str().ok()?)))
            .collect(),
        gateway: gateway.as_deref(),
        agent: headers
            .get(header::USER_AGENT)
            .map_or(Some(NO_USER_AGENT), |agent| agent.to_str().ok()),
    };
    let verdict = decide(state, &question);
    answer(verdict, parameter(query, "throttle").as_deref() == Some("429"))
}

/// What the gateway is to do about a request; noted, counted.
fn decide(state: &ApiState, question: &Question<'_>) -> Verdict {
    let settings = &state.check;
    let Question {
        address,
        key,
        gateway,
        agent,
        ..
    } = *question;
    let now = state.now();
    let presented = settings.presented.as_ref().zip(key);
    let mut names = presented.map_or_else(Vec::new, |(presented, key)| presented.names(key, now));
    // Whose word about an address does not count names nobody either: a client could write the header itself.
    if address.is_some() {
        let named = question.names.iter();
        names.extend(named.filter_map(|(scope, value)| Client::parse(*scope, value).ok()));
    }
    // Whoever is not believed is no gateway of ours, and names none.
    if address.is_some() {
        let asker = (Way::Check, gateway.unwrap_or_default(), gateway);
        state.askers.note(asker, scopes(settings), now);
    }
    let verdict = if address.is_none() && names.is_empty() {
        Verdict::Pass
    } else {
        read(&*state.blocklist, |list| {
            judge(list, (address, &names), (gateway, agent), now)
        })
    };
    state.metrics.checked(match verdict {
        Verdict::Pass => "pass",
        Verdict::Challenge(_) => "challenge",
        Verdict::Throttle(_) => "throttle",
        Verdict::Refuse(_) => "refuse",
    });
    verdict
}

/// What is looked at of a client.
fn scopes(settings: &CheckSettings) -> Scopes {
    Scopes::of(|scope| match scope {
        Scope::Ip | Scope::Range => true,
        Scope::ApiKey => settings.presented.is_some(),
        scope => settings.named.iter().any(|named| named.scope == scope),
    })
}

fn is_authorised(entrance: &Entrance, headers: &HeaderMap) -> bool {
    let presented = || headers.get("x-portcullis-secret")?.to_str().ok();
    entrance
        .secret
        .as_ref()
        .is_none_or(|secret| presented().is_some_and(|text| secret.matches(text)))
}

/// The client's address from the chain that ends at the peer; `None` when the peer is nobody whose word counts.
fn client_address(settings: &CheckSettings, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
    let name = match settings.address_header {
        AddressHeader::ForwardedFor => "x-forwarded-for",
        AddressHeader::RealIp => "x-real-ip",
    };
    // Several headers of one name are one list (RFC 9110, 5.3).
    let chain: Vec<&str> = headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap_or_default())
        .collect();
    client_address_in(settings, peer, &chain.join(","))
}

/// The client's address in a chain whose last hop the peer has seen.
fn client_address_in(settings: &CheckSettings, peer: IpAddr, chain: &str) -> Option<IpAddr> {
    let resolved = settings.trusted_proxies.resolve(Some(peer), chain);
    resolved
        .filter(|(_, source)| *source == AddressSource::TrustedHop)
        .map(|(address, _)| address)
}

/// The strongest of what holds about the address and about the names.
fn judge(
    list: &Blocklist,
    (address, names): (Option<IpAddr>, &[Client]),
    (gateway, agent): (Option<&str>, Option<&str>),
    now: Timestamp,
) -> Verdict {
    // A decision about one program of an address: of others nothing is known here, and what is not known does not hold.
    let is_sent = |condition: &Client| {
        condition.scope() == Scope::UserAgent && agent.is_some_and(|agent| condition.value() == agent)
    };
    let of_address = address.and_then(|address| list.check_address_where(address, gateway, &is_sent));
    let of_names = names.iter().filter_map(|name| list.check_client(name, gateway));
    let entry = of_names
        .chain(of_address)
        .filter(|entry| entry.expires_at > now)
        .max_by(|left, right| left.cmp_strength(right));
    match entry.map(|entry| (entry.action, entry.id)) {
        Some((Action::Block, id)) => Verdict::Refuse(id),
        Some((Action::Throttle, id)) => Verdict::Throttle(id),
        Some((Action::Challenge, id)) => Verdict::Challenge(id),
        Some((Action::Observe, _)) | None => Verdict::Pass,
    }
}

/// A gateway that cannot challenge lets the client through; the header tells one that can.
fn answer(verdict: Verdict, has_429: bool) -> Response {
    let (status, id, mark) = match verdict {
        Verdict::Pass => return StatusCode::OK.into_response(),
        Verdict::Challenge(id) => (StatusCode::OK, id, Some("x-portcullis-challenge")),
        Verdict::Throttle(id) if has_429 => {
            (StatusCode::TOO_MANY_REQUESTS, id, Some("x-portcullis-throttle"))
        }
        Verdict::Throttle(id) => (StatusCode::OK, id, Some("x-portcullis-throttle")),
        Verdict::Refuse(id) => (StatusCode::FORBIDDEN, id, None),
    };
    let mut response = match status {
        StatusCode::OK => status.into_response(),
        _ => (status, told(id)).into_response(),
    };
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(HeaderName::from_static("x-portcullis-decision"), id);
    }
    if let Some(mark) = mark {
        headers.insert(HeaderName::from_static(mark), HeaderValue::from_static("1"));
    }
    // A gateway that copies the answer to the client must not have it kept on the way.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What a client reads that is refused or slowed down, where the gateway hands it on: by the reference whoever runs the site finds the
/// decision, and why.
fn told(id: DecisionId) -> String {
    format!(
        "This request was refused. If you think that this is a mistake, tell whoever runs this site, with this reference: {id}\n"
    )
}

fn parameter(query: &str, wanted: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == wanted)
        .map(|(_, value)| value.into_owned())
        .filter(|value| value.len() <= PARAMETER_BYTES_MAX)
}

#[cfg(test)]
mod tests;
