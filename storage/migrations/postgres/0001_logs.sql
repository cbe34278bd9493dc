-- The two logs. One counter numbers both, so that "stored before" has one meaning across them.
CREATE TABLE counters (
    name  TEXT PRIMARY KEY NOT NULL,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('log', 0);

CREATE TABLE decisions (
    seq           BIGINT PRIMARY KEY NOT NULL,
    id            TEXT NOT NULL,
    scope         TEXT NOT NULL,
    value         TEXT NOT NULL,
    conditions    TEXT NOT NULL,
    gateways      TEXT NOT NULL,
    action        TEXT NOT NULL,
    priority      BIGINT NOT NULL,
    origin        TEXT NOT NULL,
    price_clients BIGINT NOT NULL,
    price_requests BIGINT NOT NULL,
    price_error   DOUBLE PRECISION NOT NULL,
    threat        TEXT NOT NULL,
    alert_id      TEXT,
    reason        TEXT NOT NULL,
    event_at      BIGINT NOT NULL,
    ttl_secs      BIGINT NOT NULL,
    mode          TEXT NOT NULL,
    model         TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    revoked_at    BIGINT,
    revoked_by    TEXT,
    superseded_by BIGINT
);
CREATE INDEX decisions_id ON decisions (id);
CREATE INDEX decisions_client ON decisions (scope, value);
CREATE INDEX decisions_expires ON decisions (expires_at);
CREATE INDEX decisions_alert ON decisions (alert_id) WHERE alert_id IS NOT NULL;

CREATE TABLE orders (
    seq        BIGINT PRIMARY KEY NOT NULL,
    kind       TEXT NOT NULL,
    scope      TEXT NOT NULL,
    value      TEXT NOT NULL,
    ttl_secs   BIGINT,
    grace_secs BIGINT,
    decision   TEXT,
    until      BIGINT,
    reason     TEXT NOT NULL,
    given_by   TEXT NOT NULL,
    given_from TEXT NOT NULL,
    given_at   BIGINT NOT NULL
);
CREATE INDEX orders_client ON orders (scope, value);
CREATE INDEX orders_decision ON orders (decision) WHERE decision IS NOT NULL;
