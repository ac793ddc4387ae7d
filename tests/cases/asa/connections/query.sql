SELECT source_ip AS key,
       count(*) AS score,
       count(DISTINCT destination_port) AS ports,
       max(event_action) AS action,
       sum(network_bytes) AS bytes,
       max(rule_name) AS rule,
       min(log_syslog_severity_code) AS worst
FROM records
GROUP BY source_ip
