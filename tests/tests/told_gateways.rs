//! Gateways that are told whom to refuse hold what was decided: at once, over restarts of either side, and nothing longer.
//!
//! One story for all of them. Every request comes over a connection of its own, from an address of the loopback.

use anyhow::{Context as _, Result, ensure};
use portcullis_tests::component::{Portcullis, REFUSED_BY_HAND, Setup, ToldGateway};
use serde_json::Value;

/// What a person reads of a run.
mod delays {
    #![allow(
        clippy::print_stderr,
        reason = "the figure is for whoever reads the test's output"
    )]

    pub(super) fn tell(told: &serde_json::Value) {
        let (kind, millis) = (&told["kind"], &told["last_delay_ms"]);
        eprintln!("{kind}: in effect {millis} ms after it was stored");
    }
}

const ATTACKER: &str = "127.0.0.66";
const OTHER: &str = "127.0.0.67";
const HARMLESS: &str = "127.0.0.20";

/// Portcullis with that gateway, which is read every second and changed as often as wanted.
fn with(gateway: &ToldGateway) -> Setup {
    Setup::new().with("clients", "private_clients = true").gateway(
        "edge",
        "read_secs = 1\nchange_secs = 0",
        gateway.settings(),
    )
}

fn standing(portcullis: &Portcullis) -> Result<Value> {
    let gateways = portcullis.list("/api/v1/gateways")?;
    gateways.into_iter().next().context("no gateway is listed")
}

/// Waits until the gateway has confirmed that it acts on so many clients, and gives how it stands.
fn confirmed(portcullis: &Portcullis, clients: u64) -> Result<Value> {
    portcullis.wait_until(
        &format!("the gateway confirmed {clients} clients"),
        |portcullis| {
            let standing = standing(portcullis)?;
            Ok(standing["state"] == "equal" && standing["wanted"] == clients && standing["held"] == clients)
        },
    )?;
    standing(portcullis)
}

/// What was confirmed holds at the next request, and nobody else is touched.
fn holds(gateway: &ToldGateway, refused: &[&str], served: &[&str]) -> Result<()> {
    for address in refused.iter().chain(&[REFUSED_BY_HAND]) {
        let status = gateway.status_for(address)?;
        ensure!(status == 403, "{address} was answered {status}");
    }
    for address in served.iter().chain(&[HARMLESS]) {
        let status = gateway.status_for(address)?;
        ensure!(status == 200, "{address} was answered {status}");
    }
    Ok(())
}

fn holds_what_was_decided(mut gateway: ToldGateway) -> Result<()> {
    let mut portcullis = Portcullis::start(&with(&gateway))?;
    confirmed(&portcullis, 0)?;
    holds(&gateway, &[], &[ATTACKER])?;

    portcullis.block(ATTACKER)?;
    let told = confirmed(&portcullis, 1)?;
    delays::tell(&told);
    holds(&gateway, &[ATTACKER], &[OTHER])?;

    // A second one, and the first is lifted.
    portcullis.block(OTHER)?;
    confirmed(&portcullis, 2)?;
    holds(&gateway, &[ATTACKER, OTHER], &[])?;
    portcullis.lift(ATTACKER)?;
    confirmed(&portcullis, 1)?;
    holds(&gateway, &[OTHER], &[ATTACKER])?;

    // The gateway is restarted, and what it was told at runtime is gone.
    gateway.restart()?;
    portcullis.wait_until("the restarted gateway refuses again", |portcullis| {
        Ok(gateway.status_for(OTHER)? == 403 && standing_is_equal(portcullis)?)
    })?;
    holds(&gateway, &[OTHER], &[ATTACKER])?;

    // Portcullis is away: what holds goes on to hold. What is decided meanwhile holds when it is back.
    portcullis.kill()?;
    holds(&gateway, &[OTHER], &[ATTACKER])?;
    portcullis.start_again()?;
    confirmed(&portcullis, 1)?;
    holds(&gateway, &[OTHER], &[ATTACKER])?;

    // The gateway is away while something is decided.
    gateway.stop()?;
    portcullis.block(ATTACKER)?;
    portcullis.wait_until("it is said that the gateway fails", |portcullis| {
        Ok(standing(portcullis)?["error"].is_string())
    })?;
    gateway.start_again()?;
    confirmed(&portcullis, 2)?;
    holds(&gateway, &[ATTACKER, OTHER], &[])?;

    // Everything is suspended, and the command returns when the gateway has let everybody go; then it holds again.
    let said = portcullis.command(&["suspend", "--reason", "it was tried"])?;
    ensure!(said.contains("nothing is carried out any more"), "{said}");
    holds(&gateway, &[], &[ATTACKER, OTHER])?;
    ensure!(portcullis.get("/api/v1/suspension")?["suspended"] == true);
    portcullis.command(&["resume", "--reason", "it was tried"])?;
    confirmed(&portcullis, 2)?;
    holds(&gateway, &[ATTACKER, OTHER], &[])?;

    // Whatever was decided ends.
    portcullis.lift(OTHER)?;
    portcullis.lift(ATTACKER)?;
    portcullis.block_for("127.0.0.68", 2)?;
    portcullis.wait_until("a short block held", |_| {
        Ok(gateway.status_for("127.0.0.68")? == 403)
    })?;
    confirmed(&portcullis, 0)?;
    holds(&gateway, &[], &[ATTACKER, OTHER, "127.0.0.68"])
}

fn standing_is_equal(portcullis: &Portcullis) -> Result<bool> {
    Ok(standing(portcullis)?["state"] == "equal")
}

#[test]
fn nginx() -> Result<()> {
    holds_what_was_decided(ToldGateway::nginx()?)
}

#[test]
fn haproxy() -> Result<()> {
    holds_what_was_decided(ToldGateway::haproxy()?)
}

#[test]
fn redis() -> Result<()> {
    holds_what_was_decided(ToldGateway::redis()?)
}

#[test]
fn nftables() -> Result<()> {
    holds_what_was_decided(ToldGateway::nftables()?)
}
