//! Keys, sessions and bouncers.

use super::{execute, read_all, read_first};
use crate::engine::{Engine, params};
use crate::row::access::{
    BOUNCER_COLUMNS, KEY_COLUMNS, SESSION_COLUMNS, read_bouncer, read_key, read_session,
};
use crate::{ApiKey, Bouncer, Error, NewApiKey, Session};
use domain::Timestamp;

pub(super) async fn add_key(engine: &dyn Engine, key: &NewApiKey, now: Timestamp) -> Result<ApiKey, Error> {
    let sql = "INSERT INTO api_keys (name, hash, role, gateway, created_at, created_by) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let params = params![
        key.name.as_str(),
        key.hash.as_str(),
        key.role.as_str(),
        key.gateway.clone(),
        now,
        key.created_by.as_str()
    ];
    if execute(engine, "store an API key", sql, params).await? == 0 {
        return Err(Error::AlreadyExists {
            what: "API key",
            name: key.name.clone(),
        });
    }
    Ok(ApiKey {
        name: key.name.clone(),
        role: key.role,
        gateway: key.gateway.clone(),
        created_at: now,
        created_by: key.created_by.clone(),
        last_used_at: None,
        revoked_at: None,
        revoked_by: None,
    })
}

pub(super) async fn key_by_hash(engine: &dyn Engine, hash: &str) -> Result<Option<ApiKey>, Error> {
    let sql = format!("SELECT {KEY_COLUMNS} FROM api_keys WHERE hash = $1 AND revoked_at IS NULL");
    let rows = engine
        .fetch("look an API key up", sql.into(), params![hash])
        .await?;
    read_first(rows, read_key)
}

pub(super) async fn keys(engine: &dyn Engine) -> Result<Vec<ApiKey>, Error> {
    let sql = format!("SELECT {KEY_COLUMNS} FROM api_keys ORDER BY name");
    read_all(
        engine.fetch("list API keys", sql.into(), Vec::new()).await?,
        read_key,
    )
}

pub(super) async fn revoke_key(
    engine: &dyn Engine,
    name: &str,
    by: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let doing = "revoke an API key";
    let mut tx = engine.begin(doing).await?;
    let sql = "UPDATE api_keys SET revoked_at = $1, revoked_by = $2 WHERE name = $3 AND revoked_at IS NULL";
    let revoked = tx.execute(doing, sql.into(), params![now, by, name]).await?;
    let sql = "DELETE FROM sessions WHERE key_name = $1";
    tx.execute(doing, sql.into(), params![name]).await?;
    tx.commit(doing).await?;
    Ok(revoked > 0)
}

pub(super) async fn touch_key(engine: &dyn Engine, name: &str, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE api_keys SET last_used_at = $1 WHERE name = $2";
    execute(engine, "note an API key's use", sql, params![now, name]).await?;
    Ok(())
}

pub(super) async fn add_session(engine: &dyn Engine, session: &Session) -> Result<(), Error> {
    let sql = "INSERT INTO sessions (hash, key_name, role, created_at, last_used_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let params = params![
        session.hash.as_str(),
        session.key_name.as_str(),
        session.role.as_str(),
        session.created_at,
        session.last_used_at,
        session.expires_at
    ];
    execute(engine, "open a session", sql, params).await?;
    Ok(())
}

pub(super) async fn session_by_hash(
    engine: &dyn Engine,
    hash: &str,
    now: Timestamp,
) -> Result<Option<Session>, Error> {
    let sql = format!("SELECT {SESSION_COLUMNS} FROM sessions WHERE hash = $1 AND expires_at > $2");
    let rows = engine
        .fetch("look a session up", sql.into(), params![hash, now])
        .await?;
    read_first(rows, read_session)
}

pub(super) async fn touch_session(engine: &dyn Engine, hash: &str, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE sessions SET last_used_at = $1 WHERE hash = $2";
    execute(engine, "note a session's use", sql, params![now, hash]).await?;
    Ok(())
}

pub(super) async fn remove_session(engine: &dyn Engine, hash: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM sessions WHERE hash = $1";
    Ok(execute(engine, "end a session", sql, params![hash]).await? > 0)
}

pub(super) async fn put_bouncer(engine: &dyn Engine, bouncer: &Bouncer) -> Result<(), Error> {
    let sql = "INSERT INTO bouncers (name, kind, version, address, last_seen, last_pull) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, \
               version = excluded.version, address = excluded.address, last_seen = excluded.last_seen, \
               last_pull = CASE WHEN excluded.last_pull > bouncers.last_pull OR bouncers.last_pull IS NULL \
               THEN excluded.last_pull ELSE bouncers.last_pull END";
    let params = params![
        bouncer.name.as_str(),
        bouncer.kind.as_str(),
        bouncer.version.as_str(),
        bouncer.address.as_str(),
        bouncer.last_seen,
        bouncer.last_pull
    ];
    execute(engine, "note a bouncer's pull", sql, params).await?;
    Ok(())
}

pub(super) async fn bouncer(engine: &dyn Engine, name: &str) -> Result<Option<Bouncer>, Error> {
    let sql = format!("SELECT {BOUNCER_COLUMNS} FROM bouncers WHERE name = $1");
    let rows = engine.fetch("read a bouncer", sql.into(), params![name]).await?;
    read_first(rows, read_bouncer)
}

pub(super) async fn bouncers(engine: &dyn Engine) -> Result<Vec<Bouncer>, Error> {
    let sql = format!("SELECT {BOUNCER_COLUMNS} FROM bouncers ORDER BY name");
    read_all(
        engine.fetch("list bouncers", sql.into(), Vec::new()).await?,
        read_bouncer,
    )
}
