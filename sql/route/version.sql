-- The text of one version of the rules. Grain: one row, or none.
SELECT rules
FROM rule_versions
WHERE rules_version = $version
