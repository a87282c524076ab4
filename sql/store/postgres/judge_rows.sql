-- Grain: an incoming row whose key the store holds. Newer when any column differs.
-- Names in braces are identifiers of schema.py; aliases: t target, i incoming.
CREATE TEMPORARY TABLE verdicts AS
SELECT
    {i_key},
    CASE WHEN {differs} THEN 'newer' ELSE 'same' END AS verdict,
    false AS moved
FROM incoming AS i
INNER JOIN {table} AS t ON {t_is_i}
