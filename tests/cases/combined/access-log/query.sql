SELECT source_ip AS key,
       count(*) FILTER (WHERE http_response_status_code >= 400) AS score,
       sum(http_response_body_bytes) AS bytes,
       count(DISTINCT http_request_method) AS methods,
       count(user_agent_original) AS agents
FROM records
GROUP BY source_ip
