SELECT source AS key, bytes AS score, path
FROM records
WHERE bytes IS NOT NULL
ORDER BY score DESC, key, path
LIMIT 5
