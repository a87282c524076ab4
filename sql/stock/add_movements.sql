-- Movements of tmp_movements into the ledger. Grain: movement_id. The caller numbers the
-- movements of a cause on from those it found, so that no id comes twice.
INSERT INTO stock_movements (
    movement_id, sku, from_account, to_account, quantity, cause, cause_id, valid_at, known_at
)
SELECT movement_id, sku, from_account, to_account, quantity, cause, cause_id, valid_at, known_at
FROM tmp_movements
