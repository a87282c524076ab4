-- Return rows of sales files to canonical returns.
-- Grain: one row a record. Keys: return_id = channel/number/time. Guarantee: each record
-- gives one row.
--
-- Decisions:
--   * A till takes goods back over the counter: received, at its store. A private sale
--     announces them.
--   * The number is that of the sale, unless the channel says that returns bear their own
--     (`options.returns_name: own`): then the order is unknown. A till may name the number of
--     another channel's sale (`told_order`): `returns.across` finds it.
--   * The status column of a return row is the seller's word for the reason.
SELECT
    s.page,
    s.record,
    CASE
        WHEN s.fault IS NOT NULL THEN s.fault
        WHEN coalesce(len(s.listed), 0) = 0 THEN 'not a return: rows is empty'
        WHEN s.several_locations THEN
            'rows of one return contradict each other in location_id (lines ' || s.first_line
            || ' to ' || s.last_line || '); make them agree'
    END AS refusal,
    i.channel_id || '/' || s.order_number || '/' || s.placed_at AS return_id,
    CASE WHEN s.returns_name = 'sale' THEN i.channel_id || '/' || s.order_number END AS order_id,
    CASE WHEN s.returns_name = 'sale' AND s.kind = 'till' THEN s.order_number END AS told_order,
    'customer' AS initiator,
    CASE WHEN s.kind = 'till' THEN 'received' ELSE 'announced' END AS status,
    s.status AS status_raw,
    s.status AS reason_raw,
    coalesce(s.location_id, CASE WHEN s.kind = 'till' THEN s.location END) AS location_id,
    s.placed_at AS announced_at,
    coalesce(s.updated_at, s.placed_at) AS updated_at
FROM shaped AS s CROSS JOIN batch_info AS i
