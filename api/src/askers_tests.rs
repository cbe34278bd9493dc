use super::*;
use crate::check::{CheckSettings, PresentedKey};
use crate::testing::{Rig, request};
use crate::{Entrance, Surface, router};
use axum::http::{Method, StatusCode};
use domain::{Client, HashKey, SecretKeys, TrustedProxies};
use serde_json::{Value, json};
use storage::Role;

const SURFACES: [Surface; 4] = [Surface::Admin, Surface::Bouncer, Surface::Check, Surface::Metrics];

/// A rig whose `/check` believes this machine, and looks at keys or does not.
async fn rig(looks_at_keys: bool) -> Rig {
    let secrets = SecretKeys::new(HashKey::new([1; 16]));
    let presented = PresentedKey::new("X-Api-Key", secrets).filter(|_| looks_at_keys);
    let settings = CheckSettings {
        trusted_proxies: TrustedProxies::new(vec!["127.0.0.0/8".parse().unwrap()]),
        presented,
        ..CheckSettings::default()
    };
    Rig::with(move |parts| parts.check = settings).await
}

/// Blocks an address, a range, an API key, a consumer, an address at one gateway, and one on a route.
fn put_all(rig: &Rig) {
    let named = |scope, value: &str| Client::parse(scope, value).unwrap();
    rig.put(|_| {});
    rig.put(|decision| decision.client = named(Scope::Range, "198.51.100.0/24"));
    rig.put(|decision| decision.client = named(Scope::ApiKey, "3f2a"));
    rig.put(|decision| decision.client = named(Scope::Consumer, "acme"));
    rig.put(|decision| {
        decision.client = named(Scope::Session, "77aa");
        decision.gateways = vec!["edge-1".to_owned()];
    });
    rig.put(|decision| decision.conditions = vec![named(Scope::Route, "/login")]);
}

async fn ask(rig: &Rig, uri: &str, headers: &[(&str, &str)]) -> crate::testing::Answer {
    let router = router(&rig.state, Entrance::to(&SURFACES));
    rig.send(&router, request(Method::GET, uri, headers)).await
}

