-- Grain: a row of a child table. Adds the incoming children of new and newer documents.
-- Names in braces are identifiers of schema.py; aliases: i incoming children, v verdicts.
-- Guarantee: children of documents that lost are left out.
INSERT INTO {child} ({child_columns})
SELECT {child_columns}
FROM incoming_children AS i
WHERE NOT EXISTS (SELECT 1 FROM verdicts AS v WHERE {v_is_i} AND v.verdict <> 'newer')
