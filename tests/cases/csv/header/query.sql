SELECT source AS key, sum(bytes) AS score, count(*) AS n FROM records GROUP BY source
