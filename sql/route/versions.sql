-- Versions of the rules that plans were made by, the one used last first. Grain: version.
-- Plans that older releases made kept no text of their rules.
SELECT p.rules_version, v.comment, min(p.planned_at) AS first_planned_at,
    max(p.planned_at) AS last_planned_at, count(*) AS plans,
    CAST(sum(p.allocated_lines) AS bigint) AS allocated_lines, v.rules
FROM plans p
LEFT JOIN rule_versions v ON v.rules_version = p.rules_version
GROUP BY p.rules_version, v.comment, v.rules
ORDER BY last_planned_at DESC, p.rules_version
