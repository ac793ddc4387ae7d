-- Finds: lines and how often each occurs.
SELECT line AS key, count(*) AS score FROM records GROUP BY line
