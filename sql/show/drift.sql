-- What counts said beyond what the ledger explained, newest first. Grain: correction.
SELECT m.valid_at AS counted_at, m.sku,
    CASE WHEN m.from_account = 'world/count' THEN m.to_account ELSE m.from_account END AS account,
    CASE WHEN m.from_account = 'world/count' THEN m.quantity ELSE -m.quantity END AS difference
FROM stock_movements m
WHERE m.cause = 'count' AND EXISTS (
    SELECT 1 FROM stock_movements e
    WHERE e.sku = m.sku AND e.cause = 'count' AND e.valid_at < m.valid_at
        AND m.to_account IN (e.to_account, e.from_account)
)
ORDER BY m.valid_at DESC, m.sku
LIMIT $limit
