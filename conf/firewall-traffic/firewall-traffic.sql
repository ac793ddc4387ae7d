-- Finds: who talks through a firewall and to which ports, and how much of it was denied.
-- Why it matters: a source with many ports and a high share of denials is a scan; a port that is
--   denied from many sources is what the Internet looks for just now.
-- Reads: source_ip, destination_ip (text), destination_port (integer, may be null), network_transport,
--   event_action, event_code (text, may be null), timestamp (time).
-- Parameters: the words of event_action that mean a denial, at `is_denied`.
-- Findings: key: a source's address, or a port with its transport, as in `tcp/443`. score:
--   connections (or packets, where each is logged), from 1 up. kind: `source` or `port`. denied:
--   connections that were denied, and denied_share: their part, 0 to 1; high stands out. sources,
--   destinations, ports: distinct ones. first_seen, last_seen: the first and the last.
-- Known limits: sources behind one address (NAT) are one source, and addresses can be forged: as many
--   findings come out as there are addresses. What the rules do not log is not there.
-- Run it: ./standalone.sh -d conf/firewall-traffic/firewall-traffic.conf
-- References: Cisco Secure Firewall ASA Series Syslog Messages; iptables-extensions(8), LOG
WITH connections AS (
    SELECT source_ip,
           destination_ip,
           CASE WHEN destination_port IS NULL THEN coalesce(network_transport, 'unknown')
                ELSE coalesce(network_transport, 'unknown') || '/' || CAST(destination_port AS VARCHAR)
           END AS port,
           -- `LIMIT` is what UFW writes where it denies for too many connections.
           coalesce(event_action ~* '^(den|drop|block|reject|discard|limit)', false) AS is_denied,
           timestamp AS seen
    FROM   records
    WHERE  source_ip IS NOT NULL
      AND  destination_ip IS NOT NULL
      -- Of ASA: the end of a connection that was counted at its start, and translations.
      AND  coalesce(event_action, '') <> 'Teardown'
      AND  coalesce(event_code, '') NOT LIKE '305%'
)
SELECT   coalesce(source_ip, port)                                       AS key,
         count(*)                                                        AS score,
         CASE WHEN source_ip IS NULL THEN 'port' ELSE 'source' END       AS kind,
         count(*) FILTER (WHERE is_denied)                               AS denied,
         CAST(count(*) FILTER (WHERE is_denied) AS DOUBLE) / count(*)    AS denied_share,
         count(DISTINCT source_ip)                                       AS sources,
         count(DISTINCT destination_ip)                                  AS destinations,
         count(DISTINCT port)                                            AS ports,
         min(seen)                                                       AS first_seen,
         max(seen)                                                       AS last_seen
FROM     connections
GROUP BY GROUPING SETS ((source_ip), (port))
ORDER BY kind DESC, score DESC, key
