//! Alerts, and what is shown of clients.

use super::{AnyStore, START, ip};
use crate::{
    AlertFilter, CLIENT_JSON_BYTES_MAX, ClientSummary, Error, Page, StoredAlert, StoredEvidence,
    StoredMember, StoredReason, StoredThreat, StoredWhatIf,
};
use domain::{Action, Client, DecisionId, ThreatKind};
use serde_json::json;

pub(crate) fn alert(number: u8, client: &Client) -> StoredAlert {
    StoredAlert {
        id: DecisionId([number; 16]),
        client: client.clone(),
        threats: vec![StoredThreat {
            kind: ThreatKind::Scraping,
            confidence: 0.75,
        }],
        score: 0.5,
        p_value: 1e-4,
        action: Action::Observe,
        first_seen: START,
        alerted_at: START.plus_secs(i64::from(number)),
        action_at: None,
        requests_before_alert: 12,
        requests_before_action: None,
        reasons: vec![StoredReason {
            feature: "route_entropy".to_owned(),
            value: 4.5,
            typical: 1.25,
            contribution: 0.5,
            sentence: "It took 100% of the pages, in order".to_owned(),
        }],
        what_if: vec![StoredWhatIf {
            threat: ThreatKind::Scraping,
            quantity: "pages".to_owned(),
            value: 300.0,
            silent_at: Some(120.5),
            milder_at: None,
            blocked_at: Some(410.0),
            sentence: "at most 120 pages".to_owned(),
        }],
        evidence: vec![StoredEvidence {
            source: 1,
            line: 7,
            at: START,
            request: "GET /pages/7\0\u{202e}".to_owned(),
            status: 200,
        }],
        members: vec![StoredMember {
            client: ip("203.0.113.77"),
            requests: 3,
            first_seen: START,
            action: Action::Block,
            action_at: Some(START.plus_secs(2)),
        }],
        members_in_all: 1,
        blind_spots: vec!["rhythm within a second".to_owned()],
        whereabouts: crate::Whereabouts {
            network: Some(64500),
            country: Some("DE".to_owned()),
        },
        completeness: Some(domain::Completeness {
            effort: domain::Effort::ScoredSeldom,
            whole_permille: 250,
        }),
        held_back: None,
        model: "2026-11-22-1".to_owned(),
        updated_at: START,
        verdict: None,
    }
}

async fn ids(store: &AnyStore, filter: AlertFilter) -> Vec<u8> {
    let found = store.query_alerts(&filter, &Page::default()).await.unwrap();
    assert_eq!(
        store.count_alerts(&filter).await.unwrap(),
        found.items.len() as u64
    );
    found.items.iter().map(|alert| alert.id.0[0]).collect()
}

pub(crate) async fn an_alert_is_replaced_and_found_by_every_filter(store: AnyStore) {
    let (client, other) = (ip("203.0.113.1"), ip("203.0.113.2"));
    let mut second = alert(2, &other);
    second.threats = vec![
        StoredThreat {
            kind: ThreatKind::Injection,
            confidence: 1.0,
        },
        StoredThreat {
            kind: ThreatKind::Scraping,
            confidence: 0.5,
        },
    ];
    store
        .put_alerts(&[alert(1, &client), second.clone()])
        .await
        .unwrap();
    let mut stronger = alert(1, &client);
    stronger.action = Action::Block;
    stronger.action_at = Some(START.plus_secs(9));
    store.put_alerts(&[stronger.clone()]).await.unwrap();
    assert_eq!(store.alert(stronger.id).await.unwrap(), Some(stronger));
    assert_eq!(store.alert(DecisionId([3; 16])).await.unwrap(), None);

    let all = AlertFilter::default;
    assert_eq!(ids(&store, all()).await, [2, 1], "the latest first");
    let by_threat = |threat| AlertFilter {
        threat: Some(threat),
        ..all()
    };
    assert_eq!(ids(&store, by_threat(ThreatKind::Scraping)).await, [2, 1]);
    assert_eq!(ids(&store, by_threat(ThreatKind::Injection)).await, [2]);
    let blocked = AlertFilter {
        action: Some(Action::Block),
        ..all()
    };
    assert_eq!(ids(&store, blocked).await, [1]);
    let of_client = AlertFilter {
        client: Some(other),
        ..all()
    };
    assert_eq!(ids(&store, of_client).await, [2]);
    let early = AlertFilter {
        from: Some(START),
        to: Some(START.plus_secs(2)),
        ..all()
    };
    assert_eq!(ids(&store, early).await, [1]);
    let text = |text: &str| AlertFilter {
        text: Some(text.to_owned()),
        ..all()
    };
    assert_eq!(ids(&store, text("100% OF the")).await, [2, 1]);
    assert_eq!(ids(&store, text("100_ of")).await, [] as [u8; 0]);
    assert_eq!(ids(&store, text("203.0.113.1")).await, [1]);
    assert_eq!(ids(&store, text("get /pages/7")).await, [2, 1]);
}

