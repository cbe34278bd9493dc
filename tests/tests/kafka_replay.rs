//! A topic read again between two times: as `scan` would read its lines from files, and without its group noticing.

use anyhow::{Context as _, Result, ensure};
use domain::Timestamp;
use portcullis_tests::component::{Kafka, Portcullis, Setup};
use portcullis_tests::stream::{Line, Publisher, ago, benign, merged, scanner, slow_scanner};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const SCANNER: &str = "203.0.113.66";
const SLOW_SCANNER: &str = "203.0.113.99";
const HARMLESS_LINES: usize = 2_000;

/// Ends before now, and begins late enough that the broker keeps it.
const BEGAN_AGO_SECS: i64 = 3_300;

/// Half an hour and more of harmless clients, a scanner in the middle, and one that takes all the time.
fn mixed() -> Result<Vec<Line>> {
    let start = ago(BEGAN_AGO_SECS);
    let harmless = benign(11, start, HARMLESS_LINES)?;
    let end = start.plus_secs(2_700);
    Ok(merged([
        harmless.into_iter().filter(|line| line.at < end).collect(),
        scanner(SCANNER, start.plus_secs(1_500), 120),
        slow_scanner(SLOW_SCANNER, start.plus_secs(60), 100),
    ]))
}

/// A service that has read these lines from so many partitions.
fn read_all(topic: &str, partitions: i32, lines: &[Line]) -> Result<Portcullis> {
    let kafka = Kafka::shared()?;
    kafka.create_topic(topic, partitions)?;
    Publisher::new(kafka)?.lines_at_their_times(topic, 0..partitions, lines)?;
    let portcullis = Portcullis::start(&Setup::new().kafka(&kafka.bootstrap()?, topic, &[topic]))?;
    let count = lines.len() as f64;
    portcullis.wait_until("it read and committed every line", |portcullis| {
        Ok(portcullis.metrics("requests_total")? >= count
            && kafka.committed(topic, topic, partitions)? == lines.len() as u64)
    })?;
    Ok(portcullis)
}

/// A report: its alerts, and its summary.
#[derive(Debug)]
struct Report {
    alerts: Vec<Value>,
    summary: Value,
}

fn report(text: &str) -> Result<Report> {
    let mut values: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let summary = values.pop().context("the report is empty")?;
    Ok(Report {
        alerts: values,
        summary,
    })
}

fn replayed(portcullis: &Portcullis, from: Timestamp, to: Timestamp) -> Result<Report> {
    let (from, to) = (from.to_string(), to.to_string());
    report(
        &portcullis
            .command_on_configuration(&["replay", "--output", "json", "--from", &from, "--to", &to])?,
    )
}

/// What `scan` says of the same lines in a file for each partition.
fn scanned(portcullis: &Portcullis, partitions: usize, lines: &[Line]) -> Result<Report> {
    let mut files = Vec::new();
    for partition in 0..partitions {
        let file = portcullis.folder().join(format!("partition-{partition}.log"));
        let lines = lines.iter().skip(partition).step_by(partitions);
        let text: String = lines.map(|line| format!("{}\n", line.text)).collect();
        std::fs::write(&file, text).context("could not write the lines into a file")?;
        files.push(file.display().to_string());
    }
    let mut arguments = vec!["scan", "--output", "json"];
    arguments.extend(files.iter().map(String::as_str));
    report(&portcullis.command_on_configuration(&arguments)?)
}

/// Alerts without the places where their evidence stood: a topic has other ones than a file.
fn without_places(report: &Report) -> Vec<Value> {
    let mut alerts = report.alerts.clone();
    for alert in &mut alerts {
        for entry in alert["evidence"].as_array_mut().into_iter().flatten() {
            if let Some(fields) = entry.as_object_mut() {
                fields.remove("file");
                fields.remove("line");
            }
        }
    }
    alerts
}

/// Whom blocks are about, and the request that decided each: by a report, or by the service's decisions.
fn blocks(values: &[Value], moment: &str) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let value = |entry: &Value| match &entry["client"] {
        Value::Null => text(&entry["value"]),
        client => text(&client["value"]),
    };
    let blocks = values.iter().filter(|entry| entry["action"] == "block");
    blocks.map(|block| (value(block), text(&block[moment]))).collect()
}

/// The first block of each.
fn first(blocks: BTreeSet<(String, String)>) -> BTreeMap<String, String> {
    blocks.into_iter().rev().collect()
}

