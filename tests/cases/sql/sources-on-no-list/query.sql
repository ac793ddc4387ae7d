SELECT source AS key, count(*) AS score
FROM records
WHERE source NOT IN (SELECT ip FROM known)
  AND NOT EXISTS (SELECT 1 FROM known WHERE known.path = records.path)
GROUP BY source
