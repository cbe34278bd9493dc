//! Keys, sessions and bouncers as rows.

use super::{read_time, read_time_or_null, read_word};
use crate::engine::Row;
use crate::{ApiKey, Bouncer, Error, Role, Session};

pub(crate) const KEY_COLUMNS: &str =
    "name, role, gateway, created_at, created_by, last_used_at, revoked_at, revoked_by";

pub(crate) fn read_key(mut row: Row) -> Result<ApiKey, Error> {
    let row = &mut row;
    Ok(ApiKey {
        name: row.text()?,
        role: read_word(row, "a role", Role::from_name)?,
        gateway: row.text_or_null()?,
        created_at: read_time(row)?,
        created_by: row.text()?,
        last_used_at: read_time_or_null(row)?,
        revoked_at: read_time_or_null(row)?,
        revoked_by: row.text_or_null()?,
    })
}

pub(crate) const SESSION_COLUMNS: &str = "hash, key_name, role, created_at, last_used_at, expires_at";

pub(crate) fn read_session(mut row: Row) -> Result<Session, Error> {
    let row = &mut row;
    Ok(Session {
        hash: row.text()?,
        key_name: row.text()?,
        role: read_word(row, "a role", Role::from_name)?,
        created_at: read_time(row)?,
        last_used_at: read_time(row)?,
        expires_at: read_time(row)?,
    })
}

pub(crate) const BOUNCER_COLUMNS: &str = "name, kind, version, address, last_seen, last_pull";

pub(crate) fn read_bouncer(mut row: Row) -> Result<Bouncer, Error> {
    let row = &mut row;
    Ok(Bouncer {
        name: row.text()?,
        kind: row.text()?,
        version: row.text()?,
        address: row.text()?,
        last_seen: read_time(row)?,
        last_pull: read_time_or_null(row)?,
    })
}
