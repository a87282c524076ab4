-- Rules whose shadow ran beside one plan. Grain and key: rules_version of the shadow.
SELECT DISTINCT rules_version FROM shadow_plans WHERE plan_id = $plan_id ORDER BY rules_version
