-- What is known of a word that may be a SKU, or a channel's name of one. Grain: (sku, kind).
SELECT s.sku, s.title, 'sku' AS kind, CAST(NULL AS text) AS channel_id
FROM skus s WHERE s.sku = $sku
UNION ALL
SELECT m.sku, CAST(NULL AS text), 'channel', m.channel_id
FROM sku_map m WHERE m.channel_sku = $sku AND m.sku <> $sku
UNION ALL
SELECT DISTINCT b.sku, CAST(NULL AS text), 'stock', CAST(NULL AS text)
FROM stock_balance_parts b
WHERE b.sku = $sku
UNION ALL
SELECT DISTINCT k.kit_sku, CAST(NULL AS text), 'kit', CAST(NULL AS text)
FROM bills k WHERE k.kit_sku = $sku AND k.in_use
ORDER BY 3 DESC, 1, 4
