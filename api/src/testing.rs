//! What the tests of this crate share: a real SQLite store, a blocklist, a clock that stands still.

use crate::auth::Secret;
use crate::peer::Peer;
use crate::state::ApiState;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Extension;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use domain::blocklist::Blocklist;
use domain::{
    Action, Allowlist, Client, Decision, DecisionId, Mode, Origin, Price, Scope, StampedDecision, ThreatKind,
    Timestamp,
};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, RwLock};
use storage::{NewApiKey, Role, Store};
use tower::ServiceExt as _;

/// When every test begins.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_795_391_322);

/// A store, a blocklist and a clock under an API.
pub(crate) struct Rig {
    pub(crate) state: Arc<ApiState>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blocklist: Arc<RwLock<Blocklist>>,
    pub(crate) peer: Peer,
    clock: Arc<AtomicI64>,
    next_seq: AtomicI64,
    _folder: tempfile::TempDir,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the answer is text")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A rig whose parts are changed first.
    pub(crate) async fn with(change: impl FnOnce(&mut crate::ApiParts)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = storage::sqlite::open(&folder.path().join("test.db"))
            .await
            .unwrap();
        let clock = Arc::new(AtomicI64::new(START.as_millis()));
        let blocklist = Arc::new(RwLock::new(Blocklist::new(&Allowlist::default(), START)));
        let reading = Arc::clone(&clock);
        let mut parts = crate::ApiParts::new(
            Arc::clone(&store),
            Arc::clone(&blocklist) as Arc<dyn crate::BlocklistSource>,
            Arc::new(move || Timestamp::from_millis(reading.load(Ordering::Relaxed))),
        );
        change(&mut parts);
        Self {
            state: Arc::new(ApiState::new(parts)),
            store,
            blocklist,
            peer: Peer {
                address: "127.0.0.1:4711".parse().unwrap(),
                is_tls: false,
            },
            clock,
            next_seq: AtomicI64::new(1),
            _folder: folder,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.load(Ordering::Relaxed))
    }

    /// Lets time pass, for the blocklist too.
    pub(crate) fn advance(&self, millis: i64) {
        self.clock.fetch_add(millis, Ordering::Relaxed);
        self.blocklist.write().unwrap().advance(self.now());
    }

    /// Makes a key and returns its secret.
    pub(crate) async fn key(&self, name: &str, role: Role, gateway: Option<&str>) -> String {
        let secret = Secret::generate().unwrap();
        let key = NewApiKey {
            name: name.to_owned(),
            hash: secret.hash(),
            role,
            gateway: gateway.map(str::to_owned),
            created_by: "bootstrap".to_owned(),
        };
        self.store.add_api_key(&key, self.now()).await.unwrap();
        secret.reveal().to_owned()
    }

    /// Brings a decision into force and returns it.
    pub(crate) fn put(&self, change: impl FnOnce(&mut Decision)) -> StampedDecision {
        let seq = self.next_seq.fetch_add(1, Ordering::Relaxed);
        let mut decision = decision(u8::try_from(seq).unwrap(), self.now());
        change(&mut decision);
        let stamped = StampedDecision::stamp(decision, u64::try_from(seq).unwrap(), self.now());
        self.blocklist.write().unwrap().apply_decision(&stamped);
        stamped
    }

    /// Ends a decision, as a person's revoke does.
    pub(crate) fn revoke(&self, stamped: &StampedDecision) {
        let seq = self.next_seq.fetch_add(1, Ordering::Relaxed);
        let order = domain::Order {
            seq: u64::try_from(seq).unwrap(),
            kind: domain::OrderKind::Revoke {
                decision: stamped.decision.id,
            },
            client: stamped.decision.client.clone(),
            reason: "a test".to_owned(),
            by: "test".to_owned(),
            from: "cli".to_owned(),
            at: self.now(),
        };
        self.blocklist.write().unwrap().apply_order(&order);
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(&self, router: &Router, request: Request<Body>) -> Answer {
        let router = router.clone().layer(Extension(self.peer));
        let response = router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
        }
    }
}

/// A block of 203.0.113.<number> for four hours.
pub(crate) fn decision(number: u8, at: Timestamp) -> Decision {
    Decision {
        id: DecisionId([number; 16]),
        client: Client::parse(Scope::Ip, &format!("203.0.113.{number}")).unwrap(),
        conditions: Vec::new(),
        gateways: Vec::new(),
        action: Action::Block,
        priority: 50,
        origin: Origin::Model,
        price: Price::default(),
        threat: ThreatKind::CredentialStuffing,
        alert_id: None,
        reason: "97% of its 31 requests were refused logins".to_owned(),
        event_at: at,
        ttl_secs: 14_400,
        mode: Mode::Enforced,
        model: "2026-11-22-1".to_owned(),
        completeness: None,
    }
}

/// A request without a body.
pub(crate) fn request(method: Method, uri: &str, headers: &[(&str, &str)]) -> Request<Body> {
    request_with(method, uri, headers, Body::empty())
}

/// A request with a body.
pub(crate) fn request_with(
    method: Method,
    uri: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(body.into()).unwrap()
}
