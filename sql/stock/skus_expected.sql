-- SKUs of supply that is still to come, or came since $since. Grain: sku.
SELECT DISTINCT sku FROM supply WHERE arrived_at IS NULL OR arrived_at >= $since
