//! The order journal.

use super::{AnyStore, START, decision, ip, order};
use crate::{Error, OrderFilter, Page, REASON_BYTES_MAX, Retention, SCENARIO_BYTES_MAX};
use domain::{Action, Client, DecisionId, Mode, OrderKind, Origin, Timestamp};

pub(crate) async fn a_block_order_appends_its_decision_in_the_same_transaction(store: AnyStore) {
    let client = ip("203.0.113.1");
    let receipt = store
        .append_order(&order(OrderKind::Block { ttl_secs: 60 }, &client), START)
        .await
        .unwrap();
    let row = receipt.decision.unwrap();
    assert_eq!(
        row.seq,
        receipt.order.seq + 1,
        "the decision comes right after its order"
    );
    assert_eq!(
        (row.decision.origin, row.decision.action),
        (Origin::Operator, Action::Block)
    );
    assert_eq!(
        (row.expires_at, row.decision.mode),
        (START.plus_secs(60), Mode::Enforced)
    );
    assert_eq!(store.tail_decisions(0, 10).await.unwrap(), [row]);
    // A second block of the same client is a second decision, not a repetition.
    let again = store
        .append_order(&order(OrderKind::Block { ttl_secs: 60 }, &client), START)
        .await
        .unwrap();
    assert_eq!(store.tail_decisions(0, 10).await.unwrap().len(), 2);
    assert_ne!(
        again.decision.unwrap().decision.id,
        receipt_id(&store, receipt.order.seq).await
    );
}

async fn receipt_id(store: &AnyStore, order_seq: u64) -> DecisionId {
    store.tail_decisions(order_seq, 1).await.unwrap()[0].decision.id
}

pub(crate) async fn a_lift_revokes_every_decision_of_the_client(store: AnyStore) {
    let (client, other) = (ip("203.0.113.1"), ip("203.0.113.2"));
    let machine = decision(&client, Action::Throttle);
    let bystander = decision(&other, Action::Block);
    // One that grew is written down twice, and is one all the same.
    let mut grown = machine.clone();
    grown.action = Action::Block;
    store
        .append_decisions(&[machine.clone(), bystander.clone(), grown], None, START)
        .await
        .unwrap();
    store
        .append_order(&order(OrderKind::Block { ttl_secs: 60 }, &client), START)
        .await
        .unwrap();
    let at = START.plus_secs(5);
    let receipt = store
        .append_order(&order(OrderKind::Lift { grace_secs: 600 }, &client), at)
        .await
        .unwrap();
    assert_eq!(receipt.revoked, 2);
    let lifted = store.decision(machine.id).await.unwrap().unwrap();
    assert_eq!(
        (lifted.revoked_at, lifted.revoked_by.as_deref()),
        (Some(at), Some("alice"))
    );
    assert_eq!(
        store.decision(bystander.id).await.unwrap().unwrap().revoked_at,
        None
    );
}

pub(crate) async fn a_revoked_id_stays_revoked_when_it_escalates(store: AnyStore) {
    let client = ip("203.0.113.1");
    let throttle = decision(&client, Action::Throttle);
    store
        .append_decisions(std::slice::from_ref(&throttle), None, START)
        .await
        .unwrap();
    // The order's client comes from the decision, whatever the caller wrote.
    let revoke = order(
        OrderKind::Revoke {
            decision: throttle.id,
        },
        &ip("192.0.2.99"),
    );
    let receipt = store.append_order(&revoke, START.plus_secs(1)).await.unwrap();
    assert_eq!((receipt.order.client, receipt.revoked), (client, 1));
    let mut block = throttle.clone();
    block.action = Action::Block;
    let rows = store
        .append_decisions(&[block], None, START.plus_secs(2))
        .await
        .unwrap();
    assert_eq!(rows[0].revoked_at, Some(START.plus_secs(1)));
    assert_eq!(rows[0].revoked_by.as_deref(), Some("alice"));
}

