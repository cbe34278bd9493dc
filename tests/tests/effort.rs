//! More lines than can be handled: less is done for each, in declared steps, and that is told; no line is lost; and what rests on
//! less says so. A step takes a quarter of a minute and is taken back after one.

use anyhow::{Context as _, Result, ensure};
use portcullis_tests::component::{Kafka, Portcullis, Setup};
use portcullis_tests::stream::{Line, Publisher, ago, line, scanner};
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
    let mut stage = Stage::start()?;
    stage.write(&scanner(EARLY, ago(20), 24))?;
    let whole = decision(&stage.portcullis, EARLY)?;
    ensure!(
        whole["completeness"].is_null(),
        "it had time for everything: {whole}"
    );

    stage.flood_until_it_does_as_little_as_it_may()?;
    let health = stage.portcullis.health_part("effort")?;
    ensure!(health["is_ok"] == false, "its health says {health}");
    stage.write(&scanner(LATE, ago(0), 24))?;
    stage.wait_until_nothing_waits()?;
    ensure!(
        stage.portcullis.metrics("lines_total")? == stage.written as f64,
        "lines were read twice or never"
    );
    ensure_incomplete(&decision(&stage.portcullis, LATE)?)?;
    let alarms = stage.portcullis.list("/api/v1/alarms")?;
    let told = alarms.iter().filter(|alarm| alarm["name"] == "degraded");
    ensure!(told.count() == 1, "it is to be told once: {alarms:?}");

    stage.wait_until_it_does_everything()
}

struct Stage {
    kafka: Kafka,
    portcullis: Portcullis,
    written: usize,
}

impl Stage {
    fn start() -> Result<Self> {
        let kafka = Kafka::start()?;
        kafka.create_topic(TOPIC, 1)?;
        let setup = Setup::new()
            .with("detector", "threads = 1")
            .with("alarms", "minute_secs = 1");
        let portcullis = Portcullis::start(&setup.kafka(&kafka.bootstrap()?, TOPIC, &[TOPIC]))?;
        portcullis.wait_until_reading()?;
        Ok(Self {
            kafka,
            portcullis,
            written: 0,
        })
    }

    fn write(&mut self, lines: &[Line]) -> Result<()> {
        Publisher::packing(&self.kafka)?.lines(TOPIC, 0..1, lines)?;
        self.written += lines.len();
        Ok(())
    }

    /// Writes more and more until it takes every step.
    fn flood_until_it_does_as_little_as_it_may(&mut self) -> Result<()> {
        let publisher = Publisher::packing(&self.kafka)?;
        let flood: Vec<String> = (0..CLIENTS).map(flood).collect();
        let (mut lines, mut lag, mut looks, mut steps) = (LINES, 0.0, 0_usize, Vec::new());
        let written = &mut self.written;
        self.portcullis
            .wait_until("it did as little as it may", |portcullis| {
                looks += 1;
                if looks.is_multiple_of(LOOKS) {
                    let waiting = portcullis.metrics("kafka_lag_messages")?;
                    if waiting <= lag {
                        lines = LINES_MAX.min(2 * lines);
                    }
                    lag = waiting;
                }
                publisher.publish(TOPIC, 0..1, flood.iter().cycle().take(lines))?;
                *written += lines;
                let step = portcullis.metrics("effort_step")?;
                if steps.last() != Some(&step) {
                    steps.push(step);
                }
                Ok(step == 2.0)
            })?;
        ensure!(steps == [0.0, 1.0, 2.0], "steps were taken as {steps:?}");
        Ok(())
    }

    /// What waits takes a while: as long as it gets less there is no hurry.
    fn wait_until_nothing_waits(&self) -> Result<()> {
        let mut waiting = f64::MAX;
        while waiting > 0.0 {
            self.portcullis
                .wait_until("what waits had become less", |portcullis| {
                    Ok(portcullis.metrics("kafka_lag_messages")? < waiting)
                })?;
            waiting = self.portcullis.metrics("kafka_lag_messages")?;
        }
        self.portcullis.wait_until_counted(self.written)
    }

    /// It takes its steps back, and its log has told of each.
    fn wait_until_it_does_everything(&self) -> Result<()> {
        for step in [1.0, 0.0] {
            self.portcullis
                .wait_until(&format!("it was at step {step} again"), |portcullis| {
                    Ok(portcullis.metrics("effort_step")? <= step)
                })?;
        }
        ensure!(self.portcullis.health_part("effort")?["is_ok"] == true);
        for effort in ["scored_seldom", "little_evidence", "whole"] {
            let told = format!("effort is {effort} now");
            ensure!(
                self.portcullis.log().contains(&told),
                "its log does not say: {told}"
            );
        }
        Ok(())
    }
}

/// That a decision says that less was done for it.
fn ensure_incomplete(decision: &Value) -> Result<()> {
    let completeness = &decision["completeness"];
    let effort = completeness["effort"]
        .as_str()
        .context("it does not say how complete it is")?;
    let share = completeness["whole_share"].as_f64().context("no share")?;
    ensure!(
        ["scored_seldom", "little_evidence"].contains(&effort) && share < 1.0,
        "it says {decision}"
    );
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
