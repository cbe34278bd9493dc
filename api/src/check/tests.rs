//! What `/check` answers, and whose word counts.

use super::*;
use crate::auth::SharedSecret;
use crate::testing::{Answer, Rig, request};
use crate::{Surface, router};
use axum::http::Method;

async fn rig(header: AddressHeader) -> Rig {
    let settings = CheckSettings {
        trusted_proxies: TrustedProxies::new(vec!["127.0.0.0/8".parse().unwrap()]),
        address_header: header,
        ..CheckSettings::default()
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
    let status = async |uri: &str, client: &str| ask(&rig, uri, &[("X-Forwarded-For", client)]).await.status;
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
async fn a_consumer_that_the_gateway_names_is_refused_and_nobody_is_by_a_strangers_word() {
    let mut rig = Rig::with(|parts| {
        parts.check = CheckSettings {
            trusted_proxies: TrustedProxies::new(vec!["127.0.0.0/8".parse().unwrap()]),
            named: NamedHeader::new(Scope::Consumer, "X-Consumer-Username")
                .into_iter()
                .collect(),
            ..CheckSettings::default()
        };
    })
    .await;
    rig.put(|decision| decision.client = Client::parse(Scope::Consumer, "bob").unwrap());
    rig.put(|decision| decision.client = Client::parse(Scope::Subject, "bob").unwrap());
    let status = async |rig: &Rig, name: &str| {
        let headers = [("X-Forwarded-For", "192.0.2.7"), ("x-consumer-username", name)];
        ask(rig, "/check", &headers).await.status
    };
    assert_eq!(status(&rig, "bob").await, StatusCode::FORBIDDEN);
    assert_eq!(status(&rig, "alice").await, StatusCode::OK);
    assert_eq!(status(&rig, "").await, StatusCode::OK);
    assert_eq!(status(&rig, &"b".repeat(600)).await, StatusCode::OK);
    let unnamed = [("X-Forwarded-For", "192.0.2.7"), ("x-subject", "bob")];
    assert_eq!(ask(&rig, "/check", &unnamed).await.status, StatusCode::OK);
    rig.peer.address = "198.51.100.1:80".parse().unwrap();
    assert_eq!(status(&rig, "bob").await, StatusCode::OK);
}

#[tokio::test]
async fn a_sites_root_behind_our_path_is_checked_too() {
    let rig = rig(AddressHeader::ForwardedFor).await;
    rig.put(|_| {});
    let answer = ask(&rig, "/check/", &[("X-Forwarded-For", "203.0.113.1")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
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
