SELECT source_ip AS key,
       count(*) AS score,
       min(event_severity) AS severity,
       sum(source_bytes) AS bytes,
       count(DISTINCT "alert.signature_id") AS rules,
       max(rule_name) AS rule
FROM records
GROUP BY source_ip
