SELECT coalesce(source, 'all') AS key, count(*) AS score, coalesce(path, 'all') AS path
FROM records
GROUP BY ROLLUP (source, path)
