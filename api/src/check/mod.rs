//! `/check`: forward-auth for NGINX `auth_request`, Traefik `ForwardAuth`, Caddy `forward_auth`, Envoy `ext_authz` over HTTP;
//! and the same question over gRPC, as Envoy asks it (`envoy.rs`).
//!
//! One lookup in memory per request of the gateway; no database, no log line. Whoever cannot be recognised (the
//! gateway is not among the trusted proxies) is let through: a wrong setting must not close a site.

mod envoy;

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
    /// The gateway's name.
    gateway: Option<&'a str>,
    /// The user agent that was sent.
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
        .route("/check/{*path}", any(check_before_path))
        .route(envoy::PATH, post(envoy::check))
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
        gateway: gateway.as_deref(),
        agent: headers
            .get(header::USER_AGENT)
            .and_then(|agent| agent.to_str().ok()),
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
    } = *question;
    let now = state.now();
    let presented = settings.presented.as_ref().zip(key);
    let names = presented.map_or_else(Vec::new, |(presented, key)| presented.names(key, now));
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
        _ => false,
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
        condition.scope() == Scope::UserAgent && condition.value() == agent.unwrap_or(NO_USER_AGENT)
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
mod tests {
    use super::*;
    use crate::auth::SharedSecret;
    use crate::testing::{Answer, Rig, request};
    use crate::{Surface, router};
    use axum::http::Method;

    async fn rig(header: AddressHeader) -> Rig {
        let settings = CheckSettings {
            trusted_proxies: TrustedProxies::new(vec!["127.0.0.0/8".parse().unwrap()]),
            address_header: header,
            presented: None,
        };
        Rig::with(move |parts| parts.check = settings).await
    }

    async fn ask(rig: &Rig, uri: &str, headers: &[(&str, &str)]) -> Answer {
        let router = router(&rig.state, Entrance::to(&[Surface::Check]));
        rig.send(&router, request(Method::GET, uri, headers)).await
    }

