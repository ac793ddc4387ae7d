SELECT 'all' AS key, count(*) AS score, sum(bytes) AS bytes, count(DISTINCT source) AS sources FROM records
