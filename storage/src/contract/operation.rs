//! Figures, leases, rejected lines, retention, health.

use super::{AnyStore, START, decision, ip, order};
use crate::{
    ALARMS_KEPT, AlarmRecord, DriftDay, Error, FeatureDrift, Fence, HOURS_KEPT, HourRecord, ModelDrift,
    ModelPart, ModelRecord, ModelWatch, REJECTED_MAX, RejectedSample, Retention, StatsBucket,
};
use domain::{Action, OrderKind};
use serde_json::json;

pub(crate) async fn figures_are_summed_over_nodes_and_counted_once(store: AnyStore) {
    let bucket = |minute: i64, requests| StatsBucket {
        minute: START.plus_secs(60 * minute),
        requests,
        rejected: 1,
        clients: 2,
        alerts: 3,
        blocks: 4,
        stopped: 5,
    };
    store
        .put_stats("a", &[bucket(0, 10), bucket(1, 20)])
        .await
        .unwrap();
    store.put_stats("b", &[bucket(1, 5)]).await.unwrap();
    store.put_stats("a", &[bucket(1, 21)]).await.unwrap();
    let sums = store
        .stats(START.plus_secs(60), START.plus_secs(120))
        .await
        .unwrap();
    let expected = StatsBucket {
        requests: 26,
        rejected: 2,
        clients: 4,
        alerts: 6,
        blocks: 8,
        stopped: 10,
        ..bucket(1, 0)
    };
    assert_eq!(sums, [expected]);
    assert_eq!(store.stats(START, START.plus_secs(120)).await.unwrap().len(), 2);
}

pub(crate) async fn hours_are_replaced_and_only_the_latest_are_kept(store: AnyStore) {
    let hour = |number: i64, requests, usual| HourRecord {
        hour: START.plus_secs(3600 * number),
        requests,
        failed_sign_ins: 3,
        usual,
    };
    let usual = Some([(10, 20), (0, 4)]);
    store
        .put_hours(&[hour(0, 5, None), hour(1, 6, None)])
        .await
        .unwrap();
    store.put_hours(&[hour(1, 7, usual)]).await.unwrap();
    assert_eq!(
        store.hours(24).await.unwrap(),
        [hour(0, 5, None), hour(1, 7, usual)]
    );
    assert_eq!(store.hours(1).await.unwrap(), [hour(1, 7, usual)]);
    let many: Vec<HourRecord> = (0..i64::from(HOURS_KEPT) + 5)
        .map(|number| hour(number, 1, usual))
        .collect();
    store.put_hours(&many).await.unwrap();
    assert_eq!(store.hours(u32::MAX).await.unwrap(), many[5..]);
}

pub(crate) async fn alarms_are_replaced_and_those_that_go_on_stay(store: AnyStore) {
    let alarm = |number: i64, cleared: Option<i64>| AlarmRecord {
        name: "source_silent".to_owned(),
        source: format!("s{number}"),
        since: START.plus_secs(number),
        severity: "critical".to_owned(),
        cause: "nothing comes".to_owned(),
        setting: "files[0].path".to_owned(),
        next: "look".to_owned(),
        cleared_at: cleared.map(|secs| START.plus_secs(secs)),
    };
    store.put_alarms(&[alarm(1, None), alarm(2, None)]).await.unwrap();
    store.put_alarms(&[alarm(2, Some(9))]).await.unwrap();
    assert_eq!(
        store.alarms(9).await.unwrap(),
        [alarm(1, None), alarm(2, Some(9))]
    );
    assert_eq!(store.alarms(1).await.unwrap(), [alarm(1, None)]);
    let many: Vec<AlarmRecord> = (10..i64::from(ALARMS_KEPT) + 20)
        .map(|number| alarm(number, Some(number)))
        .collect();
    store.put_alarms(&many).await.unwrap();
    let kept = store.alarms(u32::MAX).await.unwrap();
    assert_eq!(kept.len(), ALARMS_KEPT as usize);
    assert_eq!((&kept[0], kept.last()), (&alarm(1, None), many.get(11)));
}

