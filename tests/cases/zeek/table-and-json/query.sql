SELECT source_ip AS key,
       sum(source_bytes) AS score,
       count(*) AS n,
       max(timestamp) AS last_seen,
       sum(duration) AS seconds
FROM records
WHERE "id.resp_p" = '443'
GROUP BY source_ip
