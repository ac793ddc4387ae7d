SELECT split_part(source, '.', 1) || '.x' AS key,
       sum(coalesce(bytes, 0)) AS score,
       CASE WHEN path IN ('/a', '/b') THEN 'known' ELSE 'new' END AS kind
FROM records
GROUP BY 1, 3
