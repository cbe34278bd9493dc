-- What a person has to look at because it makes us blind or late, and the latest that are over.
CREATE TABLE alarms (
    name            TEXT NOT NULL,
    source          TEXT NOT NULL,
    since           BIGINT NOT NULL,
    severity        TEXT NOT NULL,
    cause           TEXT NOT NULL,
    setting         TEXT NOT NULL, -- its path in the configuration
    next            TEXT NOT NULL, -- what to do
    cleared_at      BIGINT, -- NULL while it goes on
    PRIMARY KEY (name, source, since)
);

-- How complete the evidence of a decision was; NULL when everything was done.
ALTER TABLE decisions ADD COLUMN effort_step BIGINT;
ALTER TABLE decisions ADD COLUMN whole_permille BIGINT;
