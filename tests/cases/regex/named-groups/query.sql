SELECT source AS key, count(code) AS score, sum(bytes) AS bytes FROM records GROUP BY source
