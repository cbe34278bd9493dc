//! Lines that the topic's retention deletes before the running service has read them: said, counted, and passed over.

use anyhow::{Context as _, Result};
use portcullis_tests::component::{Kafka, Portcullis, Setup};
use portcullis_tests::stream::{Publisher, ago, benign, scanner};

const SCANNER: &str = "203.0.113.66";

/// Stops the program in the middle of whatever it does.
fn freeze(portcullis: &Portcullis) -> Result<()> {
    portcullis.signal("STOP")?;
    let stat = format!("/proc/{}/stat", portcullis.pid()?);
    portcullis.wait_until("it stood still", |_| {
        let text = std::fs::read_to_string(&stat).with_context(|| format!("could not read {stat}"))?;
        Ok(text.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')))
    })
}

#[test]
fn a_running_service_says_how_much_it_lost_and_reads_on() -> Result<()> {
    let kafka = Kafka::shared()?;
    let topic = "lost-lines";
    kafka.create_topic(topic, 1)?;
    let portcullis = Portcullis::start(&Setup::new().kafka(&kafka.bootstrap()?, topic, &[topic]))?;
    let publisher = Publisher::new(kafka)?;
    let start = ago(60);
    let lines = benign(1, start, 40)?;
    publisher.lines(topic, 0..1, &lines[..5])?;
    portcullis.wait_until("it read the first lines", |portcullis| {
        Ok(portcullis.metrics("lines_total")? == 5.0)
    })?;
    assert_eq!(portcullis.health_part("completeness")?["is_ok"], true);

    freeze(&portcullis)?;
    // It may have asked for the next line before it was stopped: then it gets that one, and no further.
    publisher.lines(topic, 0..1, &lines[5..6])?;
    publisher.lines(topic, 0..1, &lines[6..])?;
    kafka.delete_before(topic, 0, 30)?;
    portcullis.signal("CONT")?;
    portcullis.wait_until("every line was read or given up", |portcullis| {
        Ok(portcullis.metrics("lines_total")? + portcullis.metrics("kafka_offsets_lost_total")? == 40.0)
    })?;
    let lost = portcullis.metrics("kafka_offsets_lost_total")?;
    assert!((24.0..=25.0).contains(&lost), "{lost} lines were lost");
    let completeness = portcullis.health_part("completeness")?;
    assert_eq!(completeness["is_ok"], false, "{completeness}");

    publisher.lines(topic, 0..1, &scanner(SCANNER, start, 60))?;
    portcullis.wait_until("it blocked the scanner", |portcullis| {
        let decisions = portcullis.decisions()?;
        Ok(decisions
            .iter()
            .any(|found| found["value"] == SCANNER && found["action"] == "block"))
    })?;
    assert_eq!(portcullis.health_part("reading")?["is_ok"], true);
    Ok(())
}
