-- How long locations take to confirm: of the parcels told since $since, the time from delivery of
-- the dispatch file to the hub's knowing, in seconds, at the quantile $quantile.
-- Grain and key: location_id.
SELECT f.location_id, count(*) AS parcels,
    CAST(percentile_cont($quantile) WITHIN GROUP (
        ORDER BY CAST(extract(epoch FROM s.known_at - f.dispatched_at) AS double precision)
    ) AS double precision) AS seconds
FROM shipments s
JOIN fulfillment_orders f ON f.fo_id = s.fo_id AND f.location_id = s.location_id
WHERE s.known_at >= $since AND f.dispatched_at IS NOT NULL
GROUP BY f.location_id
