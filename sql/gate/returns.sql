-- Grain: one row a return candidate, with the first test it failed (`fault`).
-- Keys: page, record, return_id. Guarantee: every candidate comes out once; a reason of the
-- source stands as `reason_raw`, the menu's beside it when the crosswalk knows it.
SELECT
    page,
    record,
    nullif(return_id, '') AS record_key,
    coalesce(
        refusal,
        missing('return_id', return_id),
        CASE WHEN (page, record, return_id) IN (
                 SELECT page, record, return_id FROM candidate_returns WHERE return_id IS NOT NULL
                 GROUP BY page, record, return_id HAVING count(*) > 1)
             THEN 'return_id: two returns of one record have the same; number them apart' END,
        missing('announced_at', announced_at),
        moment_fault(
            'announced_at', announced_at, moment(announced_at), b.fetched_at + INTERVAL 1 DAY),
        moment_fault(
            'updated_at', updated_at, moment(updated_at), b.fetched_at + INTERVAL 1 DAY),
        missing('initiator', initiator),
        word_fault('initiator', initiator, ['customer', 'carrier', 'merchant']),
        missing('status', status),
        word_fault('status', status, [
            'announced', 'in_transit', 'received', 'refused', 'canceled', 'closed']),
        CASE WHEN source_version IS NOT NULL AND whole(source_version) IS NULL
             THEN 'source_version: not a whole number; mend it' END
    ) AS fault,
    return_id,
    coalesce(source, b.channel_id) AS source,
    order_id,
    told_order,
    CAST(NULL AS BOOLEAN) AS other_channel,
    CAST(NULL AS VARCHAR) AS order_fault,
    rma,
    initiator,
    status,
    status_raw,
    coalesce(c.reason_code, m.reason_code) AS reason_code,
    c.reason_raw,
    reason_text,
    location_id,
    carrier_id,
    tracking_number,
    moment(announced_at) AS announced_at,
    coalesce(
        whole(source_version), epoch_us(coalesce(moment(updated_at), moment(announced_at)))
    ) AS source_version,
    b.fetched_at,
    h.record_hash,
    b.batch_id
FROM candidate_returns AS c
CROSS JOIN batch_info AS b
JOIN hashes AS h USING (page, record)
LEFT JOIN reason_map AS m ON m.reason_raw = c.reason_raw
