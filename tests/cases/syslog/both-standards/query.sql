SELECT host_name AS key,
       count(*) AS score,
       count(process_pid) AS pids,
       min(log_syslog_severity_code) AS worst,
       max(process_name) AS process,
       max("origin.ip") AS ip
FROM records
GROUP BY host_name
