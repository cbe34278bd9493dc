//! Machines: signing in, what a watcher's push comes to, and what an operator's does.

use crate::auth::SharedSecret;
use crate::testing::{Answer, Rig, request_with};
use axum::Router;
use axum::http::Method;
use domain::{OrderKind, Scope};
use serde_json::{Value, json};
use storage::Role;

struct Lapi {
    rig: Rig,
    router: Router,
}

impl Lapi {
    async fn new() -> Self {
        Self::with(None).await
    }

    async fn with(registration: Option<&str>) -> Self {
        let registration = registration.map(SharedSecret::new);
        let rig = Rig::with(move |parts| parts.registration = registration).await;
        let router = crate::router(&rig.state, crate::Entrance::to(&[crate::Surface::Bouncer]));
        Self { rig, router }
    }

    async fn send(&self, (method, uri): (Method, &str), token: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str())];
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = request_with(method, uri, &headers[..usize::from(!token.is_empty())], body);
        self.rig.send(&self.router, request).await
    }

    async fn sign_in(&self, name: &str, secret: &str) -> Answer {
        let body = json!({ "machine_id": name, "password": secret, "scenarios": ["t/t"] });
        self.send((Method::POST, "/v1/watchers/login"), "", &body).await
    }

    /// The token of a key of that role and name.
    async fn token(&self, name: &str, role: Role) -> String {
        let secret = self.rig.key(name, role, None).await;
        let answer = self.sign_in(name, &secret).await.json();
        answer["token"].as_str().unwrap().to_owned()
    }

    async fn get(&self, uri: &str, token: &str) -> Answer {
        self.send((Method::GET, uri), token, &Value::Null).await
    }

    async fn push(&self, token: &str, alerts: &Value) -> Answer {
        self.send((Method::POST, "/v1/alerts"), token, alerts).await
    }
}

/// As `cscli decisions add` and a machine send it.
fn ban(value: &str) -> Value {
    json!([{
        "capacity": 0, "events": [], "events_count": 6, "leakspeed": "0", "message": "seen\u{7} often",
        "scenario": "crowdsecurity/ssh-bf", "scenario_hash": "", "scenario_version": "", "simulated": false,
        "source": { "scope": "Ip", "value": value, "ip": value },
        "start_at": "2026-11-23T18:45:02Z", "stop_at": "2026-11-23T18:45:02Z",
        "decisions": [{ "duration": "4h", "origin": "cscli", "scenario": "manual", "scope": "Ip", "type": "ban", "value": value }]
    }])
}

#[tokio::test]
async fn who_signs_in_gets_a_token_for_an_hour_and_another_for_it() {
    let lapi = Lapi::new().await;
    let secret = lapi.rig.key("sensor-1", Role::Watcher, None).await;
    let answer = lapi.sign_in("sensor-1", &secret).await.json();
    assert_eq!(answer["code"], 200);
    assert_eq!(answer["expire"], lapi.rig.now().plus_secs(3600).to_string());
    let token = answer["token"].as_str().unwrap();
    assert_eq!(lapi.get("/v1/heartbeat", token).await.status.as_u16(), 200);
    lapi.rig.advance(1_800_000);
    let later = lapi.get("/v1/refresh_token", token).await.json();
    lapi.rig.advance(1_800_000);
    let expired = lapi.get("/v1/alerts", token).await;
    assert_eq!(
        (expired.status.as_u16(), expired.json()["message"].clone()),
        (401, "Token is expired".into())
    );
    let later = later["token"].as_str().unwrap();
    assert_eq!(lapi.get("/v1/alerts", later).await.text(), "null");
}

