//! What goes with a model, and what stays, in a real store.

use super::*;
use api::EventHub;
use domain::blocklist::BlocklistLimits;
use domain::{Action, Allowlist, Client, Decision, DecisionId, Mode, Price, Scope, ThreatKind, Timestamp};
use std::sync::Arc;
use storage::{LiveBlocklist, StoredReason};

fn now() -> Timestamp {
    Timestamp::from_secs(1_800_000_000)
}

async fn shared(folder: &std::path::Path) -> Shared {
    let store = storage::open(&format!("sqlite://{}", folder.join("p.db").display()))
        .await
        .unwrap();
    let limits = BlocklistLimits::default();
    let blocklist = LiveBlocklist::load(Arc::clone(&store), Allowlist::default(), limits, now());
    Shared {
        blocklist: blocklist.await.unwrap(),
        store,
        events: Arc::new(EventHub::new("test")),
        clock: Arc::new(now),
    }
}

/// A block of that client by that model, and the alert it rests on, which these features carried, strongest first.
async fn block(shared: &Shared, number: u8, model: &str, carried_by: &[&str]) {
    let client = Client::parse(Scope::Ip, &format!("203.0.113.{number}")).unwrap();
    let reason = |feature: &&str| StoredReason {
        feature: (*feature).to_owned(),
        value: 1.0,
        typical: 0.0,
        contribution: 0.5,
        sentence: String::new(),
    };
    let alert = StoredAlert {
        id: DecisionId([number; 16]),
        client: client.clone(),
        threats: Vec::new(),
        score: 1.0,
        p_value: 1e-6,
        action: Action::Block,
        first_seen: now(),
        alerted_at: now(),
        action_at: Some(now()),
        requests_before_alert: 10,
        requests_before_action: Some(10),
        reasons: carried_by.iter().map(reason).collect(),
        what_if: Vec::new(),
        evidence: Vec::new(),
        members: Vec::new(),
        members_in_all: 0,
        blind_spots: Vec::new(),
        whereabouts: storage::Whereabouts::default(),
        completeness: None,
        held_back: None,
        model: model.to_owned(),
        updated_at: now(),
        verdict: None,
    };
    shared.store.put_alerts(&[alert]).await.unwrap();
    let decision = Decision {
        id: DecisionId([number; 16]),
        client,
        conditions: Vec::new(),
        gateways: Vec::new(),
        action: Action::Block,
        priority: 0,
        origin: Origin::Model,
        price: Price::default(),
        threat: ThreatKind::Anomaly,
        alert_id: Some(DecisionId([number; 16])),
        reason: String::new(),
        event_at: now(),
        ttl_secs: 600,
        mode: Mode::Enforced,
        model: model.to_owned(),
        completeness: None,
    };
    shared
        .store
        .append_decisions(&[decision], None, now())
        .await
        .unwrap();
}

/// The last numbers of the addresses that are blocked.
async fn blocked(shared: &Shared) -> Vec<u8> {
    shared.blocklist.refresh(now()).await.unwrap();
    let mut numbers: Vec<u8> = shared
        .blocklist
        .read(|list| list.iter().map(|entry| entry.id.0[0]).collect());
    numbers.sort_unstable();
    numbers
}

#[tokio::test]
async fn what_the_score_of_a_model_alone_decided_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let shared = shared(folder.path()).await;
    let carried = FEATURES[0].name;
    block(&shared, 1, "bad", &["score", carried]).await;
    block(&shared, 2, "bad", &["reconnaissance", carried]).await;
    block(&shared, 3, "good", &["score", carried]).await;
    rolled_back(&shared, "bad").await.unwrap();
    assert_eq!(
        blocked(&shared).await,
        [2, 3],
        "evidence and another model's word stand"
    );
    let orders = shared.store.tail_orders(0, 10).await.unwrap();
    assert_eq!(orders.len(), 1);
    assert!(orders[0].reason.contains("model bad"), "{}", orders[0].reason);
    // Again, as after a start that failed half-way: nothing is left to take back.
    rolled_back(&shared, "bad").await.unwrap();
    assert_eq!(shared.store.tail_orders(0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_score_decided_goes_when_clients_change_in_what_carried_it_most() {
    let folder = tempfile::tempdir().unwrap();
    let shared = shared(folder.path()).await;
    let (changed, other) = (FEATURES[0].name, FEATURES[1].name);
    block(&shared, 1, "m", &["score", changed, other]).await;
    block(&shared, 2, "m", &["score", other, changed]).await;
    block(&shared, 3, "m", &["scraping", changed]).await;
    changed_in(shared.clone(), vec![changed]).await;
    assert_eq!(blocked(&shared).await, [2, 3]);
}
