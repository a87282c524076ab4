-- WooCommerce refund lines to canonical refund lines.
-- Grain: one row an order line of a refund. Keys: order_id, refund_id, line_id.
--
-- Decisions:
--   * Quantities and amounts are negative there, positive here; an amount is what the
--     customer gets back for the line, tax included. A line refunded in money only has
--     quantity 0.
--   * The order line stands in meta `_refunded_item_id`. A refund line without it (very old
--     shops) names no order line and is left out; its money is in the refund's amount.
--   * The shop does not tell whether goods go back on the shelf. Refunded before the order
--     was completed, they never left: cancel. After that: unknown.
WITH lines AS (
    SELECT s.page, s.record, s.order_number, s.refund.id AS refund_id, s.refunded_at,
        s.order_status, s.completed_at, unnest(s.refund.line_items) AS l
    FROM shaped AS s
),

named AS (
    SELECT
        *,
        list_filter(l.meta_data, lambda m: m.key = '_refunded_item_id')[1].value AS line_id,
        try_cast(l.quantity AS DECIMAL(18, 4)) AS quantity,
        try_cast(l.total AS DECIMAL(18, 4)) + coalesce(try_cast(l.total_tax AS DECIMAL(18, 4)), 0)
            AS amount
    FROM lines
)

SELECT
    n.page,
    n.record,
    i.channel_id || '/' || n.order_number AS order_id,
    n.refund_id,
    n.line_id,
    CASE
        WHEN count(*) > count(n.quantity) THEN max(n.l.quantity)
        WHEN sum(n.quantity) <> floor(sum(n.quantity)) THEN CAST(abs(sum(n.quantity)) AS VARCHAR)
        ELSE CAST(CAST(abs(sum(n.quantity)) AS BIGINT) AS VARCHAR)
    END AS quantity,
    abs(sum(n.amount)) AS amount,
    CASE
        WHEN any_value(try_cast(n.refunded_at AS TIMESTAMPTZ)) < any_value(n.completed_at)
            THEN 'cancel'
        WHEN any_value(n.completed_at) IS NULL AND any_value(n.order_status) <> 'completed'
            THEN 'cancel'
        ELSE 'unknown'
    END AS restock
FROM named AS n CROSS JOIN batch_info AS i
WHERE n.line_id IS NOT NULL
GROUP BY ALL
