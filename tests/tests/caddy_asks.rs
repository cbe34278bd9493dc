//! A real Caddy that asks before each request, by the Caddyfile of its page. It cannot fail open: the page says so first.

use anyhow::{Context as _, Result};
use portcullis_tests::component::{AskingCaddy, PAGE_SITE, Portcullis, Setup};

const ATTACKER: &str = "127.0.0.66";
const HARMLESS: &str = "127.0.0.20";

#[test]
fn who_is_blocked_is_refused_and_nobody_else_until_portcullis_is_away() -> Result<()> {
    let setup = Setup::new().with(
        "clients",
        "private_clients = true\ntrusted_proxies = [\"127.0.0.1\"]\nconsumer_header = \"X-Consumer-Username\"",
    );
    let mut portcullis = Portcullis::start(&setup)?;
    let authority = portcullis.authority();
    let (_, port) = authority.rsplit_once(':').context("no port")?;
    let caddy = AskingCaddy::start(port.parse()?)?;
    let status = |address: &str, headers: &[(&str, &str)]| {
        Ok::<_, anyhow::Error>(caddy.ask_as(address, headers)?.status)
    };
    assert_eq!(status(ATTACKER, &[])?, 200);
    let receipt = portcullis.block(ATTACKER)?;
    let decision = receipt["decision"]["id"].as_str().context("no decision")?;
    portcullis.wait_until("the block held", |_| Ok(status(ATTACKER, &[])? == 403))?;
    assert!(caddy.ask_as(ATTACKER, &[])?.body.contains(decision));
    assert_eq!(status(HARMLESS, &[])?, 200);
    // Who writes the header hides nothing, and harms nobody.
    assert_eq!(status(ATTACKER, &[("x-forwarded-for", HARMLESS)])?, 403);
    assert_eq!(status(HARMLESS, &[("x-forwarded-for", ATTACKER)])?, 200);
    portcullis.lift(ATTACKER)?;
    portcullis.wait_until("the block was lifted", |_| Ok(status(ATTACKER, &[])? == 200))?;
    let asked = portcullis.list("/api/v1/askers")?;
    assert!(asked.iter().any(|asker| asker["name"] == "edge-1"), "{asked:?}");

    // What the page warns of: without an answer everybody is refused.
    portcullis.kill()?;
    assert_eq!(status(HARMLESS, &[])?, 502);
    Ok(())
}

#[test]
fn the_page_shows_what_was_run_and_says_first_what_it_cannot_do() -> Result<()> {
    let page = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/gateways/caddy-forward-auth.md"
    );
    let text = std::fs::read_to_string(page)?;
    assert!(
        text.contains(PAGE_SITE),
        "the page shows another Caddyfile:\n{PAGE_SITE}"
    );
    let first = text.lines().nth(2).context("a short page")?;
    assert!(first.contains("cannot fail open"), "{first}");
    Ok(())
}
