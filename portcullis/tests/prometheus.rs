//! The Prometheus rules that ship against what a running service exposes: every metric and label that they name is there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const RULES: &str = include_str!("../../deploy/prometheus/portcullis.rules.yml");

/// Metrics that a fresh service does not expose yet, as their documentation says: what is not known is absent.
const ABSENT_AT_FIRST: [&str; 1] = ["portcullis_feature_drift"];

/// Ends the service with the test.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The text of `/metrics` of a service that follows a log.
fn exposition() -> String {
    let folder = tempfile::tempdir().unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = folder.path().display();
    std::fs::write(folder.path().join("access.log"), "").unwrap();
    let config = format!(
        "[[files]]\npath = \"{place}/access.log\"\n[crawlers]\nverify = false\n[storage]\nurl = \"sqlite:{place}/p.db\"\ncheckpoints = \"file:{place}/c\"\n\
         [[api.listeners]]\naddress = \"{address}\"\nkinds = [\"metrics\"]\n\
         [[alarms.commands]]\nprogram = \"/bin/true\"\n"
    );
    let file = folder.path().join("portcullis.toml");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.arg("run").arg("--config").arg(&file).stdin(Stdio::null());
    let mut service = Service(
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    loop {
        assert!(
            service.0.try_wait().unwrap().is_none(),
            "the service ended by itself"
        );
        if let Ok(mut stream) = TcpStream::connect(address) {
            stream
                .write_all(b"GET /metrics HTTP/1.0\r\nhost: localhost\r\n\r\n")
                .unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            assert!(
                text.starts_with("HTTP/1.0 200") || text.starts_with("HTTP/1.1 200"),
                "{text}"
            );
            return text;
        }
        std::thread::yield_now();
    }
}

/// The expressions of the rules, by the alert's name.
fn expressions() -> BTreeMap<String, String> {
    let file: serde_json::Value = serde_saphyr::from_str(RULES).unwrap();
    let groups = file["groups"].as_array().unwrap();
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap());
    let expressions = rules.map(|rule| {
        for key in ["summary", "description"] {
            assert!(rule["annotations"][key].is_string(), "{rule}");
        }
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(["critical", "warning", "info"].contains(&severity), "{rule}");
        let name = rule["alert"].as_str().unwrap().to_owned();
        (name, rule["expr"].as_str().unwrap().to_owned())
    });
    expressions.collect()
}

/// The metrics that an expression names.
fn metrics(expression: &str) -> BTreeSet<String> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = expression.split(|letter| !is_word(letter));
    words
        .filter(|word| word.starts_with("portcullis_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_metric_that_the_rules_name_is_exposed() {
    let text = exposition();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let known: BTreeMap<&str, &str> = types.filter_map(|line| line.split_once(' ')).collect();
    let rules = expressions();
    assert!(rules.len() > 10, "{rules:?}");
    for (alert, expression) in &rules {
        let named = metrics(expression);
        assert!(
            !named.is_empty() || expression.contains("up{"),
            "{alert}: {expression}"
        );
        for metric in named {
            let is_known = match metric.strip_suffix("_bucket") {
                Some(histogram) => known.get(histogram) == Some(&"histogram"),
                None => known.contains_key(metric.as_str()),
            };
            assert!(
                is_known || ABSENT_AT_FIRST.contains(&metric.as_str()),
                "{alert}: no metric {metric}"
            );
            let is_counter = known.get(metric.as_str()) == Some(&"counter");
            assert_eq!(is_counter, metric.ends_with("_total"), "{metric}");
        }
    }
    // Of each kind of alarm there is a value before one is raised.
    assert!(
        text.contains("portcullis_alarms{alarm=\"source_silent\",severity=\"critical\"} 0\n"),
        "{text}"
    );
    assert!(
        text.contains("portcullis_alarm_messages_total{outlet=\"command[0]\",result=\"failed\"} 0\n"),
        "{text}"
    );
}

#[test]
fn every_rule_is_explained() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let page = std::fs::read_to_string(page).unwrap();
    for alert in expressions().keys() {
        assert!(
            page.contains(&format!("`{alert}`")),
            "docs/operations.md does not explain {alert}"
        );
    }
}
