-- Grain: return lines without a SKU whose order line has one. Keys: return_id, line_id.
-- Guarantee: lines of an order that has not come yet stay null and wait.
UPDATE return_lines
SET sku = f.sku
FROM (
    SELECT rl.return_id, rl.line_id, l.sku
    FROM return_lines AS rl
    JOIN returns AS r ON r.return_id = rl.return_id
    JOIN order_lines AS l ON l.order_id = r.order_id AND l.line_id = rl.line_id
    WHERE rl.sku IS NULL AND l.sku IS NOT NULL
) AS f
WHERE return_lines.return_id = f.return_id AND return_lines.line_id = f.line_id
