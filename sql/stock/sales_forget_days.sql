-- Forget the days before $first, which no window reaches. Grain: (day, channel, SKU, location).
DELETE FROM daily_sales WHERE day < $first
