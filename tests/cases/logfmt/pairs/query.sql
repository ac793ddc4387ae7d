SELECT source_ip AS key,
       sum(took) AS score,
       count(*) AS n,
       count(cached) AS cached,
       max(log_level) AS level,
       max(message) AS message
FROM records
GROUP BY source_ip