#[tokio::test]
async fn only_machines_and_operators_sign_in_and_no_token_is_made_by_hand() {
    let lapi = Lapi::new().await;
    let watcher = lapi.rig.key("sensor-1", Role::Watcher, None).await;
    for role in [Role::Bouncer, Role::Viewer, Role::Ingest] {
        let secret = lapi.rig.key(role.as_str(), role, None).await;
        assert_eq!(
            lapi.sign_in(role.as_str(), &secret).await.status.as_u16(),
            401,
            "{role:?}"
        );
    }
    let refused = lapi.sign_in("somebody-else", &watcher).await;
    assert_eq!(
        refused.text(),
        r#"{"code":401,"message":"ent: machine not found"}"#
    );
    assert_eq!(
        refused.header("www-authenticate"),
        Some("JWT realm=Crowdsec API local")
    );
    let token = lapi.sign_in("sensor-1", &watcher).await.json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let hash = crate::hash_secret(&watcher);
    for wrong in [
        watcher.clone(),
        format!("9999999999999.{hash}.{}", "0".repeat(64)),
        token.replacen('1', "2", 1),
        "..".to_owned(),
        "x".repeat(600),
    ] {
        assert_eq!(
            lapi.get("/v1/alerts", &wrong).await.status.as_u16(),
            401,
            "{wrong}"
        );
    }
    // A token that is no machine's any more.
    lapi.rig
        .store
        .revoke_api_key("sensor-1", "root", lapi.rig.now())
        .await
        .unwrap();
    lapi.rig.advance(crate::KEY_FRESH_MILLIS + 1);
    assert_eq!(lapi.get("/v1/alerts", &token).await.status.as_u16(), 401);
}

#[tokio::test]
async fn registration_is_off_and_opened_by_a_token_alone() {
    let wanted = |token: Value, password: &str| json!({ "machine_id": "sensor-2", "password": password, "registration_token": token });
    let long = "p".repeat(64);
    let register = (Method::POST, "/v1/watchers");
    let closed = Lapi::new().await;
    let answer = closed
        .send(register.clone(), "", &wanted("anything".into(), &long))
        .await;
    assert_eq!(answer.status.as_u16(), 403);
    assert!(
        answer.text().contains("lapi.registration_token"),
        "{}",
        answer.text()
    );

    let open = Lapi::with(Some("let me in, I am one of yours")).await;
    let token: Value = "let me in, I am one of yours".into();
    let check = async |body: Value, status: u16| {
        let answer = open.send(register.clone(), "", &body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text());
    };
    check(wanted("guessed".into(), &long), 403).await;
    check(wanted(Value::Null, &long), 403).await;
    check(wanted(token.clone(), "short"), 400).await;
    check(wanted(token.clone(), &long), 202).await;
    check(wanted(token, &long), 403).await;
    let answer = open.sign_in("sensor-2", &long).await.json();
    let own = answer["token"].as_str().unwrap();
    let gone = open
        .send((Method::DELETE, "/v1/watchers/self"), own, &Value::Null)
        .await;
    assert_eq!(gone.status.as_u16(), 204);
    assert_eq!(open.get("/v1/alerts", own).await.status.as_u16(), 401);
}

