//! Lines that are pushed over HTTP, as Vector sends them and as they are, over a kill before any checkpoint.

use anyhow::{Context as _, Result, ensure};
use portcullis_tests::component::{Answer, Portcullis, Setup, ask, http_client};
use portcullis_tests::stream::{ago, benign, scanner};
use serde_json::{Value, json};

const SCANNER: &str = "203.0.113.66";
const LINES: &str = "source_lines_total{source=\"push:edge-1\"}";

fn start() -> Result<Portcullis> {
    let setup = Setup::new().without_checkpoints();
    Portcullis::start(&setup.with("push", "trust = \"block\""))
}

fn key_of(portcullis: &Portcullis, gateway: &str) -> Result<String> {
    let wanted = json!({ "name": format!("{gateway}-log"), "role": "ingest", "gateway": gateway });
    let made = portcullis.post("/api/v1/keys", &wanted)?;
    Ok(made["secret"].as_str().context("no secret")?.to_owned())
}

fn push(portcullis: &Portcullis, key: &str, query: &str, body: impl Into<reqwest::Body>) -> Result<Answer> {
    let request = http_client()?.post(portcullis.url(&format!("/api/v1/ingest{query}")));
    ask(request.bearer_auth(key).body(body))
}

#[test]
fn what_was_answered_is_counted_once_over_a_kill() -> Result<()> {
    let mut portcullis = start()?;
    let key = key_of(&portcullis, "edge-1")?;
    let lines = [benign(7, ago(3000), 300)?, scanner(SCANNER, ago(60), 40)].concat();
    let (plain, vector) = lines.split_at(200);
    let text: String = plain.iter().map(|line| format!("{}\n", line.text)).collect();
    let answer = push(&portcullis, &key, "", text)?;
    ensure!(
        answer.status == 202 && answer.json()?["lines"] == 200,
        "{answer:?}"
    );
    // Vector's json codec in its default framing: an array of events, the line in `message`.
    let events: Vec<Value> = vector
        .iter()
        .map(|line| json!({ "message": line.text, "source_type": "file", "timestamp": line.at.to_string() }))
        .collect();
    let answer = push(
        &portcullis,
        &key,
        "?gateway=edge-1",
        Value::from(events).to_string(),
    )?;
    ensure!(
        answer.status == 202 && answer.json()?["lines"] == vector.len(),
        "{answer:?}"
    );

    for kills in 0..3 {
        if kills > 0 {
            portcullis.kill()?;
            portcullis.start_again()?;
        }
        portcullis.wait_until("every line was read", |portcullis| {
            Ok(portcullis
                .metrics(LINES)
                .is_ok_and(|read| read == lines.len() as f64))
        })?;
        portcullis.wait_until_counted(lines.len())?;
    }
    let about = portcullis.decisions()?;
    let blocks = about
        .iter()
        .filter(|found| found["value"] == SCANNER && found["action"] == "block");
    ensure!(blocks.count() == 1, "{about:?}");
    ensure!(portcullis.list("/api/v1/rejected")?.is_empty());
    Ok(())
}

#[test]
fn a_key_speaks_for_its_own_gateway_and_opens_nothing_else() -> Result<()> {
    let portcullis = start()?;
    let key = key_of(&portcullis, "edge-1")?;
    ensure!(push(&portcullis, &key, "?gateway=edge-2", "a line\n")?.status == 403);
    ensure!(push(&portcullis, &portcullis.key("operator")?, "", "a line\n")?.status == 403);
    ensure!(push(&portcullis, "portcullis_wrong", "", "a line\n")?.status == 401);
    ensure!(portcullis.ask("/api/v1/decisions", Some(&key))?.status == 403);
    let unbound = json!({ "name": "unbound", "role": "ingest" });
    let request = http_client()?.post(portcullis.url("/api/v1/keys"));
    ensure!(ask(request.bearer_auth(portcullis.admin_key()).json(&unbound))?.status == 400);
    ensure!(push(&portcullis, &key, "", "[{\"a\":1},{\"a\"")?.status == 400);
    ensure!(push(&portcullis, &key, "", vec![b'\n'; (16 << 20) + 1])?.status == 413);
    ensure!(portcullis.metrics(LINES).is_err(), "something was taken");
    Ok(())
}

#[test]
fn without_a_section_nothing_is_taken_and_the_sender_is_told_to_come_back() -> Result<()> {
    let portcullis = Portcullis::start(&Setup::new())?;
    let key = key_of(&portcullis, "edge-1")?;
    ensure!(push(&portcullis, &key, "", "a line\n")?.status == 503);
    Ok(())
}
