//! What a point is to hold: one case each.

use super::*;
use domain::blocklist::Blocklist;
use domain::{
    Action, Allowlist, Decision, DecisionId, Mode, Origin, Price, Scope, StampedDecision, ThreatKind,
    Timestamp,
};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

const DENY: Expresses = Expresses {
    scopes: &[Scope::Ip, Scope::Range],
    actions: &[Action::Throttle, Action::Block],
    capacity: None,
    is_aggregated: false,
    is_disjoint: false,
};

fn decided(seq: u64, client: Client, action: Action, secs: u32, origin: Origin) -> StampedDecision {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&seq.to_be_bytes());
    let decision = Decision {
        id: DecisionId(id),
        client,
        conditions: Vec::new(),
        gateways: Vec::new(),
        action,
        priority: 50,
        origin,
        price: Price::default(),
        threat: ThreatKind::Reconnaissance,
        alert_id: None,
        reason: "it was tried".to_owned(),
        event_at: NOW,
        ttl_secs: secs,
        mode: Mode::Enforced,
        model: String::new(),
        completeness: None,
    };
    StampedDecision::stamp(decision, seq, NOW)
}

fn client(text: &str) -> Client {
    Client::from_range(text.parse().expect(text))
}

/// The list of decisions: client, action, seconds.
fn list(decisions: &[(&str, Action, u32)]) -> Blocklist {
    let mut list = Blocklist::new(&Allowlist::new(Vec::new(), Vec::new(), true), NOW);
    for (seq, (text, action, secs)) in (1..).zip(decisions) {
        list.apply_decision(&decided(seq, client(text), *action, *secs, Origin::Rule));
    }
    list
}

/// What a point is to hold, as text.
fn held(wanted: &Wanted) -> Vec<String> {
    let shown = |item: &Item| format!("{} {}", item.client, item.action);
    wanted.items.values().map(shown).collect()
}

#[test]
fn of_several_decisions_about_one_client_the_strongest_counts() {
    let list = list(&[
        ("203.0.113.9/32", Action::Throttle, 9000),
        ("203.0.113.9/32", Action::Block, 600),
    ]);
    let wanted = Wanted::of(&list, None, &DENY);
    assert_eq!(held(&wanted), ["203.0.113.9 block"]);
}

#[test]
fn what_a_range_covers_is_left_out_unless_it_does_or_lasts_more() {
    let list = list(&[
        ("203.0.113.0/24", Action::Throttle, 600),
        ("203.0.113.7/32", Action::Throttle, 60),
        ("203.0.113.8/32", Action::Throttle, 6000),
        ("203.0.113.9/32", Action::Block, 60),
        ("203.0.113.64/26", Action::Throttle, 60),
        ("198.51.100.1/32", Action::Throttle, 60),
        ("2001:db8::/32", Action::Block, 600),
        ("2001:db8:1:2::/64", Action::Block, 60),
    ]);
    let wanted = Wanted::of(&list, None, &DENY);
    let expected = [
        "198.51.100.1 throttle",
        "203.0.113.8 throttle",
        "203.0.113.9 block",
        "203.0.113.0/24 throttle",
        "2001:db8::/32 block",
    ];
    assert_eq!(held(&wanted), expected);
}

#[test]
fn where_ranges_may_not_overlap_a_range_within_another_waits_for_its_end() {
    let mut list = list(&[
        ("203.0.113.0/24", Action::Block, 60),
        ("203.0.113.64/26", Action::Block, 600),
        ("203.0.113.64/27", Action::Block, 6000),
        ("203.0.113.9/32", Action::Block, 600),
    ]);
    let disjoint = Expresses {
        is_disjoint: true,
        ..DENY
    };
    let wanted = Wanted::of(&list, None, &disjoint);
    assert_eq!(held(&wanted), ["203.0.113.9 block", "203.0.113.0/24 block"]);
    list.advance(NOW.plus_secs(61));
    let wanted = Wanted::of(&list, None, &disjoint);
    assert_eq!(held(&wanted), ["203.0.113.9 block", "203.0.113.64/26 block"]);
}

