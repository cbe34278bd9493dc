//! The local API against the behaviour that was captured from a real CrowdSec.

use crate::neutral::HOSTILE;
use crate::testing::{Answer, Rig, request, request_with};
use axum::Router;
use axum::http::Method;
use domain::{Action, Client, Decision, Mode, Order, OrderKind, Scope, StampedDecision, ThreatKind};
use std::io::Read as _;

use storage::Role;

struct Lapi {
    rig: Rig,
    router: Router,
    secret: String,
}

impl Lapi {
    async fn new() -> Self {
        let rig = Rig::new().await;
        let secret = rig.key("edge", Role::Bouncer, None).await;
        let router = crate::router(&rig.state, crate::Entrance::to(&[crate::Surface::Bouncer]));
        Self { rig, router, secret }
    }

    async fn get(&self, uri: &str) -> Answer {
        self.ask(Method::GET, uri, &self.secret).await
    }

    async fn ask(&self, method: Method, uri: &str, secret: &str) -> Answer {
        let request = request(method, uri, &[("X-Api-Key", secret)]);
        self.rig.send(&self.router, request).await
    }

    async fn check(&self, uri: &str, expected: &str) {
        let answer = self.get(uri).await;
        assert_eq!(answer.text(), expected, "{uri}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/json; charset=utf-8")
        );
    }
}

fn about(scope: Scope, value: &str) -> impl FnOnce(&mut Decision) {
    let client = Client::parse(scope, value).unwrap();
    move |decision| decision.client = client
}

/// The seven decisions of the captured session, in the same scopes.
async fn captured_session() -> Lapi {
    let lapi = Lapi::new().await;
    lapi.rig.put(about(Scope::Ip, "203.0.113.10"));
    lapi.rig.put(|decision| {
        about(Scope::Ip, "203.0.113.10")(decision);
        decision.action = Action::Challenge;
        decision.ttl_secs = 3600;
    });
    lapi.rig.put(|decision| {
        about(Scope::Range, "198.51.100.0/24")(decision);
        decision.ttl_secs = 7200;
        decision.threat = ThreatKind::Reconnaissance;
    });
    lapi.rig.put(about(Scope::Range, "2001:db8:1::/48"));
    lapi.rig.put(about(Scope::Country, "CN"));
    lapi.rig.advance(2_460);
    lapi
}

#[tokio::test]
async fn a_miss_is_null_without_a_newline() {
    let lapi = captured_session().await;
    let answer = lapi.get("/v1/decisions?ip=192.0.2.77").await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_slice()),
        (200, &b"null"[..])
    );
    lapi.check("/v1/decisions?range=198.51.0.0/16", "null").await;
}

const BAN: &str = r#"{"duration":"3h59m57s","id":1,"origin":"crowdsec","scenario":"portcullis/credential_stuffing","scope":"Ip","type":"ban","uuid":"01010101-0101-0101-0101-010101010101","value":"203.0.113.10"}"#;
const CAPTCHA: &str = r#"{"duration":"59m57s","id":2,"origin":"crowdsec","scenario":"portcullis/credential_stuffing","scope":"Ip","type":"captcha","uuid":"02020202-0202-0202-0202-020202020202","value":"203.0.113.10"}"#;
const RANGE: &str = r#"{"duration":"1h59m57s","id":3,"origin":"crowdsec","scenario":"portcullis/reconnaissance","scope":"Range","type":"ban","uuid":"03030303-0303-0303-0303-030303030303","value":"198.51.100.0/24"}"#;
const RANGE_V6: &str = r#"{"duration":"3h59m57s","id":4,"origin":"crowdsec","scenario":"portcullis/credential_stuffing","scope":"Range","type":"ban","uuid":"04040404-0404-0404-0404-040404040404","value":"2001:db8:1::/48"}"#;
const COUNTRY: &str = r#"{"duration":"3h59m57s","id":5,"origin":"crowdsec","scenario":"portcullis/credential_stuffing","scope":"Country","type":"ban","uuid":"05050505-0505-0505-0505-050505050505","value":"CN"}"#;

