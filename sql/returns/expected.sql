-- What is expected back of one return, and what came. Grain: line.
SELECT l.line_id, coalesce(l.sku, o.sku) AS sku, l.quantity AS announced,
    CAST(coalesce(sum(c.quantity), 0) AS bigint) AS received,
    coalesce(l.reason_code, r.reason_code) AS reason
FROM returns r
JOIN return_lines l ON l.return_id = r.return_id
LEFT JOIN order_lines o ON o.order_id = r.order_id AND o.line_id = l.line_id
LEFT JOIN return_receipts c ON c.return_id = r.return_id AND c.line_id = l.line_id
WHERE r.return_id = $return_id
GROUP BY l.line_id, l.sku, o.sku, l.quantity, l.reason_code, r.reason_code
ORDER BY l.line_id
