-- Every refund line belongs to a refund.
-- Grain: one row a line that breaks it. Keys: order_id, refund_id, line_id.
-- Guarantee: at most 100 rows.
SELECT l.order_id, l.refund_id, l.line_id FROM refund_lines AS l
WHERE NOT EXISTS (
    SELECT 1 FROM refunds AS r WHERE r.order_id = l.order_id AND r.refund_id = l.refund_id
)
LIMIT 100
