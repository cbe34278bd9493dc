//! Free loopback ports, chosen outside the range from which the kernel takes ports for outgoing connections,
//! so that no connection of another test lands on one before its component binds it.

use anyhow::{Context as _, Result};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// The first port tried: above the well-known services.
const FIRST: u16 = 20_000;
/// How many ports there are up to the kernel's own range, which begins at 32,768 by default.
const COUNT: u16 = 12_000;

/// Where this process goes on looking; processes begin at different places.
static NEXT: AtomicU16 = AtomicU16::new(0);

/// Chooses `N` ports on which nothing listens on 127.0.0.1; no two calls in one process return the same.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut found = [0; N];
    let mut candidates = (0..COUNT).map(|_| candidate(NEXT.fetch_add(1, Ordering::Relaxed)));
    for place in &mut found {
        *place = candidates
            .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
            .context("no free loopback port was found")?;
    }
    Ok(found)
}

fn candidate(step: u16) -> u16 {
    /// Spreads processes with neighbouring ids over the range.
    const STRIDE: u32 = 97;
    let start = std::process::id().wrapping_mul(STRIDE);
    FIRST + u16::try_from(start.wrapping_add(u32::from(step)) % u32::from(COUNT)).unwrap_or(0)
}
