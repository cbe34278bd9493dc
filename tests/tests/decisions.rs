//! Mixed traffic through Kafka: attackers are blocked, harmless clients are not, and the same lines give the
//! same decisions again.

use anyhow::Result;
use domain::Timestamp;
use portcullis_tests::component::{Kafka, Portcullis, Setup};
use portcullis_tests::stream::{Line, Publisher, ago, benign, merged, scanner, slow_scanner};
use std::collections::BTreeSet;

const SCANNER: &str = "203.0.113.66";
const SLOW_SCANNER: &str = "203.0.113.99";
const HARMLESS_LINES: usize = 4_000;

/// Half an hour and more of harmless clients, a scanner in the middle, and one that takes all the time.
fn mixed(start: Timestamp) -> Result<Vec<Line>> {
    Ok(merged([
        benign(11, start, HARMLESS_LINES)?,
        scanner(SCANNER, start.plus_secs(1_500), 120),
        slow_scanner(SLOW_SCANNER, start.plus_secs(60), 100),
    ]))
}

/// Lets a new service read those lines from that many partitions, and returns it when it has read all of them.
fn read_all(topic: &str, partitions: i32, lines: &[Line]) -> Result<Portcullis> {
    let kafka = Kafka::shared()?;
    kafka.create_topic(topic, partitions)?;
    Publisher::new(kafka)?.lines(topic, 0..partitions, lines)?;
    let portcullis = Portcullis::start(&Setup::new().kafka(&kafka.bootstrap()?, topic, &[topic]))?;
    let count = lines.len() as f64;
    portcullis.wait_until("it read every line", |portcullis| {
        Ok(portcullis.metrics("requests_total")? >= count)
    })?;
    Ok(portcullis)
}

/// Clients that are blocked, by the id of each block.
fn blocks(portcullis: &Portcullis) -> Result<BTreeSet<(String, String)>> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let decisions = portcullis.decisions()?;
    let blocks = decisions.iter().filter(|decision| decision["action"] == "block");
    Ok(blocks
        .map(|block| (text(&block["value"]), text(&block["id"])))
        .collect())
}

#[test]
fn attackers_are_blocked_and_harmless_clients_are_not() -> Result<()> {
    let portcullis = read_all("an-hour", 4, &mixed(ago(3_700))?)?;
    portcullis.wait_until("it blocked both scanners", |portcullis| {
        let blocked: BTreeSet<String> = blocks(portcullis)?
            .into_iter()
            .map(|(client, _)| client)
            .collect();
        Ok(blocked.contains(SCANNER) && blocked.contains(SLOW_SCANNER))
    })?;
    let blocked: BTreeSet<String> = blocks(&portcullis)?
        .into_iter()
        .map(|(client, _)| client)
        .collect();
    assert_eq!(
        blocked,
        BTreeSet::from([SCANNER.to_owned(), SLOW_SCANNER.to_owned()])
    );
    let alerts = portcullis.alerts()?;
    for address in [SCANNER, SLOW_SCANNER] {
        let alert = alerts.iter().find(|alert| alert["client"]["value"] == address);
        assert!(
            alert.is_some_and(|alert| alert["evidence"][0].is_object()),
            "{alerts:?}"
        );
    }
    assert_eq!(portcullis.metrics("rejected_total")?, 0.0);
    Ok(())
}

#[test]
fn the_same_lines_give_the_same_blocks_again() -> Result<()> {
    let lines = mixed(ago(3_700))?;
    let mut first = read_all("same-lines", 1, &lines)?;
    first.stop()?;
    let mut second = read_all("same-lines-again", 1, &lines)?;
    second.stop()?;
    first.start_again()?;
    second.start_again()?;
    let (first, second) = (blocks(&first)?, blocks(&second)?);
    assert_eq!(first, second);
    assert!(first.len() >= 2, "{first:?}");
    Ok(())
}
