-- Mirakl returns to canonical returns.
-- Grain: one row a record. Keys: page, record. Guarantee: each record gives one row.
--
-- Decisions: IN_PROGRESS (accepted) is in transit once a parcel has a number, announced
-- before. NO_RECEPTION (the goods never came) is closed. A word nobody knows counts as
-- announced, and stands raw.
SELECT
    s.page,
    s.record,
    CASE WHEN s.r.return_lines IS NULL THEN 'not a return: return_lines is missing' END
        AS refusal,
    i.channel_id || '/' || s.r.id AS return_id,
    i.channel_id || '/' || s.r.order_id AS order_id,
    nullif(trim(s.r.rma), '') AS rma,
    'customer' AS initiator,
    CASE
        WHEN s.r.state = 'IN_PROGRESS'
            AND nullif(trim(s.r.tracking.tracking_number), '') IS NOT NULL
            THEN 'in_transit'
        WHEN s.r.state = 'RECEIVED' THEN 'received'
        WHEN s.r.state = 'REFUSED' THEN 'refused'
        WHEN s.r.state = 'CANCELED' THEN 'canceled'
        WHEN s.r.state IN ('CLOSED', 'NO_RECEPTION') THEN 'closed'
        ELSE 'announced'
    END AS status,
    s.r.state AS status_raw,
    s.r.reason_code AS reason_raw,
    nullif(trim(s.r.description), '') AS reason_text,
    coalesce(nullif(s.r.tracking.carrier_code, ''), nullif(s.r.tracking.carrierCode, ''),
        s.r.tracking.carrier_standard_code) AS carrier_id,
    nullif(trim(s.r.tracking.tracking_number), '') AS tracking_number,
    s.r.date_created AS announced_at,
    coalesce(s.r.last_updated, s.r.date_created) AS updated_at
FROM shaped AS s CROSS JOIN batch_info AS i
