//! Leases with fence tokens: at most one writer, also when an old one wakes up late.

use super::{execute, read_first};
use crate::engine::{Engine, Transaction, params};
use crate::row::operation::read_lease;
use crate::{Error, Fence, Lease};
use domain::Timestamp;

pub(super) async fn acquire(
    engine: &dyn Engine,
    name: &str,
    holder: &str,
    ttl_secs: u32,
    now: Timestamp,
) -> Result<Option<Lease>, Error> {
    let doing = "take a lease";
    let mut tx = engine.begin(doing).await?;
    let until = now.plus_secs(i64::from(ttl_secs));
    // One statement, so that two contenders cannot both read a free lease. It touches no row while somebody else
    // holds the lease.
    let sql = "INSERT INTO leases (name, holder, fence, held_until) VALUES ($1, $2, 1, $3) \
               ON CONFLICT (name) DO UPDATE SET \
               fence = leases.fence + CASE WHEN leases.holder = excluded.holder AND leases.held_until > $4 \
               THEN 0 ELSE 1 END, holder = excluded.holder, held_until = excluded.held_until \
               WHERE leases.holder = excluded.holder OR leases.held_until <= $4 \
               RETURNING name, holder, fence, held_until";
    let rows = tx
        .fetch(doing, sql.into(), params![name, holder, until, now])
        .await?;
    tx.commit(doing).await?;
    read_first(rows, read_lease)
}

pub(super) async fn release(
    engine: &dyn Engine,
    name: &str,
    fence: u64,
    now: Timestamp,
) -> Result<bool, Error> {
    let sql = "UPDATE leases SET held_until = $1 WHERE name = $2 AND fence = $3 AND held_until > $1";
    Ok(execute(engine, "give a lease back", sql, params![now, name, fence]).await? > 0)
}

/// Fails when the lease is held by somebody else, or has lapsed.
pub(super) async fn check(tx: &mut dyn Transaction, fence: &Fence, now: Timestamp) -> Result<(), Error> {
    let sql = "SELECT name, holder, fence, held_until FROM leases WHERE name = $1";
    let rows = tx
        .fetch("check a lease", sql.into(), params![fence.lease.as_str()])
        .await?;
    match read_first(rows, read_lease)? {
        Some(lease) if lease.fence == fence.token && lease.until > now => Ok(()),
        _ => Err(Error::Fenced {
            lease: fence.lease.clone(),
            fence: fence.token,
        }),
    }
}
