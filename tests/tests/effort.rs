//! More lines than can be handled: less is done for each, in declared steps, and that is told; no line is lost; and what rests on
//! less says so. A step takes a quarter of a
//! minute and is taken back after one.

use anyhow::{Context as _, Result, ensure};
use portcullis_tests::component::{Kafka, Portcullis, Setup};
use portcullis_tests::stream::{Publisher, ago, line, merged, scanner};
use serde_json::Value;

const TOPIC: &str = "flood";

/// Lines that are written between two looks at first, and at most: twice as many whenever it keeps up.
const LINES: usize = 2_000;
const LINES_MAX: usize = 64_000;

/// Looks between which it is seen whether it keeps up: figures are written once a second.
const LOOKS: usize = 40;

/// Different clients of the flood.
const CLIENTS: usize = 5_000;

const EARLY: &str = "203.0.113.10";
const LATE: &str = "192.0.2.11";

#[test]
fn with_more_than_it_can_handle_it_does_less_says_so_loses_nothing_and_recovers() -> Result<()> {
    let kafka = Kafka::start()?;
    kafka.create_topic(TOPIC, 1)?;
    let setup = Setup::new()
        .with("detector", "threads = 1")
        .with("alarms", "minute_secs = 1");
    let portcullis = Portcullis::start(&setup.kafka(&kafka.bootstrap()?, TOPIC, &[TOPIC]))?;
    portcullis.wait_until_reading()?;
    let publisher = Publisher::packing(&kafka)?;
    let mut written = 0;

    let early = scanner(EARLY, ago(20), 24);
    publisher.lines(TOPIC, 0..1, &early)?;
    written += early.len();
    let whole = decision(&portcullis, EARLY)?;
    ensure!(
        whole["completeness"].is_null(),
        "it had time for everything: {whole}"
    );

    let flood: Vec<String> = (0..CLIENTS).map(flood).collect();
    let (mut lines, mut lag, mut looks, mut steps) = (LINES, 0.0, 0_usize, Vec::new());
    portcullis.wait_until("it did as little as it may", |portcullis| {
        looks += 1;
        if looks.is_multiple_of(LOOKS) {
            let waiting = portcullis.metrics("kafka_lag_messages")?;
            if waiting <= lag {
                lines = LINES_MAX.min(2 * lines);
            }
            lag = waiting;
        }
        publisher.publish(TOPIC, 0..1, flood.iter().cycle().take(lines))?;
        written += lines;
        let step = portcullis.metrics("effort_step")?;
        if steps.last() != Some(&step) {
            steps.push(step);
        }
        Ok(step == 2.0)
    })?;
    ensure!(steps == [0.0, 1.0, 2.0], "steps were taken as {steps:?}");
    let health = portcullis.health_part("effort")?;
    ensure!(health["is_ok"] == false, "its health says {health}");

    let late = merged([scanner(LATE, ago(0), 24)]);
    publisher.lines(TOPIC, 0..1, &late)?;
    written += late.len();
    // What waits takes a while: as long as it gets less there is no hurry.
    let mut waiting = f64::MAX;
    while waiting > 0.0 {
        portcullis.wait_until("what waits had become less", |portcullis| {
            Ok(portcullis.metrics("kafka_lag_messages")? < waiting)
        })?;
        waiting = portcullis.metrics("kafka_lag_messages")?;
    }
    portcullis.wait_until_counted(written)?;
    ensure!(
        portcullis.metrics("lines_total")? == written as f64,
        "lines were read twice or never"
    );
    let less = decision(&portcullis, LATE)?;
    let effort = less["completeness"]["effort"]
        .as_str()
        .context("it does not say how complete it is")?;
    let share = less["completeness"]["whole_share"].as_f64().context("no share")?;
    ensure!(
        ["scored_seldom", "little_evidence"].contains(&effort) && share < 1.0,
        "it says {less}"
    );
    let alarms = portcullis.list("/api/v1/alarms")?;
    let told = alarms.iter().filter(|alarm| alarm["name"] == "degraded");
    ensure!(told.count() == 1, "it is to be told once: {alarms:?}");

    for step in [1.0, 0.0] {
        portcullis.wait_until(&format!("it was at step {step} again"), |portcullis| {
            Ok(portcullis.metrics("effort_step")? <= step)
        })?;
    }
    ensure!(portcullis.health_part("effort")?["is_ok"] == true);
    for effort in ["scored_seldom", "little_evidence", "whole"] {
        let told = format!("effort is {effort} now");
        ensure!(portcullis.log().contains(&told), "its log does not say: {told}");
    }
    Ok(())
}

/// A line of an ordinary client.
fn flood(client: usize) -> String {
    let address = format!("198.18.{}.{}", client / 250, 1 + client % 250);
    let target = format!("/page/{}", client % 97);
    line(ago(0), &address, "GET", &target, 200, "Mozilla/5.0").text
}

/// The block of an address.
fn decision(portcullis: &Portcullis, address: &str) -> Result<Value> {
    let mut found = None;
    portcullis.wait_until(&format!("it had blocked {address}"), |portcullis| {
        let decisions = portcullis.decisions()?;
        found = decisions
            .into_iter()
            .find(|decision| decision["value"] == address);
        Ok(found.is_some())
    })?;
    found.context("it was there")
}
