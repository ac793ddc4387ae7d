SELECT source AS key, count(DISTINCT path) * 100 + count(DISTINCT user) AS score FROM records GROUP BY source
