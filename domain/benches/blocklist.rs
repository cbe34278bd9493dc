//! What a lookup and a change cost at a million entries. Limits: a lookup under 200 ns, a change in microseconds.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use domain::blocklist::Blocklist;
use domain::{
    Action, Allowlist, Client, Decision, DecisionId, Mode, Order, OrderKind, Origin, Price, StampedDecision,
    ThreatKind, Timestamp,
};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const ENTRIES: u64 = 1_000_000;
const START: Timestamp = Timestamp::from_secs(1_800_000_000);

/// A public address that looks random and is the same in every run (splitmix64).
fn scattered(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn address(number: u64) -> IpAddr {
    let bits = scattered(number);
    if number % 8 == 7 {
        IpAddr::V6(Ipv6Addr::from(
            (0x2001_0db8_u128 << 96) | (u128::from(bits) << 32),
        ))
    } else {
        // 16.0.0.0 to 95.255.255.255: public throughout.
        IpAddr::V4(Ipv4Addr::from(0x1000_0000 + (bits % 0x5000_0000) as u32))
    }
}

fn row(seq: u64, client: Client) -> StampedDecision {
    let decision = Decision {
        id: DecisionId(u128::from(seq).to_be_bytes()),
        client,
        conditions: Vec::new(),
        gateways: Vec::new(),
        action: Action::Block,
        priority: 50,
        origin: Origin::Model,
        price: Price::default(),
        threat: ThreatKind::Scraping,
        alert_id: None,
        reason: String::new(),
        event_at: START,
        ttl_secs: 3600 + (seq % 100_000) as u32,
        mode: Mode::Enforced,
        model: String::new(),
        completeness: None,
    };
    StampedDecision::stamp(decision, seq, START)
}

/// A million entries: addresses, IPv6 clients, and ranges of five lengths.
fn million() -> Blocklist {
    let mut list = Blocklist::new(&Allowlist::default(), START);
    for seq in 0..ENTRIES {
        let mut client = Client::from_address(address(seq));
        if let (0, IpAddr::V4(v4)) = (seq % 100, address(seq)) {
            let len = [24, 22, 20, 25, 28][(seq / 100 % 5) as usize];
            client = Client::from_range(ipnet::IpNet::new_assert(IpAddr::V4(v4), len));
        }
        list.apply_decision(&row(seq, client));
    }
    list
}

fn lookups(criterion: &mut Criterion) {
    let list = million();
    let mut number = 0;
    let mut next = move || {
        number = (number + 7919) % ENTRIES;
        number
    };
    // Limit: 200 ns, so that a check costs less than reading the request's headers.
    criterion.bench_function("check_address, hit among a million (limit 200 ns)", |bencher| {
        bencher.iter(|| black_box(list.check_address(address(next()), None)));
    });
    criterion.bench_function("check_address, miss among a million (limit 200 ns)", |bencher| {
        bencher.iter(|| black_box(list.check_address(address(next() + 2 * ENTRIES), None)));
    });
}

fn changes(criterion: &mut Criterion) {
    let mut list = million();
    let mut seq = ENTRIES - 1;
    // Limit: 20 microseconds for a decision that comes and is lifted again.
    criterion.bench_function("decision and lift at a million (limit 20 us)", |bencher| {
        bencher.iter_batched(
            || {
                seq += 2;
                let client = Client::from_address(address(seq + 3 * ENTRIES));
                let lift = Order {
                    seq: seq + 1,
                    kind: OrderKind::Lift { grace_secs: 0 },
                    client: client.clone(),
                    reason: String::new(),
                    by: String::new(),
                    from: String::new(),
                    at: START,
                };
                (row(seq, client), lift)
            },
            |(row, lift)| {
                list.apply_decision(&row);
                list.apply_order(&lift);
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = lookups, changes
}
criterion_main!(benches);
