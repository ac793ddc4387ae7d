WITH per_source AS (SELECT source, count(*) AS n FROM records GROUP BY source)
SELECT source AS key, n AS score FROM per_source WHERE n > (SELECT avg(n) FROM per_source)
