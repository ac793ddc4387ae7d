SELECT source_ip AS key,
       sum(event_severity) AS score,
       count(*) AS n,
       max(destination_port) AS port,
       max(cs1) AS rule,
       max(message) AS message,
       max(timestamp) AS last
FROM records
GROUP BY source_ip
