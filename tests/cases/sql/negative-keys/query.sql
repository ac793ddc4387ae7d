SELECT delta AS key, count(*) AS score FROM records GROUP BY delta
