SELECT source_ip AS key,
       count(*) AS score,
       max(http_response_status) AS status
FROM records
GROUP BY source_ip
