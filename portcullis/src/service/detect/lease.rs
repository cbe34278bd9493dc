//! The lease of the detect role: one process at a time writes decisions.

use super::Role;
use std::time::{Duration, Instant};
use storage::{Fence, Lease};

/// Name of the lease.
const NAME: &str = "detect";

/// How long a lease holds that is not renewed: how long a stand-by waits after its predecessor has died. Longer than a
/// slow checkpoint, shorter than anybody's patience.
const TTL_SECS: u32 = 15;

/// How often it is renewed, and how often a stand-by asks.
pub(super) const RENEW_EVERY: Duration = Duration::from_secs(4);

/// Waits until the lease is ours; `None` when the process is to stop first.
pub(super) fn wait(role: &Role) -> Option<Lease> {
    let mut is_told = false;
    while !role.is_stopping() {
        match acquire(role) {
            Ok(Some(lease)) => return Some(lease),
            Ok(None) => {
                if !is_told {
                    tracing::info!("another process detects; this one stands by");
                }
                let state = "stands by: another process detects".to_owned();
                role.setup.figures.set_state(false, Some(state));
                is_told = true;
            }
            Err(error) => {
                if !is_told {
                    tracing::error!(%error, "could not take the lease: {error}");
                }
                role.setup.figures.set_state(false, Some(error.to_string()));
                is_told = true;
            }
        }
        role.pause(Duration::from_secs(1));
    }
    None
}

/// Gives the lease back, so that a stand-by begins at once.
pub(super) fn release(role: &Role, lease: &Lease) {
    let now = (role.setup.shared.clock)();
    let done = role.wait(role.setup.shared.store.release_lease(NAME, lease.fence, now));
    if let Err(error) = done {
        tracing::warn!(%error, "could not give the lease back: {error}");
    }
}

/// Renews the lease when it is time; false when it is lost.
///
/// # Errors
/// What the store says. The fence guards what is written, so a session may go on meanwhile.
pub(super) fn renew(role: &Role, lease: &Lease, renewed: &mut Instant) -> Result<bool, storage::Error> {
    if renewed.elapsed() < RENEW_EVERY {
        return Ok(true);
    }
    *renewed = Instant::now();
    Ok(acquire(role)?.is_some_and(|now| now.fence == lease.fence))
}

/// What a writer shows.
pub(super) fn fence(lease: &Lease) -> Fence {
    Fence {
        lease: NAME.to_owned(),
        token: lease.fence,
    }
}

fn acquire(role: &Role) -> Result<Option<Lease>, storage::Error> {
    let shared = &role.setup.shared;
    role.wait(
        shared
            .store
            .acquire_lease(NAME, &role.setup.holder, TTL_SECS, (shared.clock)()),
    )
}