    #[tokio::test]
    async fn a_blocked_client_is_refused_with_the_decision() {
        let rig = rig(AddressHeader::ForwardedFor).await;
        rig.put(|_| {});
        let answer = ask(&rig, "/check", &[("X-Forwarded-For", "203.0.113.1")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(
            answer.header("x-portcullis-decision"),
            Some("01".repeat(16).as_str())
        );
        let answer = ask(&rig, "/check", &[("X-Forwarded-For", "203.0.113.2")]).await;
        assert_eq!(
            (answer.status, answer.header("x-portcullis-decision")),
            (StatusCode::OK, None)
        );
        rig.advance(14_400_000);
        let answer = ask(&rig, "/check", &[("X-Forwarded-For", "203.0.113.1")]).await;
        assert_eq!(answer.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn only_the_trusted_end_of_the_chain_is_believed() {
        let rig = rig(AddressHeader::ForwardedFor).await;
        rig.put(|_| {});
        let check = async |headers: &[(&str, &str)], status: StatusCode| {
            assert_eq!(ask(&rig, "/check", headers).await.status, status, "{headers:?}");
        };
        // Nobody gets a victim blocked, and nobody hides, by writing the left of the chain or another header.
        check(&[("X-Forwarded-For", "203.0.113.1, 192.0.2.7")], StatusCode::OK).await;
        check(
            &[("X-Forwarded-For", "192.0.2.7, 203.0.113.1")],
            StatusCode::FORBIDDEN,
        )
        .await;
        check(
            &[
                ("X-Forwarded-For", "192.0.2.7"),
                ("X-Forwarded-For", "203.0.113.1"),
            ],
            StatusCode::FORBIDDEN,
        )
        .await;
        check(&[("X-Real-IP", "203.0.113.1")], StatusCode::OK).await;
        check(&[], StatusCode::OK).await;
        let long = format!("203.0.113.1,{}", vec!["127.0.0.1"; 1000].join(","));
        check(&[("X-Forwarded-For", &long)], StatusCode::OK).await;
    }

    #[tokio::test]
    async fn a_peer_that_is_not_trusted_names_nobody() {
        let mut rig = rig(AddressHeader::RealIp).await;
        rig.put(|_| {});
        let blocked = [("X-Real-IP", "203.0.113.1")];
        assert_eq!(ask(&rig, "/check", &blocked).await.status, StatusCode::FORBIDDEN);
        rig.peer.address = "192.0.2.1:80".parse().unwrap();
        assert_eq!(ask(&rig, "/check", &blocked).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_throttled_client_passes_with_a_mark_or_gets_429() {
        let rig = rig(AddressHeader::ForwardedFor).await;
        rig.put(|decision| decision.action = Action::Throttle);
        rig.put(|decision| decision.action = Action::Challenge);
        let headers = [("X-Forwarded-For", "203.0.113.1")];
        let answer = ask(&rig, "/check", &headers).await;
        assert_eq!(
            (answer.status, answer.header("x-portcullis-throttle")),
            (StatusCode::OK, Some("1"))
        );
        let answer = ask(&rig, "/check?throttle=429", &headers).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        let answer = ask(&rig, "/check", &[("X-Forwarded-For", "203.0.113.2")]).await;
        assert_eq!(
            (answer.status, answer.header("x-portcullis-challenge")),
            (StatusCode::OK, Some("1"))
        );
    }

    #[tokio::test]
    async fn a_decision_for_one_gateway_holds_there_only() {
        let rig = rig(AddressHeader::ForwardedFor).await;
        rig.put(|decision| decision.gateways = vec!["edge-1".to_owned()]);
        rig.put(|decision| {
            decision.conditions = vec![Client::parse(Scope::Route, "/login").unwrap()];
        });
        let headers = [("X-Forwarded-For", "203.0.113.1")];
        assert_eq!(ask(&rig, "/check", &headers).await.status, StatusCode::OK);
        assert_eq!(
            ask(&rig, "/check?gateway=edge-2", &headers).await.status,
            StatusCode::OK
        );
        assert_eq!(
            ask(&rig, "/check?gateway=edge-1", &headers).await.status,
            StatusCode::FORBIDDEN
        );
        let conditional = [("X-Forwarded-For", "203.0.113.2")];
        assert_eq!(ask(&rig, "/check", &conditional).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_block_of_one_program_of_an_address_refuses_nobody_else_there() {
        let rig = rig(AddressHeader::ForwardedFor).await;
        let is_agent = |value: &str| vec![Client::parse(Scope::UserAgent, value).unwrap()];
        rig.put(|decision| decision.conditions = is_agent("sqlmap/1.8"));
        rig.put(|decision| decision.conditions = is_agent(NO_USER_AGENT));
        rig.put(|decision| {
            decision.conditions = is_agent("curl/8");
            decision
                .conditions
                .push(Client::parse(Scope::Ja4, "t13d").unwrap());
        });
        let status = async |client: &str, agent: Option<&str>| {
            let mut headers = vec![("X-Forwarded-For", client)];
            headers.extend(agent.map(|agent| ("User-Agent", agent)));
            ask(&rig, "/check", &headers).await.status
        };
        assert_eq!(
            status("203.0.113.1", Some("sqlmap/1.8")).await,
            StatusCode::FORBIDDEN
        );
        assert_eq!(status("203.0.113.1", Some("Firefox")).await, StatusCode::OK);
        assert_eq!(status("203.0.113.1", None).await, StatusCode::OK);
        assert_eq!(status("203.0.113.2", None).await, StatusCode::FORBIDDEN);
        assert_eq!(status("203.0.113.2", Some("Firefox")).await, StatusCode::OK);
        let of_unknown_fingerprint = status("203.0.113.3", Some("curl/8")).await;
        assert_eq!(of_unknown_fingerprint, StatusCode::OK, "nobody says whose it is");
    }

    #[tokio::test]
    async fn a_clients_own_query_behind_our_path_says_nothing_of_the_gateway() {
        let rig = rig(AddressHeader::ForwardedFor).await;
        rig.put(|decision| decision.gateways = vec!["edge-1".to_owned()]);
        rig.put(|decision| decision.action = Action::Throttle);
        let status =
            async |uri: &str, client: &str| ask(&rig, uri, &[("X-Forwarded-For", client)]).await.status;
        assert_eq!(
            status("/check/shop?gateway=edge-1", "203.0.113.1").await,
            StatusCode::OK
        );
        assert_eq!(
            status("/check/shop?throttle=429", "203.0.113.2").await,
            StatusCode::OK
        );
        let names = rig.state.askers.standings(&*rig.state.blocklist, rig.state.now());
        assert!(names.iter().all(|asker| asker.name.is_empty()), "{names:?}");
        assert_eq!(
            status("/check?gateway=edge-1", "203.0.113.1").await,
            StatusCode::FORBIDDEN
        );
    }

    #[tokio::test]
    async fn a_configured_secret_is_asked_for() {
        let rig = rig(AddressHeader::ForwardedFor).await;
        let mut entrance = Entrance::to(&[Surface::Check]);
        entrance.secret = Some(SharedSecret::new("s3cret"));
        let guarded = router(&rig.state, entrance);
        let ask = async |headers: &[(&str, &str)]| {
            let answer = rig.send(&guarded, request(Method::GET, "/check", headers)).await;
            answer.status
        };
        for (secret, status) in [("s3cret", StatusCode::OK), ("s3creT", StatusCode::UNAUTHORIZED)] {
            assert_eq!(ask(&[("X-Portcullis-Secret", secret)]).await, status);
        }
        assert_eq!(ask(&[]).await, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn a_blocked_key_is_refused_wherever_it_comes_from_under_either_key_of_secrets() {
        let (new, old) = (HashKey::new([1; 16]), HashKey::new([2; 16]));
        let rotated_at = crate::testing::START.plus_secs(-60);
        let secrets = SecretKeys::rotated(new, old, rotated_at, 3600);
        let rig = Rig::with(move |parts| {
            parts.check.presented = PresentedKey::new("X-Api-Key", secrets);
        })
        .await;
        let named = |key: HashKey, secret: &str| {
            Client::parse(Scope::ApiKey, &key.hash_secret(secret.as_bytes())).unwrap()
        };
        rig.put(|decision| decision.client = named(new, "fresh"));
        rig.put(|decision| decision.client = named(old, "earlier"));
        let check = async |key: &str, status: StatusCode| {
            let headers = [("X-Forwarded-For", "192.0.2.7"), ("x-api-key", key)];
            assert_eq!(ask(&rig, "/check", &headers).await.status, status, "{key}");
        };
        check("fresh", StatusCode::FORBIDDEN).await;
        check("earlier", StatusCode::FORBIDDEN).await;
        check("another", StatusCode::OK).await;
        check("", StatusCode::OK).await;
        rig.advance(3_600_000);
        check("fresh", StatusCode::FORBIDDEN).await;
        check("earlier", StatusCode::OK).await;
    }
}
