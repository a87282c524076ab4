-- The copy was for this once.
DROP TABLE clustered
