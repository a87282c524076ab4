-- Returns of the orders in tmp_erased. Grain and key: return_id.
SELECT r.return_id, r.rma
FROM tmp_erased e
JOIN returns r ON r.order_id = e.order_id
ORDER BY r.return_id
