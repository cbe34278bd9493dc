//! The live list over a real store, and over one that goes away.

use super::*;
use crate::contract::{START, decision, ip, order};
use domain::{Action, OrderKind};

async fn open_one() -> (Arc<dyn Store>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::sqlite::open(&folder.path().join("portcullis.db"))
        .await
        .unwrap();
    (store, folder)
}

async fn load(store: &Arc<dyn Store>, secs: i64) -> Arc<LiveBlocklist> {
    let limits = BlocklistLimits::default();
    LiveBlocklist::load(store.clone(), Allowlist::default(), limits, at(secs))
        .await
        .unwrap()
}

fn at(secs: i64) -> Timestamp {
    START.plus_secs(secs)
}

fn is_blocked(live: &LiveBlocklist, address: &str) -> bool {
    live.check_address(address.parse().unwrap(), None).is_some()
}

#[tokio::test]
async fn a_restart_finds_what_is_in_force_and_what_went_lately() {
    let (store, _folder) = open_one().await;
    let (stays, lifted, expired) = (ip("203.0.113.1"), ip("203.0.113.2"), ip("203.0.113.3"));
    let mut short = decision(&expired, Action::Block);
    short.ttl_secs = 60;
    let rows = [
        decision(&stays, Action::Block),
        decision(&lifted, Action::Block),
        short,
    ];
    store.append_decisions(&rows, None, START).await.unwrap();
    let lift = order(OrderKind::Lift { grace_secs: 600 }, &lifted);
    store.append_order(&lift, at(90)).await.unwrap();
    let live = load(&store, 100).await;
    assert!(is_blocked(&live, "203.0.113.1"));
    assert!(!is_blocked(&live, "203.0.113.2"));
    // A gateway that last asked at 30 s, before the restart, learns what to take off.
    let removed = live.read(|list| {
        let delta = list.delta_since_time(at(30), |_| true).unwrap();
        delta
            .removed
            .iter()
            .map(|removed| (removed.entry.client.clone(), removed.at))
            .collect::<Vec<_>>()
    });
    assert_eq!(removed, [(expired, at(60)), (lifted, at(90))]);
}

#[tokio::test]
async fn decisions_and_orders_take_effect_and_are_announced() {
    let (store, _folder) = open_one().await;
    let live = load(&store, 0).await;
    let mut events = live.subscribe();
    let client = ip("203.0.113.1");
    store
        .append_decisions(&[decision(&client, Action::Block)], None, START)
        .await
        .unwrap();
    live.refresh(at(1)).await.unwrap();
    assert!(is_blocked(&live, "203.0.113.1"));
    let lift = order(OrderKind::Lift { grace_secs: 60 }, &client);
    store.append_order(&lift, at(2)).await.unwrap();
    live.refresh(at(2)).await.unwrap();
    assert!(!is_blocked(&live, "203.0.113.1"));
    let mut said = Vec::new();
    while let Ok(event) = events.try_recv() {
        said.push(match event {
            LiveEvent::Decision(_) => "decision".to_owned(),
            LiveEvent::Order(order) => order.kind.as_str().to_owned(),
            LiveEvent::Changed(change) => format!("+{} -{}", change.added.len(), change.removed.len()),
            LiveEvent::Rebuilt => "rebuilt".to_owned(),
        });
    }
    assert_eq!(said, ["+1 -0", "decision", "+0 -1", "lift"]);
    let status = live.status();
    assert_eq!((status.entries, status.error, status.read_at), (0, None, at(2)));
}

#[tokio::test]
async fn it_answers_from_memory_and_expires_when_the_database_is_gone() {
    let (store, _folder) = open_one().await;
    let client = ip("203.0.113.1");
    store
        .append_decisions(&[decision(&client, Action::Block)], None, START)
        .await
        .unwrap();
    let live = load(&store, 1).await;
    store.close().await;
    let error = live.refresh(at(2)).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(is_blocked(&live, "203.0.113.1"));
    assert!(live.status().error.is_some());
    assert_eq!(live.status().read_at, at(1));
    live.refresh(at(3600)).await.unwrap_err();
    assert!(!is_blocked(&live, "203.0.113.1"));
}

#[tokio::test]
async fn a_follower_sees_what_another_process_wrote_and_stops_when_told() {
    let (store, folder) = open_one().await;
    let live = load(&store, 0).await;
    let mut events = live.subscribe();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let follower = tokio::spawn({
        let live = live.clone();
        async move {
            let until = async {
                let _ = stopped.await;
            };
            live.follow(|| at(1), until).await;
        }
    });
    // A second store over the same file stands for another process.
    let other = crate::sqlite::open(&folder.path().join("portcullis.db"))
        .await
        .unwrap();
    let block = decision(&ip("203.0.113.1"), Action::Block);
    other.append_decisions(&[block], None, START).await.unwrap();
    let event = events.recv().await.unwrap();
    assert!(matches!(event, LiveEvent::Changed(_)), "{event:?}");
    assert!(is_blocked(&live, "203.0.113.1"));
    stop.send(()).unwrap();
    follower.await.unwrap();
}

#[tokio::test]
async fn a_clock_that_went_far_back_gives_back_what_expired_early() {
    let (store, _folder) = open_one().await;
    store
        .append_decisions(&[decision(&ip("203.0.113.1"), Action::Block)], None, START)
        .await
        .unwrap();
    let live = load(&store, 1).await;
    live.refresh(at(86_400)).await.unwrap();
    assert!(!is_blocked(&live, "203.0.113.1"), "the wrong clock ended it");
    live.refresh(at(5)).await.unwrap();
    assert!(is_blocked(&live, "203.0.113.1"));
}

#[tokio::test]
async fn a_new_allowlist_takes_blocks_back_at_once() {
    let (store, _folder) = open_one().await;
    store
        .append_decisions(&[decision(&ip("203.0.113.1"), Action::Block)], None, START)
        .await
        .unwrap();
    let live = load(&store, 1).await;
    let own = vec!["203.0.113.0/24".parse().unwrap()];
    live.set_configured(Allowlist::new(own, Vec::new(), true));
    assert!(!is_blocked(&live, "203.0.113.1"));
}
