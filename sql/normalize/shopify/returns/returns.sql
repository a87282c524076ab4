-- Shopify returns to canonical returns.
-- Grain: one row a return. Keys: page, record. Guarantee: each record gives one row.
--
-- Decisions:
--   * A return has no update time: it takes its order's, which any change of it moves.
--   * REQUESTED and OPEN are announced: the shop does not tell when goods travel or arrive.
--     A word nobody knows counts as announced, and stands raw.
--   * The reason of the whole return is told when its lines agree on one.
--   * The first tracking number of the return is kept. Goods sent in exchange are not
--     part of a return; they come as lines of the order.
SELECT
    s.page,
    s.record,
    CASE
        WHEN s.r.id IS NULL THEN 'not a return: returns[].id is missing'
        WHEN s.lines IS NULL THEN 'not a return: returnLineItems is missing'
    END AS refusal,
    i.channel_id || '/' || split_part(s.r.id, '/', -1) AS return_id,
    i.channel_id || '/' || s.external_id AS order_id,
    s.r.name AS rma,
    'customer' AS initiator,
    CASE s.r.status
        WHEN 'CLOSED' THEN 'closed'
        WHEN 'CANCELED' THEN 'canceled'
        WHEN 'DECLINED' THEN 'refused'
        ELSE 'announced'
    END AS status,
    s.r.status AS status_raw,
    CASE WHEN len(list_distinct(list_transform(s.lines, lambda l: l.reason_raw))) = 1
        THEN s.lines[1].reason_raw END AS reason_raw,
    nullif(array_to_string(list_distinct(list_filter(
        list_transform(s.lines, lambda l: l.reason_text), lambda t: t IS NOT NULL
    )), '; '), '') AS reason_text,
    s.r.reverseFulfillmentOrders.nodes[1].reverseDeliveries.nodes[1].deliverable.tracking
        .carrierName AS carrier_id,
    s.r.reverseFulfillmentOrders.nodes[1].reverseDeliveries.nodes[1].deliverable.tracking
        .number AS tracking_number,
    s.r.createdAt AS announced_at,
    s.updated_at
FROM shaped AS s CROSS JOIN batch_info AS i
