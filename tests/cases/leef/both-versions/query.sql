SELECT source_ip AS key,
       sum(event_severity) AS score,
       count(*) AS n,
       max(destination_port) AS port,
       max(network_transport) AS transport,
       max(policy) AS policy
FROM records
GROUP BY source_ip