#[tokio::test]
async fn a_hit_lists_every_decision_the_strongest_first() {
    let lapi = captured_session().await;
    lapi.check("/v1/decisions?ip=203.0.113.10", &format!("[{BAN},{CAPTCHA}]"))
        .await;
    lapi.check(
        "/v1/decisions?ip=203.0.113.10/32&type=captcha",
        &format!("[{CAPTCHA}]"),
    )
    .await;
    lapi.check(
        "/v1/decisions?ip=203.0.113.10&banned=true&type=ban",
        &format!("[{BAN}]"),
    )
    .await;
}

#[tokio::test]
async fn a_covering_range_answers_for_its_addresses() {
    let lapi = captured_session().await;
    for query in [
        "ip=198.51.100.77",
        "range=198.51.100.0/24",
        "range=198.51.100.128/25",
        "range=198.51.0.0/16&contains=false",
        "scopes=Range&type=ban&scenarios_containing=RECON",
    ] {
        lapi.check(&format!("/v1/decisions?{query}"), &format!("[{RANGE}]"))
            .await;
    }
    lapi.check("/v1/decisions?ip=2001:db8:1::abcd", &format!("[{RANGE_V6}]"))
        .await;
}

#[tokio::test]
async fn filters_narrow_as_crowdsecs_do() {
    let lapi = captured_session().await;
    lapi.check("/v1/decisions?scope=country&value=CN", &format!("[{COUNTRY}]"))
        .await;
    lapi.check(
        "/v1/decisions?scope=ip&value=203.0.113.10&type=ban&origins=crowdsec",
        &format!("[{BAN}]"),
    )
    .await;
    lapi.check("/v1/decisions?ip=203.0.113.10&origins=cscli,lists", "null")
        .await;
    lapi.check(
        "/v1/decisions?scopes=range&scenarios_not_containing=recon",
        &format!("[{RANGE_V6}]"),
    )
    .await;
    let all = lapi.get("/v1/decisions?foo=bar").await.json();
    assert_eq!(all.as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_bad_address_is_answered_in_crowdsecs_words() {
    let lapi = Lapi::new().await;
    let answer = lapi.get("/v1/decisions?ip=not-an-ip").await;
    assert_eq!(answer.status.as_u16(), 500);
    assert_eq!(
        answer.text(),
        r#"{"message":"unable to convert 'not-an-ip' to int: invalid address: invalid ip address / range"}"#
    );
}

#[tokio::test]
async fn without_a_bouncers_key_access_is_forbidden() {
    let lapi = captured_session().await;
    let admin = lapi.rig.key("root", Role::Admin, None).await;
    for uri in [
        "/v1/decisions?ip=203.0.113.10",
        "/v1/decisions/stream?startup=true",
        "/v1/heartbeat",
    ] {
        for secret in ["", "wrong", admin.as_str()] {
            let answer = lapi.ask(Method::GET, uri, secret).await;
            assert_eq!(answer.status.as_u16(), 403, "{uri}");
            assert_eq!(answer.text(), r#"{"message":"access forbidden"}"#);
        }
    }
    let head = lapi.ask(Method::HEAD, "/v1/decisions", "wrong").await;
    assert_eq!(head.status.as_u16(), 403);
}

#[tokio::test]
async fn head_checks_the_key_and_leaves_the_cursor() {
    let lapi = captured_session().await;
    for uri in [
        "/v1/decisions",
        "/v1/decisions?ip=203.0.113.10",
        "/v1/decisions/stream?startup=true",
    ] {
        let answer = lapi.ask(Method::HEAD, uri, &lapi.secret).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
    let first = lapi.get("/v1/decisions/stream?startup=false").await.json();
    assert_eq!(first["new"].as_array().unwrap().len(), 4, "still the first pull");
}

#[tokio::test]
async fn what_crowdsec_has_no_route_for_is_answered_the_same() {
    let lapi = Lapi::new().await;
    let check = async |method: Method, uri: &str, status: u16, body: &str| {
        let answer = lapi.ask(method, uri, &lapi.secret).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (status, body), "{uri}");
        answer
    };
    check(Method::POST, "/v1/decisions", 405, "").await;
    check(Method::GET, "/v1/nope", 404, "").await;
    check(Method::GET, "/", 404, "").await;
    check(Method::GET, "/health", 200, r#"{"status":"up"}"#).await;
    let moved = check(
        Method::GET,
        "/v1/decisions/",
        301,
        "<a href=\"/v1/decisions\">Moved Permanently</a>.\n\n",
    )
    .await;
    assert_eq!(moved.header("location"), Some("/v1/decisions"));
    let token = r#"{"code":401,"message":"cookie token is empty"}"#;
    for (method, uri) in [
        (Method::DELETE, "/v1/decisions?ip=203.0.113.99"),
        (Method::GET, "/v1/alerts"),
        (Method::POST, "/v1/alerts"),
    ] {
        let answer = check(method, uri, 401, token).await;
        assert_eq!(
            answer.header("www-authenticate"),
            Some("JWT realm=Crowdsec API local")
        );
    }
    let login = r#"{"code":401,"message":"ent: machine not found"}"#;
    check(Method::POST, "/v1/watchers/login", 401, login).await;
    check(
        Method::POST,
        "/v1/watchers",
        403,
        r#"{"message":"registration is off (lapi.registration_token): ask for a key of the role watcher"}"#,
    )
    .await;
}

#[tokio::test]
async fn usage_metrics_are_taken_and_garbage_is_refused() {
    let lapi = Lapi::new().await;
    let post = async |body: &str| {
        let headers = [
            ("X-Api-Key", lapi.secret.as_str()),
            ("Content-Type", "application/json"),
        ];
        let request = request_with(Method::POST, "/v1/usage-metrics", &headers, body.to_owned());
        let answer = lapi.rig.send(&lapi.router, request).await;
        (answer.status.as_u16(), answer.body.len())
    };
    assert_eq!(post(r#"{"remediation_components":[]}"#).await, (201, 0));
    assert_eq!(post("[").await.0, 400);
}

#[tokio::test]
async fn a_bouncer_that_starts_is_sent_the_longest_of_each() {
    let lapi = captured_session().await;
    lapi.rig.put(|decision| {
        about(Scope::Ip, "203.0.113.10")(decision);
        decision.ttl_secs = 600;
    });
    let expected = format!(r#"{{"new": [{BAN},{CAPTCHA},{RANGE},{RANGE_V6}], "deleted": []}}"#);
    lapi.check("/v1/decisions/stream?startup=true", &expected).await;
    lapi.check(
        "/v1/decisions/stream?startup=true&scopes=ip%2Crange&scenarios_containing=recon",
        &format!(r#"{{"new": [{RANGE}], "deleted": []}}"#),
    )
    .await;
    let everywhere = lapi.get("/v1/decisions/stream?startup=true&scopes=country").await;
    assert_eq!(
        everywhere.text(),
        format!(r#"{{"new": [{COUNTRY}], "deleted": []}}"#)
    );
    lapi.check(
        "/v1/decisions/stream?startup=true&origins=cscli",
        r#"{"new": [], "deleted": []}"#,
    )
    .await;
}

const NOTHING: &str = r#"{"new": [], "deleted": []}"#;

#[tokio::test]
async fn afterwards_a_bouncer_is_told_what_came_and_what_went() {
    let lapi = Lapi::new().await;
    let ban = lapi.rig.put(about(Scope::Ip, "203.0.113.10"));
    lapi.rig.advance(1_000);
    lapi.get("/v1/decisions/stream?startup=true").await;
    lapi.rig.advance(10_000);
    lapi.check("/v1/decisions/stream?startup=false", NOTHING).await;
    lapi.check("/v1/decisions/stream?startup=banana", NOTHING).await;

    lapi.rig.put(about(Scope::Ip, "203.0.113.99"));
    lapi.rig.revoke(&ban);
    lapi.rig.advance(1_080);
    let told = lapi.get("/v1/decisions/stream").await.json();
    assert_eq!(told["new"][0]["value"], "203.0.113.99");
    assert_eq!(told["new"].as_array().unwrap().len(), 1);
    assert_eq!(told["deleted"][0]["id"], 1);
    assert_eq!(told["deleted"][0]["duration"], "-1s");

    // The same end again while the last pull is under two seconds past it, then never again.
    let again = lapi.get("/v1/decisions/stream").await.json();
    assert_eq!(
        (again["new"].as_array().unwrap().len(), &again["deleted"][0]["id"]),
        (0, &1.into())
    );
    lapi.rig.advance(10_000);
    lapi.get("/v1/decisions/stream").await;
    lapi.check("/v1/decisions/stream", NOTHING).await;
}

#[tokio::test]
async fn an_end_is_not_told_while_another_decision_holds() {
    let lapi = Lapi::new().await;
    let short = |decision: &mut Decision| {
        about(Scope::Ip, "203.0.113.200")(decision);
        decision.ttl_secs = 600;
    };
    lapi.rig.put(short);
    let long = lapi.rig.put(about(Scope::Ip, "203.0.113.200"));
    lapi.get("/v1/decisions/stream?startup=true").await;
    lapi.rig.advance(5_000);
    lapi.rig.revoke(&long);
    lapi.check("/v1/decisions/stream", NOTHING).await;
    lapi.rig.advance(600_000);
    let told = lapi.get("/v1/decisions/stream").await.json();
    assert_eq!(told["deleted"][0]["id"], 1, "its own time was over");
}

#[tokio::test]
async fn a_natural_end_is_told() {
    let lapi = Lapi::new().await;
    lapi.get("/v1/decisions/stream?startup=true").await;
    lapi.rig.put(|decision| decision.ttl_secs = 2);
    lapi.rig.advance(400);
    let told = lapi.get("/v1/decisions/stream").await.json();
    assert_eq!(told["new"][0]["duration"], "1s");
    lapi.rig.advance(6_182);
    let told = lapi.get("/v1/decisions/stream").await.json();
    assert_eq!(told["deleted"][0]["duration"], "-4s");
}

#[tokio::test]
async fn each_bouncer_has_its_own_place_in_the_stream() {
    let lapi = captured_session().await;
    lapi.get("/v1/decisions/stream?startup=true").await;
    let second = lapi.rig.key("second", Role::Bouncer, None).await;
    let uri = "/v1/decisions/stream?startup=false";
    let first_pull = lapi.ask(Method::GET, uri, &second).await.json();
    assert_eq!(first_pull["new"].as_array().unwrap().len(), 4);
    lapi.check(uri, NOTHING).await;
}

#[tokio::test]
async fn the_cursor_moves_only_when_the_body_was_sent() {
    use tower::ServiceExt as _;
    let lapi = captured_session().await;
    let uri = "/v1/decisions/stream";
    let peer = axum::extract::Extension(lapi.rig.peer);
    let router = lapi.router.clone().layer(peer);
    let headers = [("X-Api-Key", lapi.secret.as_str())];
    let unread = router.oneshot(request(Method::GET, uri, &headers)).await.unwrap();
    drop(unread);
    let told = lapi.get(uri).await.json();
    assert_eq!(told["new"].as_array().unwrap().len(), 4, "told again");
    lapi.check(uri, NOTHING).await;
}

#[tokio::test]
async fn a_long_list_is_compressed_for_who_asks() {
    let lapi = captured_session().await;
    for number in 20..60 {
        lapi.rig.put(about(Scope::Ip, &format!("203.0.113.{number}")));
    }
    let uri = "/v1/decisions/stream?startup=true";
    let plain = lapi.get(uri).await;
    assert_eq!(plain.header("content-encoding"), None);
    let headers = [
        ("X-Api-Key", lapi.secret.as_str()),
        ("Accept-Encoding", "deflate, gzip"),
    ];
    let answer = lapi
        .rig
        .send(&lapi.router, request(Method::GET, uri, &headers))
        .await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(answer.body.as_slice())
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body);
    let headers = [
        ("X-Api-Key", lapi.secret.as_str()),
        ("Accept-Encoding", "gzip;q=0"),
    ];
    let answer = lapi
        .rig
        .send(&lapi.router, request(Method::GET, uri, &headers))
        .await;
    assert_eq!(answer.header("content-encoding"), None);
}

#[tokio::test]
async fn shadow_conditional_and_foreign_decisions_are_never_served() {
    let lapi = Lapi::new().await;
    lapi.rig.put(|decision| decision.mode = Mode::Shadow);
    lapi.rig.put(|decision| decision.action = Action::Observe);
    lapi.rig.put(|decision| {
        decision.conditions = vec![Client::parse(Scope::Route, "/login").unwrap()];
    });
    lapi.rig
        .put(|decision| decision.gateways = vec!["edge-2".to_owned()]);
    lapi.check("/v1/decisions", "null").await;
    lapi.check("/v1/decisions/stream?startup=true", NOTHING).await;
    let edge = lapi.rig.key("edge-2", Role::Bouncer, Some("edge-2")).await;
    for uri in ["/v1/decisions", "/v1/decisions/stream?startup=true"] {
        let answer = lapi.ask(Method::GET, uri, &edge).await;
        assert!(answer.text().contains("203.0.113.4"), "{uri}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_hostile_name_breaks_neither_the_json_nor_a_terminal() {
    for text in HOSTILE {
        let lapi = Lapi::new().await;
        lapi.rig.put(about(Scope::UserAgent, text));
        let answer = lapi.get("/v1/decisions").await;
        let value = answer.json()[0]["value"].as_str().unwrap().to_owned();
        assert!(crate::neutral::is_harmless(&value), "{text:?}");
    }
}

#[tokio::test]
async fn known_keys_work_while_the_store_is_gone() {
    let lapi = captured_session().await;
    lapi.get("/v1/decisions").await;
    lapi.rig.store.close().await;
    lapi.rig.advance(crate::KEY_FRESH_MILLIS + 1);
    let answer = lapi.get("/v1/decisions?ip=203.0.113.10").await;
    assert_eq!(answer.status.as_u16(), 200);
}

#[tokio::test]
async fn a_bouncers_pull_is_noted_with_its_kind_and_version() {
    let lapi = Lapi::new().await;
    let headers = [
        ("X-Api-Key", lapi.secret.as_str()),
        ("User-Agent", "crowdsec-custom-bouncer/v0.0.15"),
    ];
    let pull = request(Method::GET, "/v1/decisions/stream?startup=true", &headers);
    lapi.rig.send(&lapi.router, pull).await;
    lapi.rig.state.finish_background_work().await;
    let bouncer = lapi.rig.store.bouncer("edge").await.unwrap().unwrap();
    assert_eq!(
        (bouncer.kind.as_str(), bouncer.version.as_str()),
        ("crowdsec-custom-bouncer", "v0.0.15")
    );
    assert_eq!(bouncer.last_seen, lapi.rig.now());
}

#[tokio::test]
async fn a_long_list_that_is_suspended_at_once_is_taken_off_whole_and_put_on_again() {
    const ENTRIES: u64 = 2 * super::CHANGES_MAX;
    let lapi = Lapi::new().await;
    {
        let mut list = lapi.rig.blocklist.write().unwrap();
        for seq in 1..=ENTRIES {
            let mut decision = crate::testing::decision(0, lapi.rig.now());
            decision.id = domain::DecisionId(u128::from(seq).to_be_bytes());
            let address = std::net::Ipv4Addr::from(0x0b00_0000 + seq as u32);
            decision.client = Client::from_address(address.into());
            list.apply_decision(&StampedDecision::stamp(decision, seq, lapi.rig.now()));
        }
    }
    let pull = async |expected: (u64, u64)| {
        let told = lapi.get("/v1/decisions/stream").await.json();
        let count = |name: &str| told[name].as_array().unwrap().len() as u64;
        assert_eq!((count("new"), count("deleted")), expected);
    };
    pull((ENTRIES, 0)).await;
    let order = |seq: u64, kind: OrderKind| {
        lapi.rig.advance(10_000);
        lapi.rig.blocklist.write().unwrap().apply_order(&Order {
            seq,
            kind,
            client: Client::everybody(),
            reason: "a test".to_owned(),
            by: "test".to_owned(),
            from: "cli".to_owned(),
            at: lapi.rig.now(),
        });
    };
    order(ENTRIES + 1, OrderKind::Suspend { until: None });
    pull((0, ENTRIES)).await;
    order(ENTRIES + 2, OrderKind::Resume);
    pull((ENTRIES, 0)).await;
    lapi.rig.advance(10_000);
    pull((0, 0)).await;
}
