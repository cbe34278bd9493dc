//! A person's verdict over the whole way: it lifts the block, holds while the client goes on, over a kill, and is exported.

use anyhow::{Context as _, Result};
use portcullis_tests::component::{Kafka, Portcullis, Setup};
use portcullis_tests::stream::{Publisher, ago, scanner};

const TOPIC: &str = "verdicts";
const SCANNER: &str = "203.0.113.66";
const PROBES: usize = 60;

/// Whom gateways refuse at present.
fn in_force(portcullis: &Portcullis) -> Result<Vec<String>> {
    let decisions = portcullis.list("/api/v1/decisions?state=active")?;
    let values = decisions.iter().filter_map(|decision| decision["value"].as_str());
    Ok(values.map(str::to_owned).collect())
}

#[test]
fn a_false_positive_lets_the_client_go_on_over_a_kill_and_is_exported() -> Result<()> {
    let kafka = Kafka::shared()?;
    kafka.create_topic(TOPIC, 1)?;
    let publisher = Publisher::new(kafka)?;
    let mut portcullis = Portcullis::start(&Setup::new().kafka(&kafka.bootstrap()?, TOPIC, &[TOPIC]))?;
    publisher.lines(TOPIC, 0..1, &scanner(SCANNER, ago(90), PROBES))?;
    portcullis.wait_until("it blocked the scanner", |portcullis| {
        Ok(in_force(portcullis)? == [SCANNER])
    })?;
    let alerts = portcullis.alerts()?;
    let alert = alerts.first().context("no alert is stored")?;
    let id = alert["id"].as_str().context("an alert without an id")?;

    let told = portcullis.command(&["alerts", "judge", id, "attack", "--reason", "a test"])?;
    assert!(told.contains("nobody is blocked by that"), "{told}");
    assert_eq!(in_force(&portcullis)?, [SCANNER], "an attack ends nothing");
    let told = portcullis.command(&[
        "alerts",
        "judge",
        id,
        "false-positive",
        "--reason",
        "our own test",
    ])?;
    assert!(told.contains("1 decisions ended"), "{told}");
    assert_eq!(in_force(&portcullis)?, [] as [&str; 0]);

    // It goes on as before, and the machine leaves it alone: also a process that begins from the last checkpoint. Somebody else
    // who does the same after it is blocked, and shows that its lines were read.
    let go_on = |portcullis: &Portcullis, start: i64, other: &str| -> Result<()> {
        publisher.lines(TOPIC, 0..1, &scanner(SCANNER, ago(start), PROBES))?;
        publisher.lines(TOPIC, 0..1, &scanner(other, ago(start - 20), PROBES))?;
        portcullis.wait_until("it blocked the other scanner", |portcullis| {
            Ok(in_force(portcullis)?.iter().any(|client| client == other))
        })?;
        let refused = in_force(portcullis)?;
        assert!(!refused.iter().any(|client| client == SCANNER), "{refused:?}");
        Ok(())
    };
    go_on(&portcullis, 65, "198.51.100.1")?;
    portcullis.kill()?;
    portcullis.start_again()?;
    go_on(&portcullis, 25, "192.0.2.1")?;

    let alert = portcullis.get(&format!("/api/v1/alerts/{id}"))?;
    assert_eq!(alert["verdict"]["judgement"], "false_positive");
    assert_eq!(alert["verdict"]["reason"], "our own test");
    let file = portcullis.folder().join("truth.csv");
    let out = file.to_str().context("a path that is no text")?;
    portcullis.command(&["alerts", "export-truth", "--out", out])?;
    let truth = std::fs::read_to_string(&file).context("could not read the truth file")?;
    let row = format!("{SCANNER},benign:false_positive,");
    assert!(truth.lines().any(|line| line.starts_with(&row)), "{truth}");
    let listed = portcullis.command(&["alerts", "--verdict", "false-positive"])?;
    assert!(listed.contains(SCANNER), "{listed}");
    assert!(!portcullis.command(&["alerts", "--verdict", "none"])?.contains(id));
    Ok(())
}
