-- What people say that alerts were: in the journal, and the newest beside each alert, where lists read it.
ALTER TABLE orders ADD COLUMN alert TEXT;
ALTER TABLE orders ADD COLUMN alerted_at BIGINT;
ALTER TABLE orders ADD COLUMN judgement TEXT;

ALTER TABLE alerts ADD COLUMN judgement TEXT;
ALTER TABLE alerts ADD COLUMN judged_by TEXT;
ALTER TABLE alerts ADD COLUMN judged_at BIGINT;
ALTER TABLE alerts ADD COLUMN judged_because TEXT;
CREATE INDEX alerts_judged ON alerts (judgement, alerted_at, id) WHERE judgement IS NOT NULL;
