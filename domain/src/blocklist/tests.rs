//! Who wins, what a gateway is told, and what happens at the limits.

use super::{Blocklist, BlocklistLimits, Delta, Entry};
use crate::{
    Action, Allowlist, Client, Decision, DecisionId, Mode, Order, OrderKind, Origin, Price, Scope,
    StampedDecision, ThreatKind, Timestamp,
};

pub(super) const START: Timestamp = Timestamp::from_secs(1_800_000_000);

pub(super) fn at(secs: i64) -> Timestamp {
    START.plus_secs(secs)
}

pub(super) fn client(text: &str) -> Client {
    let scope = match text {
        _ if text.contains('/') => Scope::Range,
        _ if text.contains('.') => Scope::Ip,
        _ => Scope::Subject,
    };
    Client::parse(scope, text).unwrap()
}

/// An enforced block by the model for `ttl_secs`, stored at `now`.
pub(super) fn block(seq: u64, whom: &str, ttl_secs: u32, now: Timestamp) -> StampedDecision {
    let decision = Decision {
        id: DecisionId(u128::from(seq).to_be_bytes()),
        client: client(whom),
        conditions: Vec::new(),
        gateways: Vec::new(),
        action: Action::Block,
        priority: 50,
        origin: Origin::Model,
        price: Price::default(),
        threat: ThreatKind::Scraping,
        alert_id: None,
        reason: String::new(),
        event_at: now,
        ttl_secs,
        mode: Mode::Enforced,
        model: String::new(),
        completeness: None,
    };
    StampedDecision::stamp(decision, seq, now)
}

pub(super) fn order(seq: u64, whom: &str, kind: OrderKind, now: Timestamp) -> Order {
    Order {
        seq,
        kind,
        client: client(whom),
        reason: "seen in the logs".to_owned(),
        by: "alice".to_owned(),
        from: "cli".to_owned(),
        at: now,
    }
}

fn seqs(list: &Blocklist) -> Vec<u64> {
    let mut seqs: Vec<u64> = list.iter().map(|entry| entry.seq).collect();
    seqs.sort_unstable();
    seqs
}

pub(super) fn empty() -> Blocklist {
    Blocklist::new(&Allowlist::default(), START)
}

fn blocked(list: &Blocklist, address: &str) -> Option<u64> {
    list.check_address(address.parse().unwrap(), None)
        .map(|entry| entry.seq)
}

/// What a delta says, as `+seq` and `-seq`.
fn said(delta: &Delta<'_>) -> Vec<String> {
    let added = delta.added.iter().map(|added| format!("+{}", added.entry.seq));
    let removed = delta
        .removed
        .iter()
        .map(|removed| format!("-{}", removed.entry.seq));
    added.chain(removed).collect()
}

#[test]
fn the_strongest_then_the_longest_entry_applies() {
    let mut list = empty();
    let mut throttle = block(1, "203.0.113.7", 900, START);
    throttle.decision.action = Action::Throttle;
    list.apply_decision(&throttle);
    list.apply_decision(&block(2, "203.0.113.0/24", 60, START));
    list.apply_decision(&block(3, "203.0.113.0/28", 90, START));
    assert_eq!(
        blocked(&list, "203.0.113.7"),
        Some(3),
        "a block goes before a throttle"
    );
    assert_eq!(blocked(&list, "::ffff:203.0.113.99"), Some(2));
    assert_eq!(blocked(&list, "198.51.100.1"), None);
    list.advance(at(90));
    assert_eq!(blocked(&list, "203.0.113.7"), Some(1));
    assert_eq!(list.check_client(&client("203.0.113.0/25"), None), None);
}

#[test]
fn a_conditional_entry_is_listed_but_never_checked() {
    let mut list = empty();
    let mut row = block(1, "203.0.113.7", 900, START);
    row.decision.conditions = vec![client("t13d")];
    list.apply_decision(&row);
    assert_eq!((list.len(), blocked(&list, "203.0.113.7")), (1, None));
    assert!(list.naming(&client("203.0.113.7")).all(Entry::is_conditional));
}

#[test]
fn an_entry_for_one_gateway_does_not_hold_at_another() {
    let mut list = empty();
    let mut row = block(1, "alice", 900, START);
    row.decision.gateways = vec!["edge".to_owned()];
    list.apply_decision(&row);
    let found = |gateway| list.check_client(&client("alice"), gateway).is_some();
    assert_eq!(
        [found(Some("edge")), found(Some("inner")), found(None)],
        [true, false, false]
    );
}