pub(crate) async fn an_impossible_order_is_refused_and_leaves_no_trace(store: AnyStore) {
    let client = ip("203.0.113.1");
    let mut wordy = order(OrderKind::Disallow, &client);
    wordy.reason = "x".repeat(REASON_BYTES_MAX + 1);
    let unknown = order(
        OrderKind::Revoke {
            decision: DecisionId([9; 16]),
        },
        &client,
    );
    for bad in [order(OrderKind::Block { ttl_secs: 0 }, &client), wordy, unknown] {
        let error = store.append_order(&bad, START).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
        assert!(!error.is_retryable());
    }
    assert_eq!(store.tail_orders(0, 10).await.unwrap(), []);
}

pub(crate) async fn every_order_is_kept_with_who_when_why_and_from_where(store: AnyStore) {
    let client = ip("203.0.113.1");
    let kinds = [
        OrderKind::Block { ttl_secs: 60 },
        OrderKind::Lift { grace_secs: 0 },
        OrderKind::Allow { until: None },
        OrderKind::Allow {
            until: Some(START.plus_secs(60)),
        },
        OrderKind::Disallow,
        OrderKind::Suspend { until: None },
        OrderKind::Suspend {
            until: Some(START.plus_secs(60)),
        },
        OrderKind::Resume,
    ];
    let mut given = Vec::new();
    for kind in kinds {
        let is_about_everybody = kind.is_about_everybody();
        let receipt = store.append_order(&order(kind, &client), START).await.unwrap();
        // Whoever gives an order about everybody may name anybody: it is about everybody.
        assert_eq!(receipt.order.client == Client::everybody(), is_about_everybody);
        given.push(receipt.order);
    }
    assert_eq!(store.tail_orders(0, 10).await.unwrap(), given);
    assert_eq!(
        (given[0].by.as_str(), given[0].from.as_str(), given[0].at),
        ("alice", "192.0.2.1", START)
    );
    let by_alice = OrderFilter {
        client: Some(client),
        by: Some("alice".to_owned()),
        is_reports: false,
    };
    let newest = store.query_orders(&by_alice, &Page::first(2)).await.unwrap();
    assert_eq!(newest.items, [given[4].clone(), given[3].clone()]);
    let page = Page {
        limit: 10,
        cursor: newest.next,
    };
    assert_eq!(store.query_orders(&by_alice, &page).await.unwrap().items.len(), 3);
    let by_bob = OrderFilter {
        client: None,
        by: Some("bob".to_owned()),
        is_reports: false,
    };
    assert_eq!(
        store.query_orders(&by_bob, &Page::default()).await.unwrap().items,
        []
    );
}

pub(crate) async fn a_report_stands_in_the_journal_and_apart_from_what_people_order(store: AnyStore) {
    let client = ip("203.0.113.1");
    let report = |scenario: &str, until: Option<Timestamp>| {
        let scenario = scenario.to_owned();
        order(
            OrderKind::Report {
                scenario,
                until,
                events: 6,
            },
            &client,
        )
    };
    let until = Some(START.plus_secs(60));
    let first = store.append_order(&report("ssh-bf", until), START).await.unwrap();
    assert_eq!((first.decision, first.revoked), (None, 0));
    store
        .append_order(&order(OrderKind::Disallow, &client), START)
        .await
        .unwrap();
    let later = store
        .append_order(&report("probing", None), START.plus_secs(60))
        .await
        .unwrap();
    assert_eq!(store.tail_orders(0, 10).await.unwrap().len(), 3);
    let of = async |is_reports: bool| {
        let filter = OrderFilter {
            is_reports,
            ..OrderFilter::default()
        };
        store.query_orders(&filter, &Page::default()).await.unwrap().items
    };
    assert_eq!(of(false).await.len(), 1);
    assert_eq!(of(true).await, [later.order.clone(), first.order]);
    let wordy = report(&"x".repeat(SCENARIO_BYTES_MAX + 1), None);
    assert!(matches!(
        store.append_order(&wordy, START).await,
        Err(Error::Refused { .. })
    ));

    // Reports go with the alerts' age; what a person ordered stays.
    let retention = Retention {
        alerts_secs: 60,
        ..Retention::default()
    };
    let dropped = store.retain(START.plus_secs(90), &retention).await.unwrap();
    assert_eq!(dropped.reports, 1);
    assert_eq!(of(true).await, [later.order]);
    assert_eq!(of(false).await.len(), 1);
}
