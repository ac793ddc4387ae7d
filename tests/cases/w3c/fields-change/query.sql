SELECT source_ip AS key,
       count(*) FILTER (WHERE http_response_status_code >= 400) AS score,
       count(*) AS n,
       sum("time-taken") AS millis,
       count(user_agent_original) AS agents,
       max(url_original) AS url
FROM records
GROUP BY source_ip
