//! What the search for payloads costs on an ordinary line, and on the worst line that an attacker can write.
//!
//! Limits, one core of a Zen 4 class server: an ordinary line 150 ns with all of its signals, the worst line 25 µs.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use detector::signal;
use domain::{AddressSource, Client, Position, RequestRecord, Route, Timestamp};
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

fn record<'a>(path: &'a str, query: &'a str, referer: &'a str) -> RequestRecord<'a> {
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    RequestRecord {
        at: Timestamp::from_millis(0),
        client: Client::from_address(address),
        former: None,
        claim: None,
        address: Some(address),
        address_source: AddressSource::Peer,
        method: Cow::Borrowed("GET"),
        host: None,
        path: Cow::Borrowed(path),
        query: (!query.is_empty()).then_some(Cow::Borrowed(query)),
        route: Route::default(),
        status: 200,
        bytes_in: None,
        bytes_out: None,
        duration_ms: None,
        upstream_ms: None,
        protocol: None,
        user_agent: Some(Cow::Borrowed(referer)),
        referer: Some(Cow::Borrowed(referer)),
        tls: None,
        fingerprint: None,
        network: None,
        is_malformed: false,
        is_ambiguous: false,
        is_stopped: false,
        position: Position::default(),
    }
}

fn payload(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("payload");
    group.throughput(Throughput::Elements(1));
    let page = "https://www.example.com/articles/spring";
    let lines = [
        (
            "page",
            "/articles/2024/spring-in-the-city.html".to_owned(),
            String::new(),
            page.to_owned(),
        ),
        (
            "search",
            "/search".to_owned(),
            "q=rock+and+roll&page=2&sort=name".to_owned(),
            page.to_owned(),
        ),
        (
            "attack",
            "/item".to_owned(),
            "id=1%27+union+select+password+from+users--".to_owned(),
            page.to_owned(),
        ),
        (
            "worst_escapes",
            "/%2527'".repeat(400),
            "q=%2527'(".repeat(400),
            "<'%2527".repeat(400),
        ),
        (
            "worst_comments",
            "/a'/*".repeat(500),
            "q=1'/*(&".repeat(300),
            "<a ='".repeat(500),
        ),
        (
            "worst_commands",
            "/|cat ".repeat(400),
            "q=;cat ;ls |&".repeat(200),
            "<;id ".repeat(500),
        ),
        (
            "worst_fragments",
            "/../..".repeat(400),
            "q=../..{{".repeat(300),
            "<../..".repeat(400),
        ),
    ];
    for (name, path, query, referer) in &lines {
        let record = record(path, query, referer);
        group.bench_function(BenchmarkId::new("line", name), |bencher| {
            bencher.iter(|| signal::read(&record, false, true, u32::MAX));
        });
    }
    group.finish();
}

criterion_group!(benches, payload);
criterion_main!(benches);
