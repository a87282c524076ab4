-- SKUs that sold from day $first on and before $until. Grain: sku.
SELECT DISTINCT sku FROM daily_sales WHERE day >= $first AND day < $until AND units > 0
