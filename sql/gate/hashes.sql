-- Grain: one row a record. Keys: page, record. Guarantee: the hash is of the bytes received.
SELECT page, record, md5(body) AS record_hash FROM records
