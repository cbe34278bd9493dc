//! Verdicts from the API to the blocklist and back, over a real store.

use crate::surface::{Entrance, Surface, router};
use crate::testing::{Answer, Rig, START, decision, request, request_with};
use crate::{AlertRanker, ApiParts, ApiState, BlocklistSource};
use axum::Router;
use axum::http::{Method, StatusCode};
use domain::blocklist::BlocklistLimits;
use domain::{Action, Alert, Allowlist, Client, DecisionId, Scope, ThreatClaim, ThreatKind};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::Arc;
use storage::{LiveBlocklist, Role, StoredAlert};

const ALERT: DecisionId = DecisionId([0xa1; 16]);
const ADDRESS: &str = "203.0.113.9";

fn alert() -> Alert {
    Alert {
        id: ALERT,
        client: Client::parse(Scope::Ip, ADDRESS).unwrap(),
        threats: vec![ThreatClaim {
            kind: ThreatKind::CredentialStuffing,
            confidence: 0.9,
        }],
        score: 0.9,
        p_value: 1e-4,
        action: Action::Block,
        first_seen: START,
        alerted_at: START,
        action_at: Some(START),
        requests_before_alert: 31,
        requests_before_action: Some(31),
        reasons: Vec::new(),
        what_if: Vec::new(),
        evidence: Vec::new(),
        held_back: None,
        model: "2026-11-22-1".to_owned(),
        members: Vec::new(),
        completeness: None,
    }
}

/// An API over a store with one alert and the block that rests on it, and the blocklist that follows the store.
struct Judging {
    rig: Rig,
    live: Arc<LiveBlocklist>,
    router: Router,
    key: String,
}

impl Judging {
    async fn new() -> Self {
        let rig = Rig::new().await;
        let stored = StoredAlert::new(&alert(), START);
        rig.store.put_alerts(&[stored]).await.unwrap();
        let live = live(&rig).await;
        let mut parts = ApiParts::new(
            Arc::clone(&rig.store),
            Arc::clone(&live) as Arc<dyn BlocklistSource>,
            Arc::new(|| START.plus_secs(5)),
        );
        parts.ranker = Some(Arc::new(ByRequests));
        let router = router(&Arc::new(ApiState::new(parts)), Entrance::to(&[Surface::Admin]));
        let key = rig.key("mira", Role::Operator, None).await;
        let judging = Self {
            rig,
            live,
            router,
            key,
        };
        judging.decide(9).await;
        assert!(judging.is_blocked().await);
        judging
    }

    /// The machine blocks the alert's client, under an id of that number.
    async fn decide(&self, number: u8) {
        let mut block = decision(9, START);
        block.id = DecisionId([number; 16]);
        block.alert_id = Some(ALERT);
        let rows = self.rig.store.append_decisions(&[block], None, START).await;
        assert_eq!(rows.unwrap().len(), 1);
    }

