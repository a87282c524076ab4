-- What tmp_sale_orders add to the daily sales so far. Grain: (order, SKU, location).
SELECT order_id, sku, location_id, channel_id, day, units FROM tmp_sale_measured
