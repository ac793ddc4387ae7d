SELECT user_name AS key,
       count(*) FILTER (WHERE event_action = 'TCP_DENIED') AS score,
       sum(http_response_bytes) AS bytes,
       max(event_duration) / 1000000 AS slowest_ms,
       count(DISTINCT source_ip) AS sources,
       count(destination_ip) AS servers
FROM records
WHERE user_name IS NOT NULL
GROUP BY user_name
