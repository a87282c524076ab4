-- Grain: an incoming row whose key the store holds: whatever it says, it stays out.
-- Names in braces are identifiers of schema.py; aliases: t target, i incoming.
CREATE OR REPLACE TEMPORARY TABLE verdicts AS
SELECT
    f.*,
    'same' AS verdict,
    false AS moved
FROM found AS f
