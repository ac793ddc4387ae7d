//! Queries that give records of Zeek, Suricata and other formats the columns that Spot has: they read
//! the columns that several formats have by one name.
//!
//! How long a flow took is `tdur` where a format says it, in seconds, else what is between `event_start` and
//! `event_end`. What a format does not say is missing: Zeek's `dns` log has no length of a frame, which then is 0
//! for all.

use crate::kind::Kind;

/// The query for records of a kind.
pub(crate) fn view(kind: Kind) -> &'static str {
    match kind {
        Kind::Flow => FLOW,
        Kind::Dns => DNS,
        Kind::Proxy => PROXY,
    }
}

const FLOW: &str = "\
SELECT to_char(\"timestamp\", '%Y-%m-%d %H:%M:%S')            AS treceived,
       CAST(date_part('year', \"timestamp\") AS BIGINT)       AS tryear,
       CAST(date_part('month', \"timestamp\") AS BIGINT)      AS trmonth,
       CAST(date_part('day', \"timestamp\") AS BIGINT)        AS trday,
       CAST(date_part('hour', \"timestamp\") AS BIGINT)       AS trhour,
       CAST(date_part('minute', \"timestamp\") AS BIGINT)     AS trminute,
       CAST(date_part('second', \"timestamp\") AS BIGINT)     AS trsec,
       coalesce(CAST(tdur AS DOUBLE),
                (TRY_CAST(TRY_CAST(event_end AS TIMESTAMP) AS BIGINT)
                 - TRY_CAST(TRY_CAST(event_start AS TIMESTAMP) AS BIGINT)) / 1000000000.0) AS tdur,
       source_ip                                            AS sip,
       destination_ip                                       AS dip,
       coalesce(source_port, 0)                             AS sport,
       coalesce(destination_port, 0)                        AS dport,
       upper(network_transport)                             AS proto,
       coalesce(source_packets, 0)                          AS ipkt,
       coalesce(source_bytes, 0)                            AS ibyt,
       coalesce(destination_packets, 0)                     AS opkt,
       coalesce(destination_bytes, 0)                       AS obyt
FROM   records";

const DNS: &str = "\
SELECT to_char(\"timestamp\", '%b %e %Y %H:%M:%S UTC')        AS frame_time,
       CAST(date_part('epoch', \"timestamp\") AS BIGINT)      AS unix_tstamp,
       CAST(0 AS BIGINT)                                    AS frame_len,
       source_ip                                            AS ip_dst,
       dns_question_name                                    AS dns_qry_name,
       CAST(NULL AS VARCHAR)                                AS dns_qry_class,
       CASE upper(dns_question_type)
            WHEN 'A' THEN 1 WHEN 'NS' THEN 2 WHEN 'CNAME' THEN 5 WHEN 'SOA' THEN 6 WHEN 'NULL' THEN 10
            WHEN 'PTR' THEN 12 WHEN 'HINFO' THEN 13 WHEN 'MX' THEN 15 WHEN 'TXT' THEN 16
            WHEN 'AAAA' THEN 28 WHEN 'SRV' THEN 33 WHEN 'NAPTR' THEN 35 WHEN 'DS' THEN 43
            WHEN 'RRSIG' THEN 46 WHEN 'NSEC' THEN 47 WHEN 'DNSKEY' THEN 48 WHEN 'SVCB' THEN 64
            WHEN 'HTTPS' THEN 65 WHEN 'SPF' THEN 99 WHEN 'AXFR' THEN 252 WHEN 'ANY' THEN 255
            WHEN '*' THEN 255 WHEN 'CAA' THEN 257 ELSE -1 END AS dns_qry_type,
       CASE upper(dns_response_code)
            WHEN 'NOERROR' THEN 0 WHEN 'FORMERR' THEN 1 WHEN 'SERVFAIL' THEN 2 WHEN 'NXDOMAIN' THEN 3
            WHEN 'NOTIMP' THEN 4 WHEN 'REFUSED' THEN 5 WHEN 'YXDOMAIN' THEN 6 WHEN 'YXRRSET' THEN 7
            WHEN 'NXRRSET' THEN 8 WHEN 'NOTAUTH' THEN 9 WHEN 'NOTZONE' THEN 10
            ELSE -1 END                                     AS dns_qry_rcode
FROM   records";

const PROXY: &str = "\
SELECT to_char(\"timestamp\", '%Y-%m-%d')                     AS p_date,
       to_char(\"timestamp\", '%H:%M:%S')                     AS p_time,
       source_ip                                            AS clientip,
       coalesce(url_domain, '')                             AS host,
       http_request_method                                  AS reqmethod,
       user_agent_original                                  AS useragent,
       CAST(NULL AS VARCHAR)                                AS resconttype,
       CAST(NULL AS BIGINT)                                 AS duration,
       CAST(NULL AS VARCHAR)                                AS username,
       CAST(NULL AS VARCHAR)                                AS webcat,
       http_request_referrer                                AS referer,
       CAST(http_response_status_code AS VARCHAR)           AS respcode,
       CAST(NULL AS VARCHAR)                                AS uriport,
       CAST(NULL AS VARCHAR)                                AS uripath,
       CAST(NULL AS VARCHAR)                                AS uriquery,
       CAST(NULL AS VARCHAR)                                AS serverip,
       http_response_body_bytes                             AS scbytes,
       CAST(NULL AS BIGINT)                                 AS csbytes,
       concat(coalesce(url_domain, ''), coalesce(url_original, '')) AS fulluri
FROM   records";