/// Each who asks: way, name, scopes, decisions meant for him, and those he cannot carry out.
async fn standings(rig: &Rig) -> Vec<Value> {
    let viewer = rig.key("viewer", Role::Viewer, None).await;
    let authorization = format!("Bearer {viewer}");
    let answer = ask(
        rig,
        "/api/v1/askers",
        &[("Host", "localhost"), ("Authorization", &authorization)],
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let items = answer.json()["items"].as_array().unwrap().clone();
    let lean = |item: &Value| {
        let unexpressed = item["unexpressed"].as_array().unwrap().iter();
        assert!(
            item["unexpressed"]
                .as_array()
                .unwrap()
                .iter()
                .all(|part| part["why"].as_str().is_some_and(|why| why.len() > 20))
        );
        let parts: Vec<Value> = unexpressed
            .map(|part| json!([part["obstacle"], part["decisions"]]))
            .collect();
        json!([item["way"], item["name"], item["scopes"], item["in_force"], parts])
    };
    items.iter().map(lean).collect()
}

#[tokio::test]
async fn whoever_asks_by_address_is_told_which_decisions_mean_nothing_to_him() {
    let rig = rig(false).await;
    put_all(&rig);
    assert_eq!(standings(&rig).await, Vec::<Value>::new(), "nobody has asked yet");
    ask(&rig, "/check", &[("X-Forwarded-For", "192.0.2.1")]).await;
    ask(&rig, "/check?gateway=edge-1", &[("X-Forwarded-For", "192.0.2.1")]).await;
    let key = rig.key("edge-firewall", Role::Bouncer, None).await;
    ask(&rig, "/v1/decisions?ip=192.0.2.1", &[("X-Api-Key", &key)]).await;
    let rows = async |rig: &Rig| {
        let items = rig.state.askers.standings(&*rig.state.blocklist, rig.now());
        items
            .into_iter()
            .map(|found| (found.name, found.in_force, found.unexpressed))
            .collect::<Vec<_>>()
    };
    let names = [
        (Obstacle::Scope(Scope::ApiKey), 1),
        (Obstacle::Scope(Scope::Consumer), 1),
    ];
    let condition = (Obstacle::Condition, 1);
    let of_edge = [
        names[0],
        names[1],
        (Obstacle::Scope(Scope::Session), 1),
        condition,
    ]
    .to_vec();
    let of_all = [names[0], names[1], condition].to_vec();
    assert_eq!(
        rows(&rig).await,
        [
            (String::new(), 5, of_all.clone()),
            ("edge-1".to_owned(), 6, of_edge),
            ("edge-firewall".to_owned(), 5, of_all),
        ]
    );
    let metrics = ask(&rig, "/metrics", &[]).await;
    for line in [
        "portcullis_unexpressed_decisions{way=\"check\",name=\"edge-1\",obstacle=\"session\"} 1",
        "portcullis_unexpressed_decisions{way=\"bouncer\",name=\"edge-firewall\",obstacle=\"consumer\"} 1",
        "portcullis_unexpressed_decisions{way=\"bouncer\",name=\"edge-firewall\",obstacle=\"condition\"} 1",
    ] {
        assert!(
            metrics.text().lines().any(|found| found == line),
            "{line} in {}",
            metrics.text()
        );
    }
}

#[tokio::test]
async fn a_key_that_is_looked_at_and_a_scope_that_is_asked_for_are_carried_out() {
    let rig = rig(true).await;
    put_all(&rig);
    ask(&rig, "/check", &[("X-Forwarded-For", "192.0.2.1")]).await;
    let key = rig.key("edge-gateway", Role::Bouncer, Some("edge-1")).await;
    ask(
        &rig,
        "/v1/decisions/stream?startup=true&scopes=ip,range,consumer,session",
        &[("X-Api-Key", &key)],
    )
    .await;
    assert_eq!(
        standings(&rig).await,
        [
            json!([
                "check",
                "",
                ["ip", "range", "api_key"],
                5,
                [["consumer", 1], ["condition", 1]]
            ]),
            json!([
                "bouncer",
                "edge-gateway",
                ["ip", "range", "consumer", "session"],
                6,
                [["api_key", 1], ["condition", 1]]
            ]),
        ]
    );
}

#[tokio::test]
async fn what_is_over_is_counted_no_more_and_who_is_gone_is_forgotten() {
    let rig = rig(false).await;
    put_all(&rig);
    let header = [("X-Forwarded-For", "192.0.2.1")];
    ask(&rig, "/check", &header).await;
    let in_force = || {
        let found = rig.state.askers.standings(&*rig.state.blocklist, rig.now());
        found
            .into_iter()
            .map(|found| (found.in_force, found.unexpressed.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(in_force(), [(5, 3)]);
    rig.advance(14_400_000);
    assert_eq!(in_force(), [], "it has not asked for hours");
    ask(&rig, "/check", &header).await;
    assert_eq!(in_force(), [(0, 0)]);
}

#[tokio::test]
async fn whoever_is_not_believed_is_no_gateway() {
    let mut rig = rig(false).await;
    rig.peer.address = "192.0.2.1:80".parse().unwrap();
    ask(
        &rig,
        "/check?gateway=invented",
        &[("X-Forwarded-For", "192.0.2.1")],
    )
    .await;
    ask(
        &rig,
        "/v1/decisions?ip=192.0.2.1",
        &[("X-Api-Key", "no key of ours")],
    )
    .await;
    assert_eq!(rig.state.askers.standings(&*rig.state.blocklist, rig.now()), []);
}

#[tokio::test]
async fn invented_gateways_take_no_more_than_their_room() {
    let askers = Askers::default();
    let scopes = Scopes::of(|scope| scope == Scope::Ip);
    let start = crate::testing::START;
    for number in 0..2 * ASKERS_MAX {
        let at = start.plus_millis(i64::try_from(number).unwrap());
        askers.note((Way::Check, &format!("edge-{number}"), None), scopes, at);
    }
    askers.note((Way::Bouncer, "edge-firewall", None), scopes, start);
    let list = std::sync::RwLock::new(Blocklist::new(&domain::Allowlist::default(), start));
    let found = askers.standings(&list, start);
    assert_eq!(found.len(), ASKERS_MAX + 1);
    assert!(
        found.iter().all(|found| found.name != "edge-0"),
        "the one that asked longest ago gives way"
    );
}
