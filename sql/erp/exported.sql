-- Keys of tmp_due that were promised to the ERP already. Grain: key. No version was promised
-- before it was made at its source ($since is the first of them).
SELECT x.key
FROM tmp_due d
JOIN outbox x ON x.key = d.key
WHERE x.created_at >= $since