#[tokio::test]
async fn what_a_watcher_decides_is_a_report_and_blocks_nobody() {
    let lapi = Lapi::new().await;
    let token = lapi.token("sensor-1", Role::Watcher).await;
    let answer = lapi.push(&token, &ban("203.0.113.9")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (201, r#"["1"]"#));
    let orders = lapi.rig.store.tail_orders(0, 10).await.unwrap();
    assert_eq!(
        orders[0].kind,
        OrderKind::Report {
            scenario: "crowdsecurity/ssh-bf".to_owned(),
            until: Some(lapi.rig.now().plus_secs(14_400)),
            events: 6
        }
    );
    assert_eq!(
        (orders[0].by.as_str(), orders[0].client.scope()),
        ("sensor-1", Scope::Ip)
    );
    assert!(lapi.rig.store.tail_decisions(0, 10).await.unwrap().is_empty());

    // It is listed, and said to be carried out by nobody.
    let listed = lapi
        .get("/v1/alerts?has_active_decision=true", &token)
        .await
        .json();
    assert_eq!(listed[0]["decisions"][0]["simulated"], true);
    assert_eq!(listed[0]["machine_id"], "sensor-1");
    assert!(
        listed[0]["message"]
            .as_str()
            .unwrap()
            .starts_with("reported, not carried out")
    );
    let read = lapi.get("/v1/alerts/1", &token).await.json();
    assert_eq!(read["source"]["value"], "203.0.113.9");
    for uri in [
        "/v1/alerts?simulated=false",
        "/v1/alerts?ip=203.0.113.10",
        "/v1/alerts?scenario=http",
        "/v1/alerts?since=-1h",
    ] {
        assert_eq!(lapi.get(uri, &token).await.text(), "null", "{uri}");
    }
    let lift = lapi
        .send(
            (Method::DELETE, "/v1/decisions?ip=203.0.113.9"),
            &token,
            &Value::Null,
        )
        .await;
    assert_eq!(lift.status.as_u16(), 403);
    lapi.rig.advance(14_400_000);
    assert_eq!(
        lapi.get("/v1/heartbeat", &token).await.status.as_u16(),
        401,
        "an hour has passed"
    );
}

#[tokio::test]
async fn an_operators_push_is_an_order_and_can_be_taken_back() {
    let lapi = Lapi::new().await;
    let token = lapi.token("alice", Role::Operator).await;
    let answer = lapi.push(&token, &ban("203.0.113.9")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text()),
        (201, r#"["2"]"#),
        "the decision's number"
    );
    let rows = lapi.rig.store.tail_decisions(0, 10).await.unwrap();
    assert_eq!(rows[0].decision.reason, "crowdsecurity/ssh-bf");
    lapi.rig.blocklist.write().unwrap().apply_decision(&rows[0]);
    let listed = lapi
        .get("/v1/alerts?has_active_decision=true&limit=100", &token)
        .await
        .json();
    assert_eq!(listed[0]["decisions"][0]["id"], 2);
    assert_eq!(listed[0]["decisions"][0]["value"], "203.0.113.9");
    assert_eq!(
        lapi.get("/v1/alerts/2", &token).await.json()["message"],
        "crowdsecurity/ssh-bf"
    );
    let delete = async |uri: &str| lapi.send((Method::DELETE, uri), &token, &Value::Null).await;
    assert_eq!(
        delete("/v1/decisions?ip=203.0.113.8").await.json()["nbDeleted"],
        "0"
    );
    assert_eq!(
        delete("/v1/decisions?ip=203.0.113.9").await.json()["nbDeleted"],
        "1"
    );
    assert_eq!(
        delete("/v1/decisions/2").await.json()["nbDeleted"],
        "0",
        "it has ended"
    );
    assert_eq!(delete("/v1/decisions/77").await.status.as_u16(), 500);
    assert_eq!(delete("/v1/alerts").await.status.as_u16(), 403);
    let kinds: Vec<_> = lapi
        .rig
        .store
        .tail_orders(0, 10)
        .await
        .unwrap()
        .iter()
        .map(|order| order.kind.as_str())
        .collect();
    assert_eq!(kinds, ["block", "lift", "revoke"]);
    // Whoever signs in with a person's key does not revoke it by leaving.
    assert_eq!(delete("/v1/watchers/self").await.status.as_u16(), 403);
}

#[tokio::test]
async fn nobody_reports_without_end() {
    let lapi = Lapi::new().await;
    let token = lapi.token("sensor-1", Role::Watcher).await;
    let many = |count: usize| Value::from(vec![ban("203.0.113.9")[0].clone(); count]);
    assert_eq!(lapi.push(&token, &many(501)).await.status.as_u16(), 400);
    assert_eq!(lapi.push(&token, &many(400)).await.status.as_u16(), 201);
    assert_eq!(lapi.push(&token, &many(400)).await.status.as_u16(), 429);
    lapi.rig.advance(60_000);
    assert_eq!(lapi.push(&token, &many(1)).await.status.as_u16(), 201);
    assert_eq!(lapi.rig.store.tail_orders(0, 1000).await.unwrap().len(), 401);
}
