-- What people and gateways are shown, and who they are.
CREATE TABLE alerts (
    id          TEXT PRIMARY KEY NOT NULL,
    scope       TEXT NOT NULL,
    value       TEXT NOT NULL,
    threats     TEXT NOT NULL, -- ",kind,kind,": every kind between commas, to be found with LIKE
    action      TEXT NOT NULL,
    score       REAL NOT NULL,
    alerted_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    search_text TEXT NOT NULL, -- lower case
    body        TEXT NOT NULL  -- JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX alerts_time ON alerts (alerted_at, id);
CREATE INDEX alerts_client ON alerts (scope, value);

CREATE TABLE client_summaries (
    scope      TEXT NOT NULL,
    value      TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    requests   INTEGER NOT NULL,
    score      REAL NOT NULL,
    action     TEXT,
    features   TEXT NOT NULL, -- JSON
    timeline   TEXT NOT NULL, -- JSON
    PRIMARY KEY (scope, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX client_summaries_updated ON client_summaries (updated_at);

CREATE TABLE api_keys (
    name         TEXT PRIMARY KEY NOT NULL,
    hash         TEXT NOT NULL UNIQUE,
    role         TEXT NOT NULL,
    gateway      TEXT,
    created_at   INTEGER NOT NULL,
    created_by   TEXT NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER,
    revoked_by   TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    hash         TEXT PRIMARY KEY NOT NULL,
    key_name     TEXT NOT NULL,
    role         TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bouncers (
    name      TEXT PRIMARY KEY NOT NULL,
    kind      TEXT NOT NULL,
    version   TEXT NOT NULL,
    address   TEXT NOT NULL,
    last_seen INTEGER NOT NULL,
    last_pull INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE stats (
    minute   INTEGER NOT NULL,
    node     TEXT NOT NULL,
    requests INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    clients  INTEGER NOT NULL,
    alerts   INTEGER NOT NULL,
    blocks   INTEGER NOT NULL,
    stopped  INTEGER NOT NULL,
    PRIMARY KEY (minute, node)
) STRICT, WITHOUT ROWID;

CREATE TABLE models (
    version      TEXT PRIMARY KEY NOT NULL,
    created_at   INTEGER NOT NULL,
    activated_at INTEGER,
    retired_at   INTEGER,
    card         TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    name       TEXT PRIMARY KEY NOT NULL,
    holder     TEXT NOT NULL,
    fence      INTEGER NOT NULL,
    held_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE rejected (
    seq    INTEGER PRIMARY KEY NOT NULL,
    seen_at INTEGER NOT NULL,
    source TEXT NOT NULL,
    line   INTEGER NOT NULL,
    reason TEXT NOT NULL,
    sample TEXT NOT NULL
) STRICT;
INSERT INTO counters (name, value) VALUES ('rejected', 0);

CREATE TABLE settings (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