#[test]
fn what_does_not_fit_is_counted() {
    let mut list = list(&[("203.0.113.9/32", Action::Throttle, 60)]);
    let named = Client::parse(Scope::ApiKey, "ab").expect("a name");
    list.apply_decision(&decided(9, named, Action::Block, 60, Origin::Rule));
    let only_blocks = Expresses {
        actions: &[Action::Block],
        ..DENY
    };
    let wanted = Wanted::of(&list, None, &only_blocks);
    assert!(wanted.items.is_empty());
    let expected = [
        (Obstacle::Scope(Scope::ApiKey), 1),
        (Obstacle::Action(Action::Throttle), 1),
    ];
    assert_eq!(wanted.unexpressed, expected.into());
}

#[test]
fn where_room_is_short_a_persons_order_goes_first_then_the_stronger_and_longer() {
    let mut list = list(&[
        ("203.0.113.1/32", Action::Block, 60),
        ("203.0.113.2/32", Action::Block, 600),
        ("203.0.113.3/32", Action::Throttle, 6000),
    ]);
    list.apply_decision(&decided(
        9,
        client("203.0.113.9/32"),
        Action::Throttle,
        30,
        Origin::Operator,
    ));
    let two = Expresses {
        capacity: Some(2),
        ..DENY
    };
    let wanted = Wanted::of(&list, None, &two);
    assert_eq!(held(&wanted), ["203.0.113.2 block", "203.0.113.9 throttle"]);
    assert_eq!(wanted.unexpressed, [(Obstacle::Capacity, 2)].into());
}

#[test]
fn neighbours_are_joined_where_all_of_a_range_was_decided() {
    let list = list(&[
        ("203.0.113.4/32", Action::Block, 60),
        ("203.0.113.5/32", Action::Block, 600),
        ("203.0.113.6/31", Action::Block, 600),
        ("203.0.113.9/32", Action::Block, 600),
        ("203.0.113.10/32", Action::Block, 600),
        ("203.0.113.12/32", Action::Block, 600),
        ("203.0.113.13/32", Action::Throttle, 600),
    ]);
    let joined = Expresses {
        is_aggregated: true,
        ..DENY
    };
    let wanted = Wanted::of(&list, None, &joined);
    let expected = [
        "203.0.113.9 block",
        "203.0.113.10 block",
        "203.0.113.12 block",
        "203.0.113.13 throttle",
        "203.0.113.4/30 block",
    ];
    assert_eq!(held(&wanted), expected);
    let whole = &wanted.items[&client("203.0.113.4/30")];
    assert_eq!(
        whole.expires_at,
        NOW.plus_secs(60),
        "it ends with what ends first"
    );
}

proptest! {
    /// Whatever is left out or joined: each address is done by as was decided, no more and no less.
    #[test]
    fn every_address_is_treated_as_decided(
        decisions in prop::collection::vec((0u8..32, 24u8..=32, any::<bool>(), 1u32..5), 0..24),
        is_aggregated in any::<bool>(),
    ) {
        let decided: Vec<(String, Action, u32)> = decisions
            .iter()
            .map(|(last, length, is_block, minutes)| {
                let action = if *is_block { Action::Block } else { Action::Throttle };
                (format!("203.0.113.{last}/{length}"), action, minutes * 60)
            })
            .collect();
        let rows: Vec<(&str, Action, u32)> =
            decided.iter().map(|(text, action, secs)| (text.as_str(), *action, *secs)).collect();
        let list = list(&rows);
        let wanted = Wanted::of(&list, None, &Expresses { is_aggregated, ..DENY });
        for last in 0..=255u8 {
            let address = std::net::IpAddr::from([203, 0, 113, last]);
            let decided = list.check_address(address, None).map(|entry| entry.action);
            let held = wanted.items.values().filter(|item| item.client.covers_address(address)).map(|item| item.action).max();
            prop_assert_eq!(decided, held, "{}", address);
        }
    }
}