#[test]
fn a_lifted_client_is_not_blocked_again_within_the_grace_period() {
    let mut list = empty();
    list.apply_decision(&block(1, "203.0.113.7", 900, START));
    list.apply_order(&order(
        2,
        "203.0.113.7",
        OrderKind::Lift { grace_secs: 60 },
        at(5),
    ));
    assert_eq!(seqs(&list), []);
    list.apply_decision(&block(3, "203.0.113.7", 900, at(10)));
    list.advance(at(64));
    assert_eq!(seqs(&list), []);
    list.advance(at(65));
    assert_eq!(
        seqs(&list),
        [3],
        "what was decided meanwhile comes into force after the grace"
    );
}

#[test]
fn a_persons_block_ends_the_grace_and_the_allow_entry_of_the_same_client() {
    let mut list = empty();
    list.apply_order(&order(
        1,
        "203.0.113.7",
        OrderKind::Lift { grace_secs: 600 },
        START,
    ));
    list.apply_order(&order(2, "203.0.113.7", OrderKind::Allow { until: None }, START));
    list.apply_decision(&block(3, "203.0.113.7", 900, START));
    assert_eq!(seqs(&list), []);
    list.apply_order(&order(4, "203.0.113.7", OrderKind::Block { ttl_secs: 60 }, at(1)));
    let mut word = block(5, "203.0.113.7", 60, at(1));
    word.decision.origin = Origin::Operator;
    list.apply_decision(&word);
    assert_eq!(seqs(&list), [3, 5]);
}

#[test]
fn an_allow_entry_takes_existing_blocks_of_everything_it_overlaps_back_at_once() {
    let mut list = empty();
    list.apply_decision(&block(1, "203.0.113.7", 900, START));
    list.apply_decision(&block(2, "203.0.0.0/16", 900, START));
    list.apply_decision(&block(3, "198.51.100.7", 900, START));
    let until = Some(at(100));
    list.apply_order(&order(4, "203.0.113.0/24", OrderKind::Allow { until }, at(1)));
    assert_eq!(seqs(&list), [3]);
    list.advance(at(100));
    assert_eq!(seqs(&list), [1, 2, 3], "and gives them back when it ends");
}

#[test]
fn a_revoked_decision_does_not_come_back_stronger() {
    let mut list = empty();
    let throttle = block(1, "203.0.113.7", 900, START);
    list.apply_decision(&throttle);
    let id = throttle.decision.id;
    list.apply_order(&order(
        2,
        "203.0.113.7",
        OrderKind::Revoke { decision: id },
        at(1),
    ));
    let mut stronger = block(3, "203.0.113.7", 900, at(2));
    stronger.decision.id = id;
    list.apply_decision(&stronger);
    assert_eq!(seqs(&list), []);
}

#[test]
fn a_full_list_takes_no_more_machine_decisions_but_still_a_persons() {
    let limits = BlocklistLimits {
        entries_max: 2,
        operator_reserve: 1,
        ..BlocklistLimits::default()
    };
    let mut list = Blocklist::with_limits(&Allowlist::default(), START, limits);
    for seq in 1..=3 {
        list.apply_decision(&block(seq, &format!("203.0.113.{seq}"), 900, START));
    }
    for seq in 4..=5 {
        let mut word = block(seq, &format!("203.0.113.{seq}"), 900, START);
        word.decision.origin = Origin::Operator;
        list.apply_decision(&word);
    }
    assert_eq!(seqs(&list), [1, 2, 4]);
    assert_eq!((list.overflow().machine, list.overflow().operator), (1, 1));
}

#[test]
fn a_full_memory_of_orders_forgets_what_is_spent_and_counts_the_rest() {
    let limits = BlocklistLimits {
        orders_max: 2,
        ..BlocklistLimits::default()
    };
    let mut list = Blocklist::with_limits(&Allowlist::default(), START, limits);
    list.apply_order(&order(1, "203.0.113.1", OrderKind::Lift { grace_secs: 5 }, START));
    list.apply_order(&order(2, "203.0.113.2", OrderKind::Allow { until: None }, START));
    list.advance(at(10));
    list.apply_order(&order(3, "203.0.113.3", OrderKind::Allow { until: None }, at(10)));
    assert_eq!(list.overflow().orders, 0);
    list.apply_decision(&block(4, "203.0.113.4", 900, at(10)));
    list.apply_order(&order(
        5,
        "203.0.113.4",
        OrderKind::Lift { grace_secs: 5 },
        at(10),
    ));
    assert_eq!(
        (list.overflow().orders, seqs(&list)),
        (1, Vec::new()),
        "a lift still ends what is there"
    );
}

