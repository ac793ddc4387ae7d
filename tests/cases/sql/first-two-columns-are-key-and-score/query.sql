SELECT path, count(*), min(source) AS source
FROM records
GROUP BY path
