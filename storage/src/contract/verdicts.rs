//! Verdicts on alerts.

use super::alerts::alert;
use super::{AnyStore, START, decision, ip, order};
use crate::{AlertFilter, Error, NewOrder, Page, StoredVerdict, VERDICT_GRACE_SECS, VerdictFilter};
use domain::{Action, Client, Decision, DecisionId, Judgement, OrderKind};

fn verdict(number: u8, judgement: Judgement) -> NewOrder {
    let kind = OrderKind::Verdict {
        alert: DecisionId([number; 16]),
        alerted_at: START.plus_secs(-99),
        judgement,
    };
    // The order's client and the alert's time come from the alert, whatever the caller wrote.
    order(kind, &ip("192.0.2.99"))
}

/// A block of the client that rests on the alert of that number.
fn resting(number: u8, client: &Client) -> Decision {
    Decision {
        alert_id: Some(DecisionId([number; 16])),
        ..decision(client, Action::Block)
    }
}

async fn kinds(store: &AnyStore) -> Vec<(&'static str, Client)> {
    let orders = store.tail_orders(0, 100).await.unwrap();
    let kinds = orders
        .iter()
        .map(|order| (order.kind.as_str(), order.client.clone()));
    kinds.collect()
}

pub(crate) async fn a_verdict_stands_beside_its_alert_and_the_newest_one_holds(store: AnyStore) {
    let client = ip("203.0.113.1");
    let first = alert(1, &client);
    store
        .put_alerts(&[first.clone(), alert(2, &client)])
        .await
        .unwrap();
    let at = START.plus_secs(5);
    let receipt = store
        .append_order(&verdict(1, Judgement::FalsePositive), at)
        .await
        .unwrap();
    assert_eq!(receipt.order.client, client);
    let told = OrderKind::Verdict {
        alert: first.id,
        alerted_at: first.alerted_at,
        judgement: Judgement::FalsePositive,
    };
    assert_eq!(receipt.order.kind, told);
    let later = at.plus_secs(5);
    let receipt = store
        .append_order(&verdict(1, Judgement::Attack), later)
        .await
        .unwrap();
    assert_eq!((receipt.revoked, receipt.decision), (0, None));
    let told = StoredVerdict {
        judgement: Judgement::Attack,
        by: "alice".to_owned(),
        at: later,
        reason: "seen in the logs".to_owned(),
    };
    // The detector stores an alert anew whenever it grows: the person's word stays.
    store.put_alerts(std::slice::from_ref(&first)).await.unwrap();
    let kept = store.alert(first.id).await.unwrap().unwrap();
    assert_eq!(kept.verdict, Some(told));
    for (wanted, expected) in [
        (VerdictFilter::Open, vec![2]),
        (VerdictFilter::Judged, vec![1]),
        (VerdictFilter::Is(Judgement::Attack), vec![1]),
        (VerdictFilter::Is(Judgement::FalsePositive), vec![]),
    ] {
        let filter = AlertFilter {
            verdict: Some(wanted),
            ..AlertFilter::default()
        };
        let found = store.query_alerts(&filter, &Page::default()).await.unwrap();
        let found: Vec<u8> = found.items.iter().map(|alert| alert.id.0[0]).collect();
        assert_eq!(found, expected, "{wanted:?}");
    }
    let journal = store.tail_orders(0, 10).await.unwrap();
    assert_eq!(
        journal.last(),
        Some(&receipt.order),
        "it is read back as it was given"
    );
}

pub(crate) async fn an_attack_blocks_nobody_and_ends_nothing(store: AnyStore) {
    let client = ip("203.0.113.1");
    store.put_alerts(&[alert(1, &client)]).await.unwrap();
    let block = resting(1, &client);
    store
        .append_decisions(std::slice::from_ref(&block), None, START)
        .await
        .unwrap();
    store
        .append_order(&verdict(1, Judgement::Attack), START)
        .await
        .unwrap();
    assert_eq!(kinds(&store).await, [("verdict", client)]);
    let rows = store.tail_decisions(0, 10).await.unwrap();
    assert_eq!((rows.len(), rows[0].revoked_at), (1, None));
}

