SELECT 'a' AS key, 1 AS score
