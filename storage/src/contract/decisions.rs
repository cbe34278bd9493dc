//! The decision log.

use super::{AnyStore, START, decision, ip, order};
use crate::{DecisionFilter, Page, StateFilter};
use domain::{Action, Client, Mode, OrderKind, Scope, ThreatKind};

pub(crate) async fn a_decision_is_read_back_as_it_was_stored(store: AnyStore) {
    let mut decision = decision(&ip("2001:db8::7"), Action::Throttle);
    decision.conditions = vec![
        Client::parse(Scope::Ja4, "t13d").unwrap(),
        Client::parse(Scope::Route, "/a,b\"").unwrap(),
    ];
    decision.gateways = vec!["edge".to_owned(), "inner \u{202e}".to_owned()];
    decision.alert_id = Some(decision.id);
    let appended = store
        .append_decisions(&[decision.clone()], None, START)
        .await
        .unwrap();
    assert_eq!(appended.len(), 1);
    assert_eq!(appended[0].decision, decision);
    assert_eq!(appended[0].expires_at, START.plus_secs(3600));
    assert_eq!(store.tail_decisions(0, 10).await.unwrap(), appended);
    assert_eq!(
        store.decision(decision.id).await.unwrap().as_ref(),
        Some(&appended[0])
    );
}

pub(crate) async fn the_same_id_again_is_no_new_row(store: AnyStore) {
    let block = decision(&ip("203.0.113.1"), Action::Block);
    let mut milder = block.clone();
    milder.action = Action::Throttle;
    store
        .append_decisions(std::slice::from_ref(&block), None, START)
        .await
        .unwrap();
    for repeated in [&block, &milder] {
        let again = store
            .append_decisions(std::slice::from_ref(repeated), None, START.plus_secs(9))
            .await
            .unwrap();
        assert_eq!(again, []);
    }
    // Also inside one call.
    let other = decision(&ip("203.0.113.2"), Action::Block);
    let twice = store
        .append_decisions(&[other.clone(), other], None, START)
        .await
        .unwrap();
    assert_eq!(twice.len(), 1);
    assert_eq!(store.tail_decisions(0, 10).await.unwrap().len(), 2);
}

pub(crate) async fn a_stronger_action_supersedes_the_earlier_row(store: AnyStore) {
    let throttle = decision(&ip("203.0.113.1"), Action::Throttle);
    let mut block = throttle.clone();
    block.action = Action::Block;
    store
        .append_decisions(std::slice::from_ref(&throttle), None, START)
        .await
        .unwrap();
    let escalated = store
        .append_decisions(&[block], None, START.plus_secs(60))
        .await
        .unwrap();
    assert_eq!(escalated.len(), 1);
    assert_eq!(
        store.tail_decisions(0, 10).await.unwrap().len(),
        2,
        "the log keeps both"
    );
    let newest = store.decision(throttle.id).await.unwrap().unwrap();
    assert_eq!(newest, escalated[0]);
    let page = Page::default();
    let shown = store
        .query_decisions(&DecisionFilter::default(), &page, START)
        .await
        .unwrap();
    assert_eq!(shown.items, escalated);
    let filter = DecisionFilter {
        with_superseded: true,
        ..DecisionFilter::default()
    };
    assert_eq!(store.count_decisions(&filter, START).await.unwrap(), 2);
}

pub(crate) async fn what_is_not_enforced_never_hides_what_is(store: AnyStore) {
    let throttle = decision(&ip("203.0.113.1"), Action::Throttle);
    let mut shadow = throttle.clone();
    (shadow.action, shadow.mode) = (Action::Block, Mode::Shadow);
    store
        .append_decisions(&[throttle.clone(), shadow], None, START)
        .await
        .unwrap();
    let shown = store.decision(throttle.id).await.unwrap().unwrap();
    assert_eq!(
        (shown.decision.action, shown.decision.mode),
        (Action::Throttle, Mode::Enforced)
    );
    let mut enforced = throttle.clone();
    enforced.action = Action::Block;
    store.append_decisions(&[enforced], None, START).await.unwrap();
    let shown = store.decision(throttle.id).await.unwrap().unwrap();
    assert_eq!(
        (shown.decision.action, shown.decision.mode),
        (Action::Block, Mode::Enforced)
    );
    assert_eq!(store.tail_decisions(0, 10).await.unwrap().len(), 3);
}

