-- What other machines report, in the journal beside what people order.
ALTER TABLE orders ADD COLUMN scenario TEXT;
ALTER TABLE orders ADD COLUMN events BIGINT;
CREATE INDEX orders_reports ON orders (seq) WHERE kind = 'report';