#[test]
fn a_gateway_is_told_of_the_end_of_the_last_entry_of_a_key_only() {
    let mut list = empty();
    list.apply_decision(&block(1, "203.0.113.7", 600, START));
    list.apply_decision(&block(2, "203.0.113.7", 1800, START));
    let all = |_: &Entry| true;
    let start: Vec<u64> = list.strongest(all).map(|entry| entry.seq).collect();
    assert_eq!(start, [2], "the longest of a key");
    let generation = list.generation();
    list.advance(at(600));
    assert_eq!(said(&list.delta_since(generation, all).unwrap()), [] as [&str; 0]);
    list.advance(at(1800));
    assert_eq!(said(&list.delta_since(generation, all).unwrap()), ["-2"]);
    assert_eq!(said(&list.delta_since_time(at(1799), all).unwrap()), ["-2"]);
    assert_eq!(
        said(&list.delta_since_time(at(1800), all).unwrap()),
        [] as [&str; 0]
    );
}

#[test]
fn what_went_and_came_back_is_only_added() {
    let mut list = empty();
    list.apply_decision(&block(1, "203.0.113.7", 60, START));
    let generation = list.generation();
    list.advance(at(60));
    list.apply_decision(&block(2, "203.0.113.7", 60, at(60)));
    let all = |_: &Entry| true;
    assert_eq!(said(&list.delta_since(generation, all).unwrap()), ["+2"]);
    let others = |entry: &Entry| entry.seq != 2;
    assert_eq!(
        said(&list.delta_since(generation, others).unwrap()),
        ["-1"],
        "to whom 2 is not visible"
    );
}

#[test]
fn a_shorter_entry_behind_a_longer_one_is_not_news() {
    let mut list = empty();
    list.apply_decision(&block(1, "203.0.113.7", 600, START));
    let generation = list.generation();
    list.apply_decision(&block(2, "203.0.113.7", 60, START));
    assert_eq!(
        said(&list.delta_since(generation, |_| true).unwrap()),
        [] as [&str; 0]
    );
}

#[test]
fn a_gateway_that_was_away_too_long_must_take_the_whole_list() {
    let limits = BlocklistLimits {
        changes_max: 3,
        changes_burst_max: 3,
        ..BlocklistLimits::default()
    };
    let mut list = Blocklist::with_limits(&Allowlist::default(), START, limits);
    let first = list.generation();
    for seq in 1..=4 {
        list.advance(at(seq as i64));
        list.apply_decision(&block(seq, &format!("203.0.113.{seq}"), 900, list.now()));
    }
    let all = |_: &Entry| true;
    assert_eq!(list.delta_since(first, all), None);
    assert_eq!(list.delta_since_time(START, all), None);
    assert_eq!(
        said(&list.delta_since(first + 1, all).unwrap()),
        ["+2", "+3", "+4"]
    );
    assert_eq!(
        said(&list.delta_since_time(at(1), all).unwrap()),
        ["+2", "+3", "+4"]
    );
    assert_eq!(list.delta_since(0, all), None);
    let later = Blocklist::new(&Allowlist::default(), at(5));
    assert_eq!(
        later.delta_since(list.generation(), all),
        None,
        "a generation from an earlier life"
    );
    assert_eq!(
        list.delta_since(later.generation(), all),
        None,
        "a generation from the future"
    );
}

#[test]
fn a_list_that_changes_at_once_is_remembered_for_an_hour_however_long_it_is() {
    let limits = BlocklistLimits {
        changes_max: 3,
        changes_burst_max: 12,
        ..BlocklistLimits::default()
    };
    let mut list = Blocklist::with_limits(&Allowlist::default(), START, limits);
    for seq in 1..=6 {
        list.apply_decision(&block(seq, &format!("203.0.113.{seq}"), 9000, START));
    }
    let generation = list.generation();
    list.advance(at(60));
    let suspend = OrderKind::Suspend { until: None };
    let everybody = crate::Client::everybody();
    list.apply_order(&Order {
        client: everybody.clone(),
        ..order(7, "203.0.113.1", suspend, at(60))
    });
    let all = |_: &Entry| true;
    let gone = ["-1", "-2", "-3", "-4", "-5", "-6"];
    assert_eq!(said(&list.delta_since(generation, all).unwrap()), gone);
    assert_eq!(list.changes_since(generation), Some(6));

    // Whoever has to take the whole list is told what is left of them.
    list.advance(at(61));
    list.apply_order(&Order {
        client: everybody,
        ..order(8, "203.0.113.1", OrderKind::Resume, at(61))
    });
    assert_eq!(
        list.delta_since(generation - 6, all),
        None,
        "18 changes, room for 12"
    );
    assert_eq!(
        said(&list.delta_since(generation, all).unwrap()),
        ["+1", "+2", "+3", "+4", "+5", "+6"]
    );
    list.advance(at(9000));
    let removed = list.removed_since(at(8000), all);
    let removed: Vec<u64> = removed.iter().map(|removed| removed.entry.seq).collect();
    assert_eq!(removed, [1, 2, 3, 4, 5, 6]);
    assert_eq!(list.delta_since(generation, all), None, "an hour has passed");
}
