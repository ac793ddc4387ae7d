SELECT source AS key, count(*) AS score FROM records GROUP BY source