    async fn is_blocked(&self) -> bool {
        self.live.refresh(START.plus_secs(5)).await.unwrap();
        let address: IpAddr = ADDRESS.parse().unwrap();
        self.live.check_address(address, None).is_some()
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let bearer = format!("Bearer {}", self.key);
        let headers = [
            ("host", "localhost"),
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let request = match body {
            Some(body) => request_with(method, path, &headers, body.to_string()),
            None => request(method, path, &headers),
        };
        self.rig.send(&self.router, request).await
    }

    async fn judge(&self, judgement: &str) -> Answer {
        let path = format!("/api/v1/alerts/{ALERT}/verdict");
        let body = json!({"judgement": judgement, "reason": "seen in the logs"});
        self.ask(Method::POST, &path, Some(body)).await
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.ask(Method::GET, path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        answer.json()
    }
}

async fn live(rig: &Rig) -> Arc<LiveBlocklist> {
    let (store, limits) = (Arc::clone(&rig.store), BlocklistLimits::default());
    LiveBlocklist::load(store, Allowlist::default(), limits, START.plus_secs(5))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_false_positive_lifts_the_block_for_good_and_is_shown_with_who_and_when() {
    let judging = Judging::new().await;
    let answer = judging.judge("false_positive").await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let receipt = answer.json();
    assert_eq!(receipt["revoked"], 1);
    let told = json!({"kind": "verdict", "alert": ALERT.to_string(), "judgement": "false_positive"});
    assert_eq!(receipt["order"]["order"], told);
    assert!(!judging.is_blocked().await);
    // What the machine decides before it has heard of the verdict is held back.
    judging.decide(10).await;
    assert!(!judging.is_blocked().await);
    // A process that begins anew knows it from the journal.
    let again = live(&judging.rig).await;
    assert!(again.check_address(ADDRESS.parse().unwrap(), None).is_none());

    let verdict = json!({
        "judgement": "false_positive",
        "by": "mira",
        "at": START.plus_secs(5).to_string(),
        "reason": "seen in the logs",
    });
    let alert = judging.get(&format!("/api/v1/alerts/{ALERT}")).await;
    assert_eq!(alert["verdict"], verdict);
    for (list, shown) in [("any", 1), ("false_positive", 1), ("attack", 0), ("none", 0)] {
        let found = judging.get(&format!("/api/v1/alerts?verdict={list}")).await;
        assert_eq!(found["items"].as_array().map(Vec::len), Some(shown), "{list}");
    }
    let page = judging.get(&format!("/api/v1/clients/ip/{ADDRESS}")).await;
    assert_eq!(page["alerts"][0]["verdict"], verdict);
    let kinds: Vec<&str> = page["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|order| order["order"]["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["lift", "verdict"], "newest first");
    let export = judging.ask(Method::GET, "/api/v1/orders/export", None).await;
    assert!(export.text().contains("false_positive a1a1"), "{}", export.text());
}

#[tokio::test]
async fn an_attack_is_a_label_and_the_newest_word_holds() {
    let judging = Judging::new().await;
    assert_eq!(judging.judge("attack").await.json()["revoked"], 0);
    assert!(judging.is_blocked().await);
    judging.judge("false_positive").await;
    assert!(!judging.is_blocked().await);
    // It blocks nobody: whoever wants a block orders one.
    let by_order =
        json!({"kind": "verdict", "alert": ALERT.to_string(), "judgement": "attack", "reason": "after all"});
    let answer = judging.ask(Method::POST, "/api/v1/orders", Some(by_order)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    assert!(!judging.is_blocked().await);
    let alert = judging.get(&format!("/api/v1/alerts/{ALERT}")).await;
    assert_eq!(alert["verdict"]["judgement"], "attack");
}

/// Calls alerts the likelier attacks, the more requests they tell of.
struct ByRequests;

impl AlertRanker for ByRequests {
    fn rank(&self, judged: &[StoredAlert], open: &[StoredAlert]) -> Option<Vec<f32>> {
        assert!(judged.iter().all(|alert| alert.verdict.is_some()));
        let likelihood = |alert: &StoredAlert| alert.requests_before_alert as f32 / 100.0;
        Some(open.iter().map(likelihood).collect())
    }
}

#[tokio::test]
async fn open_alerts_are_ranked_once_there_are_enough_verdicts_of_both_kinds() {
    let judging = Judging::new().await;
    let numbered = |number: u8| {
        let other = Alert {
            id: DecisionId([number; 16]),
            requests_before_alert: u64::from(number),
            ..alert()
        };
        StoredAlert::new(&other, START)
    };
    let alerts: Vec<StoredAlert> = (1..=23).map(numbered).collect();
    judging.rig.store.put_alerts(&alerts).await.unwrap();
    let judge = async |number: u8, judgement: &str| {
        let path = format!("/api/v1/alerts/{}/verdict", DecisionId([number; 16]));
        let body = json!({"judgement": judgement, "reason": "a test"});
        let answer = judging.ask(Method::POST, &path, Some(body)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    };
    for number in 1..=15 {
        judge(number, "attack").await;
    }
    for number in 16..=19 {
        judge(number, "false_positive").await;
    }
    let few = judging.get("/api/v1/alerts/likeliest").await;
    assert_eq!(
        (&few["attacks"], &few["false_positives"]),
        (&json!(15), &json!(4))
    );
    let first = &few["items"][0];
    assert_eq!(
        (&few["is_ranked"], &first["likelihood"]),
        (&json!(false), &Value::Null)
    );
    judge(20, "false_positive").await;
    let before = judging.rig.store.tail_orders(0, 1000).await.unwrap();
    let enough = judging.get("/api/v1/alerts/likeliest?limit=3").await;
    assert_eq!(enough["is_ranked"], true);
    let items = enough["items"].as_array().unwrap();
    let requests: Vec<u64> = items
        .iter()
        .map(|item| item["alert"]["requests_before_alert"].as_u64().unwrap())
        .collect();
    assert_eq!(requests, [31, 23, 22], "those that are judged are not among them");
    assert!(items[0]["likelihood"].as_f64() > items[1]["likelihood"].as_f64());
    let after = judging.rig.store.tail_orders(0, 1000).await.unwrap();
    assert_eq!(before, after, "it is an order of a list, and nothing else");
    assert!(
        judging.is_blocked().await,
        "nothing was said of the alert that the block rests on"
    );
}

#[tokio::test]
async fn a_verdict_that_makes_no_sense_is_refused() {
    let judging = Judging::new().await;
    assert_eq!(judging.judge("perhaps").await.status, StatusCode::BAD_REQUEST);
    let nobody = format!("/api/v1/alerts/{}/verdict", "0".repeat(32));
    let sound = json!({"judgement": "attack", "reason": "seen in the logs"});
    let unfounded = json!({"judgement": "attack", "reason": "  "});
    let own = format!("/api/v1/alerts/{ALERT}/verdict");
    for (path, body, expected) in [
        (nobody.as_str(), &sound, StatusCode::NOT_FOUND),
        ("/api/v1/alerts/none/verdict", &sound, StatusCode::BAD_REQUEST),
        (own.as_str(), &unfounded, StatusCode::BAD_REQUEST),
    ] {
        let answer = judging.ask(Method::POST, path, Some(body.clone())).await;
        assert_eq!(answer.status, expected, "{path} {body}");
    }
    let journal = judging.get("/api/v1/orders").await;
    assert_eq!(journal["items"], json!([]));
}
