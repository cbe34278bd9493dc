-- What people and gateways are shown, and who they are.
CREATE TABLE alerts (
    id          TEXT PRIMARY KEY NOT NULL,
    scope       TEXT NOT NULL,
    value       TEXT NOT NULL,
    threats     TEXT NOT NULL, -- ",kind,kind,": every kind between commas, to be found with LIKE
    action      TEXT NOT NULL,
    score       DOUBLE PRECISION NOT NULL,
    alerted_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    search_text TEXT NOT NULL, -- lower case
    body        TEXT NOT NULL  -- JSON
);
CREATE INDEX alerts_time ON alerts (alerted_at, id);
CREATE INDEX alerts_client ON alerts (scope, value);

CREATE TABLE client_summaries (
    scope      TEXT NOT NULL,
    value      TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    requests   BIGINT NOT NULL,
    score      DOUBLE PRECISION NOT NULL,
    action     TEXT,
    features   TEXT NOT NULL, -- JSON
    timeline   TEXT NOT NULL, -- JSON
    PRIMARY KEY (scope, value)
);
CREATE INDEX client_summaries_updated ON client_summaries (updated_at);

CREATE TABLE api_keys (
    name         TEXT PRIMARY KEY NOT NULL,
    hash         TEXT NOT NULL UNIQUE,
    role         TEXT NOT NULL,
    gateway      TEXT,
    created_at   BIGINT NOT NULL,
    created_by   TEXT NOT NULL,
    last_used_at BIGINT,
    revoked_at   BIGINT,
    revoked_by   TEXT
);

CREATE TABLE sessions (
    hash         TEXT PRIMARY KEY NOT NULL,
    key_name     TEXT NOT NULL,
    role         TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);

CREATE TABLE bouncers (
    name      TEXT PRIMARY KEY NOT NULL,
    kind      TEXT NOT NULL,
    version   TEXT NOT NULL,
    address   TEXT NOT NULL,
    last_seen BIGINT NOT NULL,
    last_pull BIGINT
);

CREATE TABLE stats (
    minute   BIGINT NOT NULL,
    node     TEXT NOT NULL,
    requests BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    clients  BIGINT NOT NULL,
    alerts   BIGINT NOT NULL,
    blocks   BIGINT NOT NULL,
    stopped  BIGINT NOT NULL,
    PRIMARY KEY (minute, node)
);

CREATE TABLE models (
    version      TEXT PRIMARY KEY NOT NULL,
    created_at   BIGINT NOT NULL,
    activated_at BIGINT,
    retired_at   BIGINT,
    card         TEXT NOT NULL -- JSON
);

CREATE TABLE leases (
    name       TEXT PRIMARY KEY NOT NULL,
    holder     TEXT NOT NULL,
    fence      BIGINT NOT NULL,
    held_until BIGINT NOT NULL
);

CREATE TABLE rejected (
    seq    BIGINT PRIMARY KEY NOT NULL,
    seen_at BIGINT NOT NULL,
    source TEXT NOT NULL,
    line   BIGINT NOT NULL,
    reason TEXT NOT NULL,
    sample TEXT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('rejected', 0);

CREATE TABLE settings (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);
