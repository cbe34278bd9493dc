//! Gateways that are told whom to refuse hold what was decided: at once, over restarts of either side, and nothing longer.
//!
//! One story for all of them. Every request comes over a connection of its own, from an address of the loopback.

use anyhow::{Context as _, Result, ensure};
use domain::{Action, Client, Timestamp};
use enforcer::{Connector, Holding, Item, plan};
use portcullis_tests::component::{Portcullis, REFUSED_BY_HAND, Setup, ToldGateway, ask, http_client};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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

    pub(super) fn tell_list(kind: &str, clients: usize, took: std::time::Duration) {
        eprintln!("{kind}: {clients} clients in {} ms", took.as_millis());
    }
}

const ATTACKER: &str = "127.0.0.66";
/// No neighbour of the attacker: where room is short the two would be one range.
const OTHER: &str = "127.0.0.70";
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

/// A long list: addresses, ranges of both kinds, and the attacker. Nobody else of the loopback.
fn long_list(clients: usize, until: Timestamp) -> BTreeMap<Client, Item> {
    let item = |client: Client| {
        let item = Item {
            client: client.clone(),
            action: Action::Block,
            expires_at: until,
            created_at: until,
            decision: "ab".repeat(16),
            priority: 50,
            is_ordered: false,
        };
        (client, item)
    };
    let numbered = |number: u32| {
        let text = match number % 4 {
            // Every other address and range: no two of them are neighbours that could be written as one.
            0 => format!("2001:db8:{:x}:{:x}::/64", number >> 16, number & 0xffff),
            1 => format!("{}/24", Ipv4Addr::from_bits(0x6440_0000 + (number << 8))),
            _ => format!("{}/32", Ipv4Addr::from_bits(0xc612_0000 + 2 * number)),
        };
        text.parse().map(Client::from_range)
    };
    let numbers = 0..u32::try_from(clients).unwrap_or(u32::MAX) - 1;
    let attacker = Client::parse(domain::Scope::Ip, ATTACKER);
    let all = numbers.filter_map(|number| numbered(number).ok()).chain(attacker);
    all.map(item).collect()
}

/// Has a point hold that, from whatever it holds, and gives what it says that it holds.
async fn exchanged(connector: &mut dyn Connector, wanted: &BTreeMap<Client, Item>) -> Result<Holding> {
    let changes = plan(wanted, &connector.read().await?);
    let began = Instant::now();
    connector.apply(&changes, wanted).await?;
    delays::tell_list(connector.kind(), changes.len(), began.elapsed());
    let held = connector.read().await?;
    ensure!(
        plan(wanted, &held).is_empty(),
        "it holds something else: {} clients",
        held.len()
    );
    Ok(held)
}

/// Most clients of a long list: more than any connector writes at once.
const LONG: usize = 12_000;

fn takes_a_long_list(mut gateway: ToldGateway) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let later =
        |span: Duration| Timestamp::from_secs(i64::try_from((now + span).as_secs()).unwrap_or(i64::MAX));
    let most = gateway.connector().expresses().capacity.unwrap_or(LONG).min(LONG);
    let (all, fewer) = (
        long_list(most, later(Duration::from_secs(3600))),
        long_list(most / 2, later(Duration::from_secs(7200))),
    );
    let held = runtime.block_on(exchanged(gateway.connector(), &all))?;
    ensure!(held.len() == most, "{} of {most}", held.len());
    holds(&gateway, &[ATTACKER], &[OTHER])?;
    // Half of them go, and the ends of the others move.
    runtime.block_on(exchanged(gateway.connector(), &fewer))?;
    holds(&gateway, &[ATTACKER], &[OTHER])?;
    runtime.block_on(exchanged(gateway.connector(), &BTreeMap::new()))?;
    holds(&gateway, &[], &[ATTACKER, OTHER])
}

