//! Rules in a running service: read at the start, read again on a hang-up and when the file changes, kept when it is wrong.

use anyhow::{Context as _, Result};
use portcullis_tests::component::{Kafka, Portcullis, Setup};
use portcullis_tests::stream::{Line, Publisher, ago, line};
use std::os::unix::fs::symlink;

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

#[test]
fn a_changed_file_takes_effect_by_itself_and_a_wrong_one_is_told_once_and_keeps_what_holds() -> Result<()> {
    let folder = tempfile::tempdir()?;
    // As Kubernetes mounts a configuration: the file is a link into a folder behind a link that is swapped.
    let place = |name: &str| folder.path().join(name);
    let swap = |data: &str, text: &str| -> Result<()> {
        std::fs::create_dir(place(data))?;
        std::fs::write(place(data).join("rules.toml"), text)?;
        symlink(place(data), place("next"))?;
        Ok(std::fs::rename(place("next"), place("data"))?)
    };
    swap("first", &rule(1_000))?;
    symlink(place("data").join("rules.toml"), place("rules.toml"))?;
    let file = place("rules.toml").display().to_string();
    let setup = Setup::new().with("rules", &format!("files = [{file:?}]"));
    let portcullis = Portcullis::start(&setup)?;
    assert_eq!(portcullis.health_part("settings")?["is_ok"], true);

    swap("second", "[[rule]]\nname = \"own/reports\"\ncount = \"many\"\n")?;
    portcullis.wait_until("it told that the file is wrong", |portcullis| {
        Ok(portcullis.health_part("settings")?["is_ok"] == false)
    })?;
    assert_eq!(portcullis.metrics("settings_refused")?, 1.0);
    let detail = portcullis.health_part("settings")?["detail"].to_string();
    assert!(
        detail.contains("the rules stay as they were") && detail.contains("rule[0].count"),
        "{detail}"
    );

    swap("third", &rule(5))?;
    portcullis.wait_until("it took the rules over", |portcullis| {
        Ok(portcullis.log().contains("changed: the rules"))
    })?;
    assert_eq!(portcullis.health_part("settings")?["is_ok"], true);
    assert_eq!(portcullis.metrics("settings_refused")?, 0.0);
    let log = portcullis.log();
    assert_eq!(log.matches("the rules stay as they were").count(), 1, "{log}");

    // The configuration itself, in place.
    portcullis.configure(&setup.with("policy", "block_secs = 77"))?;
    portcullis.wait_until("it took the configuration over", |portcullis| {
        Ok(portcullis.log().contains("changed: policy.block_secs"))
    })
}
