-- What the ledger holds of the causes of tmp_causes. Grain: (cause, cause_id, sku, from_account,
-- to_account); `movements` counts them. Reads movements known since $since alone: none of these
-- causes can have been known before.
SELECT m.cause, m.cause_id, m.sku, m.from_account, m.to_account,
    CAST(sum(m.quantity) AS bigint) AS quantity, count(*) AS movements
FROM stock_movements m
JOIN tmp_causes c ON c.cause = m.cause AND c.cause_id = m.cause_id
WHERE m.known_at >= $since
GROUP BY m.cause, m.cause_id, m.sku, m.from_account, m.to_account
