//! Rules in a running service: read at the start, read again on a hang-up, kept when the file is wrong.

use anyhow::{Context as _, Result};
use portcullis_tests::component::{Kafka, Portcullis, Setup};
use portcullis_tests::stream::{Line, Publisher, ago, line};

const CLIENT: &str = "203.0.113.41";

fn rule(count: u32) -> String {
    format!(
        "[[rule]]\nname = \"own/reports\"\nthreat = \"scraping\"\nby = \"client\"\ncount = {count}\nwithin_secs = 600\n\
         action = \"throttle\"\nfor_secs = 3600\nwhen = {{ path = \"/reports/*\" }}\n"
    )
}

#[test]
fn a_hang_up_reads_the_rules_again_and_a_wrong_file_keeps_them() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("rules.toml");
    std::fs::write(&file, rule(1_000))?;
    let kafka = Kafka::shared()?;
    kafka.create_topic("rules", 1)?;
    let setup = Setup::new()
        .kafka(&kafka.bootstrap()?, "rules", &["rules"])
        .with("rules", &format!("files = [{:?}]", file.display().to_string()));
    let portcullis = Portcullis::start(&setup)?;

    std::fs::write(&file, "[[rule]]\nname = \"own/reports\"\ncount = \"many\"\n")?;
    portcullis.signal("HUP")?;
    portcullis.wait_until("it kept the rules", |portcullis| {
        let log = portcullis.log();
        Ok(log.contains("the rules stay as they were") && log.contains("rule[0].count"))
    })?;

    std::fs::write(&file, rule(5))?;
    portcullis.signal("HUP")?;
    portcullis.wait_until("it took the rules over", |portcullis| {
        Ok(portcullis.log().contains("changed: the rules"))
    })?;
    let start = ago(300);
    let read = |second| {
        line(
            start.plus_secs(second),
            CLIENT,
            "GET",
            "/reports/7",
            200,
            "Mozilla/5.0",
        )
    };
    let lines: Vec<Line> = (0..12).map(read).collect();
    Publisher::new(kafka)?.lines("rules", 0..1, &lines)?;
    portcullis.wait_until("it slowed the reader down", |portcullis| {
        Ok(!portcullis.decisions()?.is_empty())
    })?;
    let decisions = portcullis.decisions()?;
    let decision = decisions.first().context("no decision")?;
    assert_eq!(
        (&decision["origin"], &decision["action"]),
        (&"rule".into(), &"throttle".into())
    );
    assert_eq!(decision["value"], CLIENT);
    let reason = decision["reason"].as_str().unwrap_or_default();
    assert!(
        reason.starts_with("rule own/reports: 5 requests within 600 s"),
        "{reason}"
    );
    let alerts = portcullis.alerts()?;
    assert!(
        alerts.iter().any(|alert| alert["id"] == decision["alert_id"]),
        "{alerts:?}"
    );
    Ok(())
}
