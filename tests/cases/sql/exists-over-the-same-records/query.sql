SELECT source AS key, count(*) AS score
FROM records
WHERE user IS NULL
  AND EXISTS (SELECT 1 FROM records known WHERE known.source = records.source AND known.user = 'alice')
GROUP BY source
