-- What was seen of a model while it scored: whether it decides, how alike it is to the other, whether clients have changed.
ALTER TABLE models ADD COLUMN watch TEXT; -- JSON; NULL while nobody looks
