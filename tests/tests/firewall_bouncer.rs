//! Debian's crowdsec-firewall-bouncer, unchanged, and a kernel's real firewall: what is decided holds there and goes again, over restarts of
//! either side.

use anyhow::Result;
use portcullis_tests::component::{FirewallBouncer, Portcullis, Setup};

const EARLIER: &str = "127.0.0.66";
const LATER: &str = "127.0.0.67";
const SHORT: &str = "127.0.0.68";
const HARMLESS: &str = "127.0.0.20";

#[test]
fn a_kernels_firewall_holds_what_is_decided_over_restarts_of_either_side() -> Result<()> {
    let setup = Setup::new().with("clients", "private_clients = true");
    let mut portcullis = Portcullis::start(&setup)?;
    portcullis.block(EARLIER)?;
    let mut firewall = FirewallBouncer::start(&portcullis, &portcullis.key("bouncer")?)?;
    firewall.wait_until_held(EARLIER, true)?;
    assert!(!firewall.lets_through(EARLIER)?);
    assert!(firewall.lets_through(HARMLESS)?);

    // Added while it follows; the longer of two decisions holds when the shorter is over.
    portcullis.block_for(SHORT, 4)?;
    portcullis.block_for(LATER, 4)?;
    portcullis.block(LATER)?;
    firewall.wait_until_held(LATER, true)?;
    firewall.wait_until_held(SHORT, true)?;
    firewall.wait_until_held(SHORT, false)?;
    assert!(firewall.lets_through(SHORT)?);
    assert!(firewall.holds(LATER)?, "the longer decision holds");

    // We restart: what holds stays, what is lifted meanwhile goes.
    portcullis.kill()?;
    assert!(!firewall.lets_through(EARLIER)?);
    portcullis.start_again()?;
    portcullis.lift(LATER)?;
    firewall.wait_until_held(LATER, false)?;
    assert!(firewall.lets_through(LATER)?);
    assert!(!firewall.lets_through(EARLIER)?);

    // It restarts: it takes the whole list.
    firewall.stop_bouncer();
    portcullis.block(LATER)?;
    firewall.start_bouncer()?;
    firewall.wait_until_held(LATER, true)?;
    firewall.wait_until_held(EARLIER, true)?;
    portcullis.lift(EARLIER)?;
    firewall.wait_until_held(EARLIER, false)?;
    assert!(firewall.lets_through(EARLIER)?);
    assert!(firewall.lets_through(HARMLESS)?);
    Ok(())
}