#[test]
fn a_topic_read_again_gives_the_blocks_that_the_service_gave_and_the_report_that_scan_gives() -> Result<()> {
    let kafka = Kafka::shared()?;
    let lines = mixed()?;
    let topic = "read-again";
    let portcullis = read_all(topic, 1, &lines)?;
    portcullis.wait_until("it blocked both", |portcullis| {
        Ok(first(blocks(&portcullis.decisions()?, "event_at")).len() >= 2)
    })?;
    let committed = kafka.committed(topic, topic, 1)?;
    let members = kafka.members(topic)?;

    let replayed = replayed(&portcullis, lines[0].at, ago(0))?;
    assert_eq!(replayed.summary["lines"], lines.len(), "{}", replayed.summary);
    assert_eq!(replayed.summary["problems"], serde_json::json!([]));
    let scanned = scanned(&portcullis, 1, &lines)?;
    assert_eq!(without_places(&replayed), without_places(&scanned));
    let of_service = first(blocks(&portcullis.decisions()?, "event_at"));
    let of_replay = first(blocks(&replayed.alerts, "action_at"));
    assert_eq!(of_replay, of_service);
    assert!(
        of_replay.contains_key(SCANNER) && of_replay.contains_key(SLOW_SCANNER),
        "{of_replay:?}"
    );

    assert_eq!(
        kafka.committed(topic, topic, 1)?,
        committed,
        "the group's offset moved"
    );
    assert_eq!(kafka.members(topic)?, members, "the group got another member");
    // Figures are told once a second.
    portcullis.wait_until("its own joining was told", |portcullis| {
        Ok(portcullis.metrics("kafka_rebalances_total")? > 0.0)
    })?;
    assert_eq!(
        portcullis.metrics("kafka_rebalances_total")?,
        1.0,
        "the group was disturbed"
    );
    Ok(())
}

#[test]
fn partitions_are_merged_by_their_lines_times_and_give_the_same_report_each_time() -> Result<()> {
    let lines = mixed()?;
    let portcullis = read_all("read-again-merged", 3, &lines)?;
    let one = replayed(&portcullis, lines[0].at, ago(0))?;
    let two = replayed(&portcullis, lines[0].at, ago(0))?;
    assert_eq!(one.alerts, two.alerts);
    assert_eq!(
        without_places(&one),
        without_places(&scanned(&portcullis, 3, &lines)?)
    );
    let blocked = first(blocks(&one.alerts, "action_at"));
    assert!(
        blocked.contains_key(SCANNER) && blocked.contains_key(SLOW_SCANNER),
        "{blocked:?}"
    );
    let evidence = &one.alerts[0]["evidence"][0];
    let file = evidence["file"].as_str().unwrap_or_default();
    assert!(file.starts_with("read-again-merged["), "{evidence}");
    Ok(())
}

#[test]
fn only_what_lies_between_the_times_is_read_and_a_topic_must_be_there() -> Result<()> {
    let lines = mixed()?;
    let portcullis = read_all("read-again-span", 2, &lines)?;
    let (from, to) = (lines[0].at.plus_secs(600), lines[0].at.plus_secs(1_200));
    let inside = lines
        .iter()
        .filter(|line| from <= line.at && line.at < to)
        .count();
    let report = replayed(&portcullis, from, to)?;
    assert_eq!(report.summary["lines"], inside, "{}", report.summary);
    let nothing = replayed(
        &portcullis,
        lines[0].at.plus_secs(-60),
        lines[0].at.plus_secs(-30),
    )?;
    assert_eq!(nothing.summary["lines"], 0);

    let (from, to) = (from.to_string(), to.to_string());
    let fail = |arguments: &[&str]| {
        portcullis
            .command_on_configuration(arguments)
            .map_err(|error| format!("{error:#}"))
    };
    let elsewhere = fail(&["replay", "--from", &from, "--to", &to, "--topic", "elsewhere"]);
    ensure!(
        elsewhere
            .as_ref()
            .is_err_and(|why| why.contains("no topic elsewhere that the settings read")),
        "{elsewhere:?}"
    );
    let backwards = fail(&["replay", "--from", &to, "--to", &from]);
    ensure!(
        backwards
            .as_ref()
            .is_err_and(|why| why.contains("--from must be before --to")),
        "{backwards:?}"
    );
    Ok(())
}
