-- Grain: a row of the target. Adds the incoming rows that no verdict keeps out.
-- Names in braces are identifiers of schema.py; aliases: i incoming, v verdicts.
-- Guarantee: after remove.sql, each key stands once.
INSERT INTO {table} ({columns})
SELECT {columns}
FROM incoming AS i
WHERE NOT EXISTS (SELECT 1 FROM verdicts AS v WHERE {v_is_i} AND v.verdict <> 'newer')
