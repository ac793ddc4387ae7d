SELECT source AS key, sum(n) OVER (ORDER BY source) AS score, n
FROM (SELECT source, count(*) AS n FROM records GROUP BY source)