pub(crate) async fn a_lease_has_one_holder_and_a_growing_fence(store: AnyStore) {
    let acquire = |holder: &'static str, secs: i64| {
        let store = store.clone();
        async move {
            store
                .acquire_lease("sequencer", holder, 10, START.plus_secs(secs))
                .await
                .unwrap()
        }
    };
    let first = acquire("a", 0).await.unwrap();
    assert_eq!(acquire("b", 5).await, None);
    let renewed = acquire("a", 6).await.unwrap();
    assert_eq!((renewed.fence, renewed.until), (first.fence, START.plus_secs(16)));
    let taken = acquire("b", 16).await.unwrap();
    assert!(taken.fence > first.fence);
    assert_eq!(acquire("a", 17).await, None);
    let now = START.plus_secs(17);
    assert!(!store.release_lease("sequencer", first.fence, now).await.unwrap());
    assert!(store.release_lease("sequencer", taken.fence, now).await.unwrap());
    // The same holder after a lapse gets a new fence: somebody else may have held the lease meanwhile.
    let again = acquire("b", 18).await.unwrap();
    assert!(again.fence > taken.fence);
}

pub(crate) async fn a_writer_without_its_lease_is_refused(store: AnyStore) {
    let old = store
        .acquire_lease("sequencer", "a", 10, START)
        .await
        .unwrap()
        .unwrap();
    let fence = |token| Fence {
        lease: "sequencer".to_owned(),
        token,
    };
    let client = ip("203.0.113.1");
    let block = [decision(&client, Action::Block)];
    let late = START.plus_secs(20);
    let lapsed = store
        .append_decisions(&block, Some(&fence(old.fence)), late)
        .await;
    assert!(
        matches!(lapsed, Err(Error::Fenced { .. })),
        "a lapsed lease writes nothing"
    );
    let new = store
        .acquire_lease("sequencer", "b", 10, late)
        .await
        .unwrap()
        .unwrap();
    let old_writer = store
        .append_decisions(&block, Some(&fence(old.fence)), late)
        .await;
    assert!(matches!(old_writer, Err(Error::Fenced { .. })));
    assert_eq!(store.tail_decisions(0, 10).await.unwrap(), []);
    let new_writer = store
        .append_decisions(&block, Some(&fence(new.fence)), late)
        .await
        .unwrap();
    assert_eq!(new_writer.len(), 1);
}

pub(crate) async fn rejected_lines_are_bounded(store: AnyStore) {
    let sample = |line| RejectedSample {
        at: START,
        source: "access.log".to_owned(),
        line,
        reason: "no known format".to_owned(),
        sample: "é".repeat(3000),
    };
    for batch in 0..3 {
        let lines: Vec<_> = (batch * 400..(batch + 1) * 400).map(sample).collect();
        store.add_rejected(&lines).await.unwrap();
    }
    let kept = store.rejected(u32::MAX).await.unwrap();
    assert_eq!(kept.len() as u64, REJECTED_MAX);
    assert_eq!((kept[0].line, kept[999].line), (1199, 200));
    assert_eq!(kept[0].sample.len(), 2048);
}

pub(crate) async fn models_and_settings_are_kept(store: AnyStore) {
    let model = |version: &str, secs: i64| ModelRecord {
        version: version.to_owned(),
        created_at: START.plus_secs(secs),
        activated_at: None,
        retired_at: None,
        card: json!({"false_blocks": 0.001}),
        watch: None,
    };
    store.put_model(&model("a", 0)).await.unwrap();
    store.put_model(&model("b", 1)).await.unwrap();
    let mut active = model("b", 1);
    active.activated_at = Some(START.plus_secs(5));
    store.put_model(&active).await.unwrap();
    assert_eq!(store.models().await.unwrap(), [active.clone(), model("a", 0)]);
    // What was seen is replaced, leaves the rest as it is, and goes with the record.
    let mut watch = ModelWatch {
        part: ModelPart::Champion,
        at_millis: 17,
        agreement: None,
        drift: Some(ModelDrift {
            day: 20_784,
            is_whole: true,
            client_days: 812,
            beyond: 3,
            client_days_before: 5000,
            large: 0.25,
            client_days_min: 500,
            features: vec![FeatureDrift {
                name: "gap_mean".to_owned(),
                model: 0.5,
                site: Some(0.01),
            }],
            reference: "0123".to_owned(),
            days: vec![DriftDay {
                day: 20_783,
                beyond: 1,
                counts: vec![vec![400, 411]],
            }],
        }),
    };
    store.watch_model("b", &watch).await.unwrap();
    store.watch_model("nobody", &watch).await.unwrap();
    watch.part = ModelPart::Challenger;
    store.watch_model("b", &watch).await.unwrap();
    active.watch = Some(watch);
    assert_eq!(store.models().await.unwrap(), [active.clone(), model("a", 0)]);
    active.watch = None;
    store.put_model(&active).await.unwrap();
    assert_eq!(store.models().await.unwrap(), [active, model("a", 0)]);
    assert_eq!(store.setting_or_insert("key", "one").await.unwrap(), "one");
    assert_eq!(store.setting_or_insert("key", "two").await.unwrap(), "one");
}

