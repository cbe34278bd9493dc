//! A real Envoy that asks before each request, over gRPC and over HTTP: who is blocked is refused with a reference, nobody gets somebody
//! else refused, and without an answer everybody passes.

use anyhow::{Context as _, Result};
use portcullis_tests::component::{AskingEnvoy, Portcullis, Setup};

const ATTACKER: &str = "127.0.0.66";
const HARMLESS: &str = "127.0.0.20";

fn port_of(portcullis: &Portcullis) -> Result<u16> {
    let authority = portcullis.authority();
    let (_, port) = authority.rsplit_once(':').context("no port")?;
    Ok(port.parse()?)
}

fn asks(is_grpc: bool) -> Result<()> {
    let setup = Setup::new().with(
        "clients",
        "private_clients = true\ntrusted_proxies = [\"127.0.0.1\"]",
    );
    let mut portcullis = Portcullis::start(&setup)?;
    let envoy = AskingEnvoy::start(port_of(&portcullis)?, is_grpc)?;
    let status = |address: &str, headers: &[(&str, &str)]| {
        Ok::<_, anyhow::Error>(envoy.ask_as(address, headers)?.status)
    };
    assert_eq!(status(ATTACKER, &[])?, 200);

    let receipt = portcullis.block(ATTACKER)?;
    let decision = receipt["decision"]["id"].as_str().context("no decision")?;
    portcullis.wait_until("the block held", |_| Ok(status(ATTACKER, &[])? == 403))?;
    let refused = envoy.ask_as(ATTACKER, &[])?;
    assert!(refused.body.contains(decision), "{}", refused.body);
    let told = refused
        .headers
        .get("x-portcullis-decision")
        .and_then(|value| value.to_str().ok());
    assert_eq!(told, Some(decision));
    assert_eq!(status(HARMLESS, &[])?, 200);

    // Who writes the header hides nothing, and harms nobody.
    assert_eq!(status(ATTACKER, &[("x-forwarded-for", HARMLESS)])?, 403);
    assert_eq!(status(HARMLESS, &[("x-forwarded-for", ATTACKER)])?, 200);

    portcullis.lift(ATTACKER)?;
    portcullis.wait_until("the block was lifted", |_| Ok(status(ATTACKER, &[])? == 200))?;
    let asked = portcullis.list("/api/v1/askers")?;
    let name = if is_grpc { "edge-1" } else { "" };
    assert!(
        asked
            .iter()
            .any(|asker| asker["way"] == "check" && asker["name"] == name),
        "{asked:?}"
    );

    // Without an answer everybody passes: Envoy is told so by its own configuration.
    portcullis.block(ATTACKER)?;
    portcullis.wait_until("the block held again", |_| Ok(status(ATTACKER, &[])? == 403))?;
    portcullis.kill()?;
    assert_eq!(status(ATTACKER, &[])?, 200);
    Ok(())
}

#[test]
fn over_grpc() -> Result<()> {
    asks(true)
}

#[test]
fn over_http() -> Result<()> {
    asks(false)
}

#[test]
fn a_throttled_client_is_over_the_limit_of_envoys_rate_limit_service_and_others_are_not() -> Result<()> {
    let setup = Setup::new().with(
        "clients",
        "private_clients = true\ntrusted_proxies = [\"127.0.0.1\"]",
    );
    let mut portcullis = Portcullis::start(&setup)?;
    let envoy = AskingEnvoy::start_limited(port_of(&portcullis)?)?;
    let status = |address: &str| Ok::<_, anyhow::Error>(envoy.ask_as(address, &[])?.status);
    assert_eq!(status(ATTACKER)?, 200);
    // People order blocks, and whoever is blocked is over the limit, too; that a throttle is, the service's own tests show.
    let receipt = portcullis.block(ATTACKER)?;
    let decision = receipt["decision"]["id"].as_str().context("no decision")?;
    portcullis.wait_until("the limit held", |_| Ok(status(ATTACKER)? == 429))?;
    let limited = envoy.ask_as(ATTACKER, &[])?;
    let told = limited.headers.get("x-portcullis-decision");
    assert_eq!(told.and_then(|value| value.to_str().ok()), Some(decision));
    assert_eq!(status(HARMLESS)?, 200);
    portcullis.lift(ATTACKER)?;
    portcullis.wait_until("the limit was lifted", |_| Ok(status(ATTACKER)? == 200))?;

    // Without an answer everybody passes.
    portcullis.block(ATTACKER)?;
    portcullis.wait_until("the limit held again", |_| Ok(status(ATTACKER)? == 429))?;
    portcullis.kill()?;
    assert_eq!(status(ATTACKER)?, 200);
    Ok(())
}
