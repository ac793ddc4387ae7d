SELECT source AS key, sum(DISTINCT bytes) AS score FROM records GROUP BY source
