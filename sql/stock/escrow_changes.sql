-- What channels have in escrow now (tmp_escrow), less what the ledger says, for the SKUs of
-- tmp_skus. Grain: (channel, sku) that differs; units.
WITH posted AS (
    SELECT substr(b.account, 9, length(b.account) - 15) AS channel_id, b.sku,
        sum(b.quantity) AS quantity
    FROM stock_balance_parts b
    JOIN tmp_skus k ON k.sku = b.sku
    WHERE b.account LIKE 'channel/%/escrow'
    GROUP BY b.account, b.sku
)
SELECT coalesce(e.channel_id, p.channel_id) AS channel_id, coalesce(e.sku, p.sku) AS sku,
    CAST(coalesce(e.quantity, 0) - coalesce(p.quantity, 0) AS bigint) AS change
FROM tmp_escrow e
FULL JOIN posted p ON p.channel_id = e.channel_id AND p.sku = e.sku
WHERE coalesce(e.quantity, 0) <> coalesce(p.quantity, 0)
