SELECT source_ip AS key,
       count(*) AS score,
       count(DISTINCT destination_port) AS ports,
       max(network_transport) AS transport,
       max(event_action) AS action,
       max("TTL") AS ttl
FROM records
GROUP BY source_ip
