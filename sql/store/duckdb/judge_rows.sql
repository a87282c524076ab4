-- Grain: an incoming row whose key the store holds. Newer when any column differs.
-- Names in braces are identifiers of schema.py; aliases: t target, i incoming.
CREATE OR REPLACE TEMPORARY TABLE verdicts AS
SELECT
    f.*,
    CASE WHEN {differs} THEN 'newer' ELSE 'same' END AS verdict,
    false AS moved
FROM found AS f
INNER JOIN {table} AS t ON {row_is_f}
INNER JOIN incoming AS i ON {f_is_i}
