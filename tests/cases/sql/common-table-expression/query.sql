WITH per_source AS (SELECT source, count(*) AS n FROM records GROUP BY source)
SELECT a.source AS key, a.n AS score, count(b.source) AS busier
FROM per_source a LEFT JOIN per_source b ON b.n > a.n
GROUP BY a.source, a.n
