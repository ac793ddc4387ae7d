SELECT source_ip AS key,
       sum(secs) AS score,
       count(*) AS n,
       max(ticket) AS ticket,
       sum(bytes) AS bytes,
       count(DISTINCT project) AS projects
FROM records
WHERE level = 'ERROR'
GROUP BY source_ip
