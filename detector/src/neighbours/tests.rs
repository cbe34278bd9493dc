use super::*;
use crate::limits::PROGRAMS_MAX;
use crate::policy::PriceBudget;
use crate::stage::kin::{Kin, KinNames};
use domain::{Action, Timestamp};

const MINUTE: i64 = 60_000;

/// A request of the program with that number; hashes of agents are odd.
fn used(at_millis: i64, number: u32) -> Use {
    Use {
        owner: 1,
        at_millis,
        agent: number * 2 + 1,
        fingerprint: 0,
        is_new_agent: false,
        is_success: true,
        is_telling: false,
        earlier: None,
        name: None,
    }
}

fn telling(at_millis: i64, agent: u32) -> Use {
    Use {
        is_success: false,
        is_telling: true,
        name: Some(Name {
            agent: format!("agent/{agent}").into(),
            fingerprint: Box::default(),
        }),
        ..used(at_millis, agent)
    }
}

/// So many programs, each with twenty successful requests over twenty minutes.
fn shared(programs: u32) -> Neighbours {
    let mut neighbours = Neighbours::default();
    let visits = (0..20).flat_map(|minute| {
        (1..=programs).map(move |agent| Use {
            is_new_agent: minute == 0,
            ..used(minute * MINUTE, agent)
        })
    });
    neighbours.take(visits);
    neighbours
}

fn reached(neighbours: &Neighbours, action: Action, at_millis: i64) -> Reach {
    let names = KinNames::default();
    let accused = Accused {
        kin: Kin::default(),
        names: &names,
        successes: 0.0,
    };
    reach(
        neighbours.get(1).unwrap(),
        (action, None),
        accused,
        &PriceBudget::default(),
        Timestamp::from_millis(at_millis),
    )
}

fn price_of(reach: &Reach) -> domain::Price {
    match reach {
        Reach::Whole(price) | Reach::Slow(price, _) | Reach::Nobody(price, _) => *price,
        Reach::Program { spared, .. } => *spared,
    }
}

#[test]
fn others_are_those_with_a_history_and_not_the_one_at_fault() {
    let mut neighbours = shared(5);
    neighbours.take((0..10).map(|step| telling(20 * MINUTE + step, 9)));
    let reached = reached(&neighbours, Action::Block, 21 * MINUTE);
    let price = price_of(&reached);
    assert_eq!((price.clients, price.successful_requests), (5, 100));
    assert!(matches!(reached, Reach::Program { .. }), "{reached:?}");
}

#[test]
fn the_price_is_that_of_the_latest_day() {
    let neighbours = shared(5);
    let day = 24 * 60 * MINUTE;
    let price = |at| price_of(&reached(&neighbours, Action::Block, at));
    assert_eq!(price(21 * MINUTE).successful_requests, 100);
    assert_eq!(
        price(day + day / 2).successful_requests,
        50,
        "half of the day before"
    );
    assert!(price(day + day / 2).error >= 0.5, "and so uncertain is it");
    assert_eq!(price(3 * day).successful_requests, 0);
}

#[test]
fn where_nobody_can_be_told_apart_all_are_slowed_down_at_most() {
    let mut neighbours = shared(6);
    neighbours
        .take((0..10).flat_map(|step| [telling(20 * MINUTE + step, 8), telling(20 * MINUTE + step, 9)]));
    let block = reached(&neighbours, Action::Block, 21 * MINUTE);
    assert!(matches!(block, Reach::Slow(..)), "{block:?}");
    let throttle = reached(&neighbours, Action::Throttle, 21 * MINUTE);
    assert!(matches!(throttle, Reach::Whole(_)), "{throttle:?}");
}

#[test]
fn invented_programs_do_not_protect_from_being_slowed_down_and_names_do() {
    let mut neighbours = shared(8);
    let throttle = reached(&neighbours, Action::Throttle, 21 * MINUTE);
    assert!(matches!(throttle, Reach::Whole(_)), "{throttle:?}");
    for name in 1..=40u64 {
        neighbours.note_name(1, name.wrapping_mul(0x9e37_79b9_7f4a_7c15), 20 * MINUTE);
    }
    let throttle = reached(&neighbours, Action::Throttle, 21 * MINUTE);
    assert!(matches!(throttle, Reach::Nobody(..)), "{throttle:?}");
}

#[test]
fn whoever_rotates_programs_is_at_fault_under_none_of_them() {
    let mut neighbours = shared(6);
    neighbours.take((0..200).map(|step| Use {
        is_new_agent: true,
        ..telling(20 * MINUTE + i64::from(step), 100 + step)
    }));
    let behind = neighbours.get(1).unwrap();
    assert!(behind.culprit(&[], Timestamp::from_millis(21 * MINUTE)).is_none());
    let block = reached(&neighbours, Action::Block, 21 * MINUTE);
    assert!(matches!(block, Reach::Slow(..)), "{block:?}");
    assert_eq!(price_of(&block).clients, 5, "one of the six may be it");
}

#[test]
fn programs_that_gave_way_still_count() {
    let many = u32::try_from(PROGRAMS_MAX).unwrap() * 3;
    let mut neighbours = Neighbours::default();
    for agent in 1..=many {
        let from = i64::from(agent) * 20 * MINUTE;
        neighbours.take((0..20).map(|minute| Use {
            is_new_agent: minute == 0,
            ..used(from + minute * MINUTE, agent)
        }));
    }
    let at = i64::from(many + 1) * 20 * MINUTE;
    let price = price_of(&reached(&neighbours, Action::Block, at));
    assert!((20..=24).contains(&price.clients), "{price:?}");
    assert!((440..=480).contains(&price.successful_requests), "{price:?}");
}

#[test]
fn what_came_before_the_second_program_is_the_first_ones() {
    let mut neighbours = Neighbours::default();
    let earlier = Earlier {
        first_millis: 0,
        last_millis: 20 * MINUTE,
        requests: 50,
        successes: 50,
    };
    let second = Use {
        is_new_agent: true,
        earlier: Some(earlier),
        ..used(20 * MINUTE, 2)
    };
    neighbours.take([second, used(20 * MINUTE + 1, 1)].into_iter());
    let at = Timestamp::from_millis(21 * MINUTE);
    let others = neighbours.get(1).unwrap().others(Some(1), at);
    assert_eq!((others.clients, others.day), (1.0, 51.0));
}

#[test]
fn a_full_table_forgets_those_of_whom_least_is_lost() {
    let mut neighbours = shared(3);
    let many = crate::limits::NEIGHBOURS_MAX as u64 + 10;
    neighbours.take((2..many).map(|owner| Use { owner, ..used(0, 1) }));
    neighbours.forget();
    assert!(neighbours.remembered() <= crate::limits::NEIGHBOURS_MAX);
    assert!(neighbours.get(1).is_some() && neighbours.forgotten > 0);
}

#[test]
fn what_is_masked_or_too_long_is_not_written_into_a_decision() {
    let line = crate::testing::Line::new(0, 1, "/", 200);
    let record = line.record(1);
    assert_eq!(&*Name::of(&record, str::to_owned).agent, "agent/1");
    assert!(Name::of(&record, |text| text.replace('1', "…")).is_empty());
}
