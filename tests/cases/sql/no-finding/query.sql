SELECT source AS key, count(*) AS score FROM records WHERE bytes > 1000 GROUP BY source