pub(crate) async fn a_false_positive_lifts_what_rests_on_the_alert(store: AnyStore) {
    // A campaign: its client is a range, its members are blocked one by one. One of them a person has blocked as well.
    let range = Client::parse(domain::Scope::Range, "203.0.113.0/24").unwrap();
    let members = [ip("203.0.113.1"), ip("203.0.113.2")];
    let bystander = ip("203.0.113.3");
    store.put_alerts(&[alert(1, &range)]).await.unwrap();
    let decisions = [
        resting(1, &members[0]),
        resting(1, &members[1]),
        resting(2, &bystander),
    ];
    store.append_decisions(&decisions, None, START).await.unwrap();
    let by_hand = order(OrderKind::Block { ttl_secs: 3600 }, &members[1]);
    let by_hand = store
        .append_order(&by_hand, START)
        .await
        .unwrap()
        .decision
        .unwrap();
    let at = START.plus_secs(5);
    let receipt = store
        .append_order(&verdict(1, Judgement::FalsePositive), at)
        .await
        .unwrap();
    assert_eq!(receipt.revoked, 2);
    for decision in &decisions[..2] {
        let ended = store.decision(decision.id).await.unwrap().unwrap();
        assert_eq!(
            (ended.revoked_at, ended.revoked_by.as_deref()),
            (Some(at), Some("alice"))
        );
    }
    for kept in [decisions[2].id, by_hand.decision.id] {
        assert_eq!(store.decision(kept).await.unwrap().unwrap().revoked_at, None);
    }
    let given = store.tail_orders(receipt.order.seq, 10).await.unwrap();
    let lift = OrderKind::Lift {
        grace_secs: VERDICT_GRACE_SECS,
    };
    let revoke = OrderKind::Revoke {
        decision: decisions[1].id,
    };
    let mut followed: Vec<_> = given
        .iter()
        .map(|order| (order.kind.clone(), order.client.clone()))
        .collect();
    followed.sort_by_key(|(_, client)| client.to_string());
    let mut expected = [
        (lift.clone(), range),
        (lift, members[0].clone()),
        (revoke, members[1].clone()),
    ];
    expected.sort_by_key(|(_, client)| client.to_string());
    assert_eq!(followed, expected);
    assert!(
        given
            .iter()
            .all(|order| order.reason.contains(&decisions[0].alert_id.unwrap().to_string())),
        "each says which verdict it follows from"
    );
}

pub(crate) async fn a_false_positive_leaves_what_rests_on_another_alert(store: AnyStore) {
    let client = ip("203.0.113.1");
    store
        .put_alerts(&[alert(1, &client), alert(2, &client)])
        .await
        .unwrap();
    let block = resting(2, &client);
    store
        .append_decisions(std::slice::from_ref(&block), None, START)
        .await
        .unwrap();
    let receipt = store
        .append_order(&verdict(1, Judgement::FalsePositive), START)
        .await
        .unwrap();
    assert_eq!(receipt.revoked, 0);
    assert_eq!(
        kinds(&store).await,
        [("verdict", client)],
        "no grace: nothing was said of the other alert"
    );
    assert_eq!(store.decision(block.id).await.unwrap().unwrap().revoked_at, None);
}

pub(crate) async fn a_late_false_positive_is_a_label_only(store: AnyStore) {
    let client = ip("203.0.113.1");
    store.put_alerts(&[alert(1, &client)]).await.unwrap();
    let fresh = verdict(1, Judgement::FalsePositive);
    store.append_order(&fresh, START.plus_secs(1)).await.unwrap();
    assert_eq!(
        kinds(&store).await,
        [("verdict", client.clone()), ("lift", client.clone())],
        "an alert that is only observed: the machine leaves the client alone"
    );
    // Whoever has the address by then may be somebody else.
    let late = START.plus_secs(i64::from(VERDICT_GRACE_SECS) + 1);
    store.append_order(&fresh, late).await.unwrap();
    assert_eq!(kinds(&store).await[2..], [("verdict", client)]);
}

pub(crate) async fn a_verdict_on_an_alert_that_is_not_there_is_refused(store: AnyStore) {
    let error = store
        .append_order(&verdict(1, Judgement::Attack), START)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    assert_eq!(store.tail_orders(0, 10).await.unwrap(), []);
}