pub(crate) async fn alerts_are_paged_without_loss_while_new_ones_arrive(store: AnyStore) {
    let client = ip("203.0.113.1");
    // Two of them at the same moment: the cursor must not fall between them.
    let alerts: Vec<_> = (1..=6)
        .map(|number| {
            let mut alert = alert(number, &client);
            alert.alerted_at = START.plus_secs(i64::from(number / 2));
            alert
        })
        .collect();
    store.put_alerts(&alerts).await.unwrap();
    let mut page = Page::first(1);
    let mut seen = Vec::new();
    loop {
        let slice = store.query_alerts(&AlertFilter::default(), &page).await.unwrap();
        seen.extend(slice.items.iter().map(|alert| alert.id.0[0]));
        store.put_alerts(&[alert(200, &client)]).await.unwrap();
        let Some(next) = slice.next else { break };
        page.cursor = Some(next);
    }
    assert_eq!(seen, [6, 5, 4, 3, 2, 1]);
    page.cursor = Some("nonsense".to_owned());
    assert!(matches!(
        store.query_alerts(&AlertFilter::default(), &page).await,
        Err(Error::Refused { .. })
    ));
}

pub(crate) async fn a_client_is_replaced_found_and_bounded(store: AnyStore) {
    let mut summary = ClientSummary {
        client: ip("203.0.113.1"),
        updated_at: START,
        first_seen: START,
        last_seen: START.plus_secs(5),
        requests: 17,
        score: 0.5,
        action: None,
        features: json!({"rate": 3.5}),
        timeline: json!([[1, 2], [3, 4]]),
    };
    let mut other = summary.clone();
    other.client = ip("203.0.113.2");
    store
        .put_clients(&[summary.clone(), other.clone()])
        .await
        .unwrap();
    summary.updated_at = START.plus_secs(1);
    summary.action = Some(Action::Block);
    store.put_clients(&[summary.clone()]).await.unwrap();
    assert_eq!(
        store.client(&summary.client).await.unwrap().as_ref(),
        Some(&summary)
    );
    assert_eq!(store.client(&ip("203.0.113.3")).await.unwrap(), None);
    let first = store.query_clients("203.0.", &Page::first(1)).await.unwrap();
    assert_eq!(first.items, [summary.clone()]);
    let page = Page {
        limit: 1,
        cursor: first.next,
    };
    assert_eq!(store.query_clients("203.0.", &page).await.unwrap().items, [other]);
    assert_eq!(
        store.query_clients("%", &Page::default()).await.unwrap().items,
        []
    );
    summary.features = json!("x".repeat(CLIENT_JSON_BYTES_MAX));
    assert!(matches!(
        store.put_clients(&[summary]).await,
        Err(Error::Refused { .. })
    ));
}