/// The end does not wait for the next change, however far that is, and takes everything away where that was asked for.
#[test]
fn a_change_that_is_far_does_not_hold_up_the_end() -> Result<()> {
    let gateway = ToldGateway::haproxy()?;
    let far = "read_secs = 1\nchange_secs = 86400\non_stop = \"flush\"";
    let setup =
        Setup::new()
            .with("clients", "private_clients = true")
            .gateway("edge", far, gateway.settings());
    let mut portcullis = Portcullis::start(&setup)?;
    confirmed(&portcullis, 0)?;
    portcullis.block(ATTACKER)?;
    confirmed(&portcullis, 1)?;
    portcullis.block(OTHER)?;
    portcullis.wait_until("the second block waits for the next change", |portcullis| {
        Ok(standing(portcullis)?["state"] == "changing")
    })?;
    holds(&gateway, &[ATTACKER], &[OTHER])?;
    portcullis.stop()?;
    holds(&gateway, &[], &[ATTACKER, OTHER])
}

/// Kong and APISIX hold one list for everybody. Somebody else's is left alone, and it is said why ours does not hold.
#[test]
fn somebody_elses_list_for_everybody_is_left_alone() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let until =
        Timestamp::from_secs(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())? + 3600);
    let kong = json!({ "name": "ip-restriction", "config": { "deny": [OTHER] } });
    let apisix = json!({ "plugins": { "ip-restriction": { "blacklist": [OTHER] } } });
    for (mut gateway, path, body) in [
        (
            ToldGateway::kong()?,
            "/plugins/11111111-1111-1111-1111-111111111111",
            kong,
        ),
        (ToldGateway::apisix()?, "/apisix/admin/global_rules/1", apisix),
    ] {
        let admin = gateway.settings().split('"').nth(1).context("an address")?;
        let put = http_client()?.put(format!("{admin}{path}"));
        let put = put.header("x-api-key", "edd1c9f034335f136f87ad84b625c8f1");
        ask(put.json(&body))?.json()?;
        let told = runtime.block_on(exchanged(gateway.connector(), &long_list(10, until)));
        let told = told.err().context("ours was taken")?.to_string();
        ensure!(told.contains("already"), "{told}");
        holds(&gateway, &[OTHER], &[ATTACKER])?;
    }
    Ok(())
}

/// Whom CrowdSec's own allowlist names is not posted, and counted; when it names him no more he is.
#[test]
fn whom_crowdsecs_allowlist_names_is_not_told_to_it() -> Result<()> {
    let gateway = ToldGateway::crowdsec_with_allowlists()?;
    std::fs::write(gateway.file("allowlist"), format!("{ATTACKER}/31\n"))?;
    let portcullis = Portcullis::start(&with(&gateway))?;
    portcullis.block(ATTACKER)?;
    portcullis.block(OTHER)?;
    let told = confirmed(&portcullis, 2)?;
    let left_out = told["unexpressed"].as_array().and_then(|all| all.first());
    ensure!(
        left_out.is_some_and(|one| one["obstacle"] == "allowlist" && one["decisions"] == 1),
        "{told}"
    );
    holds(&gateway, &[OTHER], &[ATTACKER])?;

    std::fs::write(gateway.file("allowlist"), "")?;
    portcullis.wait_until("he is refused", |_| Ok(gateway.status_for(ATTACKER)? == 403))?;
    let told = confirmed(&portcullis, 2)?;
    ensure!(
        told["unexpressed"].as_array().is_some_and(Vec::is_empty),
        "{told}"
    );
    holds(&gateway, &[ATTACKER, OTHER], &[])
}

/// The stories, for each gateway. Tests are found by their names when they are compiled: no function can make them.
macro_rules! gateways {
    ($($name:ident),*) => {
        $(mod $name {
            use super::*;

            #[test]
            fn holds_what_was_decided() -> Result<()> {
                super::holds_what_was_decided(ToldGateway::$name()?)
            }

            #[test]
            fn takes_a_long_list() -> Result<()> {
                super::takes_a_long_list(ToldGateway::$name()?)
            }
        })*
    };
}

gateways!(
    nginx,
    haproxy,
    nftables,
    redis,
    envoy,
    caddy,
    caddy_as_it_is,
    webhook,
    crowdsec,
    kong,
    apisix,
    cloudflare,
    aws_wafv2,
    nginx_lua
);