pub(crate) async fn retention_drops_what_is_past_its_time_and_nothing_else(store: AnyStore) {
    let (short, long) = (ip("203.0.113.1"), ip("203.0.113.2"));
    let ended = decision(&short, Action::Block);
    let mut in_force = decision(&long, Action::Block);
    in_force.ttl_secs = 1_000_000;
    store
        .append_decisions(&[ended.clone(), in_force.clone()], None, START)
        .await
        .unwrap();
    let allow = order(OrderKind::Allow { until: None }, &short);
    store.append_order(&allow, START).await.unwrap();
    let bucket = StatsBucket {
        minute: START,
        ..StatsBucket::default()
    };
    store.put_stats("a", &[bucket]).await.unwrap();
    let retention = Retention {
        decisions_secs: 100,
        stats_secs: 100,
        ..Retention::default()
    };
    let early = store.retain(START.plus_secs(100), &retention).await.unwrap();
    assert_eq!((early.decisions, early.stats), (0, 1));
    let late = store.retain(START.plus_secs(3700), &retention).await.unwrap();
    assert_eq!((late.decisions, late.is_over_cap), (1, false));
    assert_eq!(store.decision(ended.id).await.unwrap(), None);
    assert!(store.decision(in_force.id).await.unwrap().is_some());
    assert_eq!(
        store.tail_orders(0, 10).await.unwrap().len(),
        1,
        "the journal is kept for good"
    );
}

pub(crate) async fn a_size_cap_drops_the_oldest_and_never_what_is_in_force(store: AnyStore) {
    let mut decisions = Vec::new();
    for number in 0..3000u32 {
        let client = ip(&address(number));
        let mut decision = decision(&client, Action::Block);
        decision.ttl_secs = if number < 2900 { 10 } else { 1_000_000 };
        decisions.push(decision);
    }
    for batch in decisions.chunks(500) {
        store.append_decisions(batch, None, START).await.unwrap();
    }
    let now = START.plus_secs(20);
    let full = store.retain(now, &Retention::default()).await.unwrap().bytes;
    let retention = Retention {
        bytes_max: full * 9 / 10,
        ..Retention::default()
    };
    let report = store.retain(now, &retention).await.unwrap();
    assert_eq!((report.decisions, report.is_over_cap), (2000, false));
    let retention = Retention {
        bytes_max: 1,
        ..Retention::default()
    };
    let report = store.retain(now, &retention).await.unwrap();
    assert!(report.is_over_cap, "what is in force is not dropped for space");
    let left = store.tail_decisions(0, 5000).await.unwrap();
    assert_eq!(left.len(), 100);
    assert!(left.iter().all(|row| row.expires_at > now));
}

fn address(number: u32) -> String {
    std::net::Ipv4Addr::from(0xC612_0000 + number).to_string()
}

pub(crate) async fn health_names_the_backend_and_the_newest_position(store: AnyStore) {
    let allow = order(OrderKind::Disallow, &ip("203.0.113.1"));
    let receipt = store.append_order(&allow, START).await.unwrap();
    let health = store.health().await.unwrap();
    assert_eq!(health.last_seq, receipt.order.seq);
    assert!(
        crate::BACKENDS
            .iter()
            .any(|backend| backend.name == health.backend)
    );
    assert!(health.schema >= 2);
    store.close().await;
    let error = store.health().await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
}
