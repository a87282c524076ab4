-- What one kit takes of each component that is no kit, now. Grain: (kit_sku, sku).
SELECT kit_sku, sku, quantity FROM bills WHERE in_use
