-- The two logs. One counter numbers both, so that "stored before" has one meaning across them.
CREATE TABLE counters (
    name  TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('log', 0);

CREATE TABLE decisions (
    seq           INTEGER PRIMARY KEY NOT NULL,
    id            TEXT NOT NULL,
    scope         TEXT NOT NULL,
    value         TEXT NOT NULL,
    conditions    TEXT NOT NULL,
    gateways      TEXT NOT NULL,
    action        TEXT NOT NULL,
    priority      INTEGER NOT NULL,
    origin        TEXT NOT NULL,
    price_clients INTEGER NOT NULL,
    price_requests INTEGER NOT NULL,
    price_error   REAL NOT NULL,
    threat        TEXT NOT NULL,
    alert_id      TEXT,
    reason        TEXT NOT NULL,
    event_at      INTEGER NOT NULL,
    ttl_secs      INTEGER NOT NULL,
    mode          TEXT NOT NULL,
    model         TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    revoked_at    INTEGER,
    revoked_by    TEXT,
    superseded_by INTEGER
) STRICT;
CREATE INDEX decisions_id ON decisions (id);
CREATE INDEX decisions_client ON decisions (scope, value);
CREATE INDEX decisions_expires ON decisions (expires_at);
CREATE INDEX decisions_alert ON decisions (alert_id) WHERE alert_id IS NOT NULL;

CREATE TABLE orders (
    seq        INTEGER PRIMARY KEY NOT NULL,
    kind       TEXT NOT NULL,
    scope      TEXT NOT NULL,
    value      TEXT NOT NULL,
    ttl_secs   INTEGER,
    grace_secs INTEGER,
    decision   TEXT,
    until      INTEGER,
    reason     TEXT NOT NULL,
    given_by   TEXT NOT NULL,
    given_from TEXT NOT NULL,
    given_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_client ON orders (scope, value);
CREATE INDEX orders_decision ON orders (decision) WHERE decision IS NOT NULL;
