//! Bouncers that were written for CrowdSec, unchanged, against the running service: a decision arrives and goes again.

use anyhow::{Context as _, Result, ensure};
use portcullis_tests::component::{CustomBouncer, Portcullis, PythonBouncer, Setup};

/// Blocked before a bouncer begins: it comes with the first pull.
const EARLIER: &str = "203.0.113.10";
/// Blocked while a bouncer follows.
const LATER: &str = "203.0.113.9";
/// Never blocked.
const HARMLESS: &str = "198.51.100.7";

#[test]
fn crowdsecs_custom_bouncer_carries_out_an_order_and_takes_it_back() -> Result<()> {
    let portcullis = Portcullis::start(&Setup::new())?;
    portcullis.block(EARLIER)?;
    let bouncer = CustomBouncer::start(&portcullis, &portcullis.key("bouncer")?)?;
    bouncer.wait_for("add", EARLIER)?;
    portcullis.block(LATER)?;
    bouncer.wait_for("add", LATER)?;
    ensure!(
        bouncer.calls().iter().all(|call| call.starts_with("add ")),
        "something was taken back before it was lifted: {:?}",
        bouncer.calls()
    );

    portcullis.lift(LATER)?;
    bouncer.wait_for("del", LATER)?;
    portcullis.lift(EARLIER)?;
    bouncer.wait_for("del", EARLIER)?;
    assert_eq!(bouncer.calls().len(), 4, "{:?}", bouncer.calls());
    Ok(())
}

#[test]
fn crowdsecs_custom_bouncer_hears_of_a_block_from_the_command_line() -> Result<()> {
    let portcullis = Portcullis::start(&Setup::new())?;
    let bouncer = CustomBouncer::start(&portcullis, &portcullis.key("bouncer")?)?;
    portcullis.command(&[
        "decisions",
        "add",
        LATER,
        "--reason",
        "reported by the abuse desk",
    ])?;
    bouncer.wait_for("add", LATER)?;
    let calls = bouncer.calls();
    let call = calls.first().context("nothing was carried out")?;
    ensure!(call.contains("\"ban\""), "it was told {call}");

    portcullis.command(&["decisions", "remove", LATER, "--reason", "a partner"])?;
    bouncer.wait_for("del", LATER)
}

#[test]
fn crowdsecs_custom_bouncer_gets_nothing_with_a_key_that_is_none() -> Result<()> {
    let portcullis = Portcullis::start(&Setup::new())?;
    portcullis.block(LATER)?;
    let bouncer = CustomBouncer::start(&portcullis, "portcullis_guessed")?;
    portcullis.wait_until("a key was refused", |portcullis| {
        Ok(portcullis.metrics("keys_refused_total")? >= 1.0)
    })?;
    assert_eq!(bouncer.calls(), Vec::<String>::new());
    Ok(())
}

#[test]
fn pycrowdsec_learns_of_an_order_by_the_stream_and_by_asking_and_forgets_it() -> Result<()> {
    let portcullis = Portcullis::start(&Setup::new())?;
    portcullis.block(EARLIER)?;
    let bouncer = PythonBouncer::start(&portcullis, &portcullis.key("bouncer")?, LATER)?;
    let entry = |address: &str| format!("{address}/32");
    bouncer.wait_until("it held the earlier block", |state| {
        state["held"][entry(EARLIER)] == "ban"
    })?;
    portcullis.block(LATER)?;
    bouncer.wait_until("it held the later block", |state| {
        state["held"][entry(LATER)] == "ban" && state["action"] == "ban" && state["asked"] == "ban"
    })?;

    portcullis.lift(LATER)?;
    bouncer.wait_until("it forgot the later block and kept the earlier one", |state| {
        state["action"].is_null() && state["asked"].is_null() && state["held"][entry(EARLIER)] == "ban"
    })?;
    portcullis.lift(EARLIER)?;
    bouncer.wait_until("it held nothing", |state| {
        state["held"].as_object().is_some_and(serde_json::Map::is_empty)
    })
}

#[test]
fn pycrowdsec_is_told_nothing_about_a_harmless_client() -> Result<()> {
    let portcullis = Portcullis::start(&Setup::new())?;
    portcullis.block(LATER)?;
    let bouncer = PythonBouncer::start(&portcullis, &portcullis.key("bouncer")?, HARMLESS)?;
    bouncer.wait_until("it held the block", |state| {
        state["held"][format!("{LATER}/32")] == "ban"
    })?;
    bouncer.wait_until("it knew nothing of the harmless client", |state| {
        state["action"].is_null() && state["asked"].is_null()
    })
}
