//! What the table promises: who gets in, and the document that is made from it.

use super::{Route, Verb, openapi, table};
use crate::auth::Access;
use crate::surface::{Entrance, Surface, router};
use crate::testing::{Rig, request, request_with};
use axum::http::{Method, StatusCode};
use storage::Role;

const HOST: (&str, &str) = ("host", "localhost");

fn method(route: &Route) -> Method {
    match route.verb {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
        Verb::Delete => Method::DELETE,
    }
}

/// A path with something in the place of its parameters.
fn path(route: &Route) -> String {
    route
        .path
        .replace("{id}", &"0".repeat(32))
        .replace("{scope}/{value}", "ip/203.0.113.9")
        .replace("{name}", "nobody")
}

#[tokio::test]
async fn nothing_but_signing_in_and_the_probes_answers_without_a_key() {
    let rig = Rig::new().await;
    let router = router(&rig.state, Entrance::to(&[Surface::Admin]));
    for route in table() {
        let answer = rig
            .send(&router, request(method(&route), &path(&route), &[HOST]))
            .await;
        let is_open = route.access == Access::Anyone;
        assert_eq!(
            answer.status != StatusCode::UNAUTHORIZED,
            is_open,
            "{}",
            route.path
        );
        if !is_open {
            assert_eq!(
                answer.header("content-type"),
                Some("application/problem+json"),
                "{}",
                route.path
            );
        }
    }
    for probe in ["/health/live", "/health/ready"] {
        let answer = rig.send(&router, request(Method::GET, probe, &[])).await;
        assert_eq!(answer.status, StatusCode::OK, "{probe}");
    }
}

#[tokio::test]
async fn each_role_gets_exactly_what_the_table_says() {
    let rig = Rig::new().await;
    let router = router(&rig.state, Entrance::to(&[Surface::Admin]));
    for role in Role::ALL {
        let key = rig
            .key(role.as_str(), role, (role < Role::Viewer).then_some("edge"))
            .await;
        let bearer = format!("Bearer {key}");
        // A stream of events never ends: who may open it is held by the rule itself.
        for route in table()
            .into_iter()
            .filter(|route| !route.path.ends_with("/events"))
        {
            let headers = [HOST, ("authorization", bearer.as_str())];
            let answer = rig
                .send(&router, request(method(&route), &path(&route), &headers))
                .await;
            let is_refused = answer.status == StatusCode::FORBIDDEN;
            assert_eq!(
                !is_refused,
                route.access.admits(role),
                "{} {role:?}: {}",
                route.path,
                answer.status
            );
        }
    }
}

#[tokio::test]
async fn a_block_is_ordered_shown_and_lifted() {
    let rig = Rig::new().await;
    let router = router(&rig.state, Entrance::to(&[Surface::Admin]));
    let key = rig.key("mira", Role::Operator, None).await;
    let bearer = format!("Bearer {key}");
    let headers = [
        HOST,
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let block =
        r#"{"kind":"block","ttl_secs":60,"client":{"scope":"ip","value":"203.0.113.9"},"reason":"a test"}"#;
    let answer = rig
        .send(
            &router,
            request_with(Method::POST, "/api/v1/orders", &headers, block),
        )
        .await;
    assert!(answer.status.is_success(), "{}", answer.text());
    let list = rig
        .send(
            &router,
            request(Method::GET, "/api/v1/decisions?state=active", &headers),
        )
        .await;
    let listed = list.json()["items"][0].clone();
    assert_eq!(listed["value"], "203.0.113.9");
    let read = format!("/api/v1/decisions/{}", listed["id"].as_str().unwrap());
    let answer = rig.send(&router, request(Method::GET, &read, &headers)).await;
    assert_eq!(answer.json(), listed);
    let endless =
        r#"{"kind":"block","ttl_secs":0,"client":{"scope":"ip","value":"203.0.113.9"},"reason":"a test"}"#;
    let answer = rig
        .send(
            &router,
            request_with(Method::POST, "/api/v1/orders", &headers, endless),
        )
        .await;
    assert!(answer.status.is_client_error(), "{}", answer.text());
    let lift = r#"{"kind":"lift","grace_secs":60,"client":{"scope":"ip","value":"203.0.113.9"},"reason":"it was us"}"#;
    let answer = rig
        .send(
            &router,
            request_with(Method::POST, "/api/v1/orders", &headers, lift),
        )
        .await;
    assert_eq!(answer.json()["revoked"], 1);
    let orders = rig
        .send(&router, request(Method::GET, "/api/v1/orders", &headers))
        .await;
    let journal = orders.json();
    assert_eq!(journal["items"][0]["by"], "mira");
    assert_eq!(journal["items"][0]["reason"], "it was us");
    assert_eq!(journal["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_decision_that_is_not_there_is_not_found() {
    let rig = Rig::new().await;
    let router = router(&rig.state, Entrance::to(&[Surface::Admin]));
    let bearer = format!("Bearer {}", rig.key("mira", Role::Viewer, None).await);
    let headers = [HOST, ("authorization", bearer.as_str())];
    for (id, expected) in [
        ("0".repeat(32), StatusCode::NOT_FOUND),
        ("none".to_owned(), StatusCode::BAD_REQUEST),
    ] {
        let path = format!("/api/v1/decisions/{id}");
        let answer = rig.send(&router, request(Method::GET, &path, &headers)).await;
        assert_eq!(answer.status, expected, "{id}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
}

#[tokio::test]
async fn a_session_lives_in_a_cookie_that_scripts_and_other_sites_cannot_use() {
    let rig = Rig::new().await;
    let router = router(&rig.state, Entrance::to(&[Surface::Admin]));
    let key = rig.key("mira", Role::Operator, None).await;
    let body = format!("{{\"key\":\"{key}\"}}");
    let headers = [
        HOST,
        ("content-type", "application/json"),
        ("origin", "http://localhost"),
    ];
    let answer = rig
        .send(
            &router,
            request_with(Method::POST, "/api/v1/session", &headers, body),
        )
        .await;
    assert!(answer.status.is_success(), "{}", answer.text());
    let cookie = answer.header("set-cookie").unwrap().to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    let pair = cookie.split(';').next().unwrap();
    let own = [HOST, ("cookie", pair)];
    let answer = rig
        .send(&router, request(Method::GET, "/api/v1/session", &own))
        .await;
    assert_eq!(answer.json()["name"], "mira");
    let foreign = [HOST, ("cookie", pair), ("origin", "http://evil.example")];
    let answer = rig
        .send(&router, request(Method::DELETE, "/api/v1/session", &foreign))
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let rebound = [("host", "evil.example"), ("cookie", pair)];
    let answer = rig
        .send(&router, request(Method::GET, "/api/v1/session", &rebound))
        .await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
}

#[test]
fn the_document_is_the_one_that_clients_are_generated_from() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let made = openapi();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(file, &made).unwrap();
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        kept == made,
        "api/openapi.json is not what the table says: run this test with UPDATE_GOLDEN=1"
    );
}
