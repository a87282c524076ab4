-- The parts of tmp_sale_orders. Grain: fo_id.
SELECT fo_id FROM tmp_sale_parts