pub(crate) async fn a_decision_older_than_its_life_is_stored_as_replayed(store: AnyStore) {
    let old = decision(&ip("203.0.113.1"), Action::Block);
    let rows = store
        .append_decisions(&[old], None, START.plus_secs(3601))
        .await
        .unwrap();
    assert_eq!(rows[0].decision.mode, Mode::Replayed);
    assert_eq!(store.tail_live_decisions(0, START, 10).await.unwrap(), []);
}

pub(crate) async fn the_log_is_tailed_without_gaps_while_several_write(store: AnyStore) {
    const WRITERS: u8 = 4;
    const BATCHES: u8 = 10;
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.push(tokio::spawn(async move {
            for batch in 0..BATCHES {
                let client = ip(&format!("198.18.{writer}.{batch}"));
                store
                    .append_decisions(&[decision(&client, Action::Block)], None, START)
                    .await
                    .unwrap();
                let lift = order(OrderKind::Lift { grace_secs: 0 }, &client);
                store.append_order(&lift, START).await.unwrap();
            }
        }));
    }
    // A reader that follows the log must see every number once, in order, however the writers interleave.
    let wanted = usize::from(WRITERS) * usize::from(BATCHES);
    let (mut seen, mut last) = (0, 0);
    while seen < wanted {
        for row in store.tail_decisions(last, 7).await.unwrap() {
            assert!(row.seq > last);
            (seen, last) = (seen + 1, row.seq);
        }
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(store.tail_decisions(0, 1000).await.unwrap().len(), wanted);
    assert_eq!(store.tail_orders(0, 1000).await.unwrap().len(), wanted);
}

pub(crate) async fn decisions_are_filtered_and_paged(store: AnyStore) {
    for number in 0..7u8 {
        let mut decision = decision(&ip(&format!("203.0.113.{number}")), Action::Block);
        if number % 2 == 1 {
            (decision.action, decision.threat) = (Action::Throttle, ThreatKind::Injection);
        }
        decision.ttl_secs = 100 + u32::from(number);
        store.append_decisions(&[decision], None, START).await.unwrap();
    }
    let now = START.plus_secs(103);
    let active = DecisionFilter {
        state: Some(StateFilter::Active),
        ..DecisionFilter::default()
    };
    let expired = DecisionFilter {
        state: Some(StateFilter::Expired),
        ..DecisionFilter::default()
    };
    let injection = DecisionFilter {
        threat: Some(ThreatKind::Injection),
        ..active.clone()
    };
    assert_eq!(store.count_decisions(&active, now).await.unwrap(), 3);
    assert_eq!(store.count_decisions(&expired, now).await.unwrap(), 4);
    assert_eq!(store.count_decisions(&injection, now).await.unwrap(), 1);

    let mut page = Page::first(3);
    let mut seen = Vec::new();
    loop {
        let slice = store
            .query_decisions(&DecisionFilter::default(), &page, now)
            .await
            .unwrap();
        seen.extend(slice.items.iter().map(|row| row.seq));
        let Some(next) = slice.next else { break };
        page.cursor = Some(next);
    }
    assert_eq!(seen.len(), 7);
    assert!(seen.is_sorted_by(|left, right| left > right), "newest first");
}

pub(crate) async fn hostile_text_is_stored(store: AnyStore) {
    let client = Client::parse(Scope::Subject, "a\0b'; DROP TABLE decisions; --").unwrap();
    let mut decision = decision(&client, Action::Block);
    decision.reason = "\u{0}\u{1b}[31m\u{202e}'\"%_\\".to_owned();
    store.append_decisions(&[decision], None, START).await.unwrap();
    let rows = store.tail_decisions(0, 10).await.unwrap();
    assert_eq!(rows[0].decision.reason, "\u{fffd}\u{1b}[31m\u{202e}'\"%_\\");
    assert_eq!(
        rows[0].decision.client.value(),
        "a\u{fffd}b'; DROP TABLE decisions; --"
    );
}
