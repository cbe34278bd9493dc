//! From the first start on: the key that is printed once, orders that outlive a restart, a configuration read again.

use anyhow::{Context as _, Result};
use portcullis_tests::component::{Portcullis, Setup, ask, http_client};

const CLIENT: &str = "203.0.113.9";

/// The keys that were printed since the folder is there.
fn printed_keys(portcullis: &Portcullis) -> Vec<String> {
    let log = portcullis.log();
    let words = log.lines().map(str::trim);
    words
        .filter(|word| word.starts_with("portcullis_"))
        .map(str::to_owned)
        .collect()
}

/// What `/check` says about a client behind a proxy on the loopback.
fn check(portcullis: &Portcullis, address: &str) -> Result<u16> {
    let request = http_client()?.get(portcullis.url("/check"));
    Ok(ask(request.header("x-forwarded-for", address))?.status)
}

fn behind_a_proxy() -> Setup {
    Setup::new().with("clients", "trusted_proxies = [\"127.0.0.1/32\"]")
}

#[test]
fn the_first_start_prints_an_administrators_key_and_no_later_one_does() -> Result<()> {
    let mut portcullis = Portcullis::start(&Setup::new())?;
    portcullis.stop()?;
    assert_eq!(
        printed_keys(&portcullis),
        Vec::<String>::new(),
        "there is a key already"
    );
    for file in ["portcullis.db", "portcullis.db-wal", "portcullis.db-shm"] {
        // A clean end leaves the first of them only.
        let _ = std::fs::remove_file(portcullis.folder().join(file));
    }
    portcullis.start_again()?;
    portcullis.wait_until("it printed a key", |portcullis| {
        Ok(!printed_keys(portcullis).is_empty())
    })?;
    let keys = printed_keys(&portcullis);
    let key = keys.first().context("no key was printed")?;
    assert_eq!(portcullis.ask("/api/v1/keys", Some(key))?.status, 200);
    assert_eq!(
        portcullis
            .ask("/api/v1/keys", Some(portcullis.admin_key()))?
            .status,
        401
    );

    portcullis.stop()?;
    portcullis.start_again()?;
    assert_eq!(portcullis.ask("/api/v1/keys", Some(key))?.status, 200);
    portcullis.stop()?;
    assert_eq!(printed_keys(&portcullis), keys);
    Ok(())
}

#[test]
fn orders_outlive_a_power_cut_and_an_orderly_end() -> Result<()> {
    let mut portcullis = Portcullis::start(&behind_a_proxy())?;
    let viewer = portcullis.key("viewer")?;
    portcullis.block(CLIENT)?;
    portcullis.kill()?;
    portcullis.start_again()?;
    assert_eq!(check(&portcullis, CLIENT)?, 403);
    assert_eq!(portcullis.ask("/api/v1/decisions", Some(&viewer))?.status, 200);
    portcullis.lift(CLIENT)?;
    portcullis.stop()?;
    portcullis.start_again()?;
    assert_eq!(check(&portcullis, CLIENT)?, 200);
    Ok(())
}

#[test]
fn a_hang_up_reads_the_configuration_again_and_a_wrong_one_changes_nothing() -> Result<()> {
    let portcullis = Portcullis::start(&behind_a_proxy())?;
    portcullis.block(CLIENT)?;
    portcullis.wait_until("the block held", |portcullis| {
        Ok(check(portcullis, CLIENT)? == 403)
    })?;

    portcullis.configure(&behind_a_proxy().with("clients", "own_ranges = [\"nobody's\"]"))?;
    portcullis.signal("HUP")?;
    portcullis.wait_until("it refused the configuration", |portcullis| {
        let log = portcullis.log();
        Ok(log.contains("the configuration stays as it was") && log.contains("clients.own_ranges"))
    })?;
    assert_eq!(check(&portcullis, CLIENT)?, 403);

    portcullis.configure(&behind_a_proxy().with("clients", "own_ranges = [\"203.0.113.0/24\"]"))?;
    portcullis.signal("HUP")?;
    portcullis.wait_until("its own ranges were never blocked", |portcullis| {
        Ok(check(portcullis, CLIENT)? == 200)
    })
}
