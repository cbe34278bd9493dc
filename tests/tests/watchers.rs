//! Debian's `cscli`, unchanged: with an operator's key it gives orders that bouncers carry out, with a watcher's it only reports.

use anyhow::{Context as _, Result, ensure};
use portcullis_tests::component::{Cscli, CustomBouncer, Portcullis, Setup};
use serde_json::Value;

const ATTACKER: &str = "203.0.113.9";
const REPORTED: &str = "198.51.100.7";

fn rows(text: &str) -> Result<Vec<Value>> {
    let value: Value = serde_json::from_str(text).with_context(|| format!("no JSON: {text}"))?;
    Ok(value.as_array().cloned().unwrap_or_default())
}

#[test]
fn cscli_with_an_operators_key_adds_lists_and_deletes_decisions() -> Result<()> {
    let portcullis = Portcullis::start(&Setup::new())?;
    let bouncer = CustomBouncer::start(&portcullis, &portcullis.key("bouncer")?)?;
    let (name, secret) = portcullis.named_key("operator")?;
    let cscli = Cscli::new(&portcullis, (&name, &secret))?;
    let add = [
        "decisions",
        "add",
        "--ip",
        ATTACKER,
        "--duration",
        "2h",
        "--reason",
        "the abuse desk",
    ];
    cscli.run(&add)?;
    bouncer.wait_for("add", ATTACKER)?;

    let listed = rows(&cscli.run(&["decisions", "list", "--ip", ATTACKER])?)?;
    ensure!(listed.len() == 1, "{listed:?}");
    assert_eq!(listed[0]["decisions"][0]["value"], ATTACKER);
    assert_eq!(listed[0]["decisions"][0]["type"], "ban");
    let told = rows(&cscli.run(&["alerts", "list"])?)?;
    assert_eq!(told[0]["message"], "the abuse desk");
    let id = listed[0]["id"].to_string();
    ensure!(cscli.run(&["alerts", "inspect", &id])?.contains(ATTACKER));

    cscli.run(&["decisions", "delete", "--ip", ATTACKER])?;
    bouncer.wait_for("del", ATTACKER)?;
    ensure!(rows(&cscli.run(&["decisions", "list"])?)?.is_empty());
    let orders = portcullis.list("/api/v1/orders")?;
    assert!(
        orders.iter().all(|order| order["by"] == name.as_str()),
        "{orders:?}"
    );
    Ok(())
}

#[test]
fn cscli_with_a_watchers_key_reports_and_blocks_nobody() -> Result<()> {
    let portcullis = Portcullis::start(&Setup::new())?;
    let bouncer = CustomBouncer::start(&portcullis, &portcullis.key("bouncer")?)?;
    let (name, secret) = portcullis.named_key("watcher")?;
    let cscli = Cscli::new(&portcullis, (&name, &secret))?;
    cscli.run(&[
        "decisions",
        "add",
        "--ip",
        REPORTED,
        "--duration",
        "2h",
        "--reason",
        "crowdsecurity/ssh-bf",
    ])?;
    let listed = rows(&cscli.run(&["decisions", "list"])?)?;
    assert_eq!(listed[0]["decisions"][0]["simulated"], true, "{listed:?}");
    let reports = portcullis.list("/api/v1/reports")?;
    assert_eq!(reports[0]["client"]["value"], REPORTED);
    assert_eq!(reports[0]["machine"], name.as_str());

    // What a person orders afterwards is carried out, and the report was not.
    portcullis.block(ATTACKER)?;
    bouncer.wait_for("add", ATTACKER)?;
    assert!(
        bouncer.calls().iter().all(|call| !call.contains(REPORTED)),
        "{:?}",
        bouncer.calls()
    );
    ensure!(
        cscli.run(&["decisions", "delete", "--ip", ATTACKER]).is_err(),
        "a watcher lifted a block"
    );
    ensure!(portcullis.list("/api/v1/orders")?.len() == 1);
    Ok(())
}
