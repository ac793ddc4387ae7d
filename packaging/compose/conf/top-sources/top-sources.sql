-- Finds: how often each source comes in a minute.
SELECT source AS key, count(*) AS score, max(time) AS last_seen
FROM   records
GROUP  BY source
