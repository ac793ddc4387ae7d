//! Which files are read as which format.

use super::kinds::{
    CEF, CEF_CASES, CEF_FIELDS, COMBINED, CSV, EVE, GROK, JSON, LINES, LOGFMT, Records, SQUID,
    SYSLOG, Samples, W3C, WEB, ZEEK,
};

/// Every sample, by format; a format's snapshot has them in this order.
pub(crate) const SAMPLES: &[Samples] = &[
    Samples {
        files: "access_logs/elastic_apache_combined.log.gz",
        ..COMBINED
    },
    Samples {
        files: "access_logs/attack_*",
        ..COMBINED
    },
    Samples {
        files: "access_logs/plaso_apache_access.log",
        ..COMBINED
    },
    Samples {
        files: "access_logs/fail2ban/apache-*",
        records: Records::Commented,
        ..COMBINED
    },
    Samples {
        files: "access_logs/sekoia_parser_cases.jsonl.gz",
        records: Records::Cases {
            product: "Apache",
            having: "HTTP/",
        },
        expected: WEB,
        ..COMBINED
    },
    Samples {
        files: "access_logs/sekoia_parser_cases.jsonl.gz",
        records: Records::Cases {
            product: "NGINX",
            having: "HTTP/",
        },
        expected: WEB,
        ..COMBINED
    },
    Samples {
        files: "access_logs/loghub_apache_error_2k_structured.csv",
        columns: &["LineId", "Time", "Level", "Content", "EventId"],
        ..CSV
    },
    Samples {
        files: "syslog/loghub_*_2k_structured.csv.gz",
        columns: &["LineId", "Component", "Content", "EventId"],
        ..CSV
    },
    Samples {
        files: "web_attacks/httpparams_payload_train.csv.gz",
        columns: &["payload", "length", "attack_type", "label"],
        ..CSV
    },
    Samples {
        files: "access_logs/elastic_nginxplus.jsonl.gz",
        columns: &["timestamp", "connections.active"],
        ..JSON
    },
    Samples {
        files: "suricata/slips_test6_eve_part1.json.gz",
        columns: &[
            "timestamp",
            "event_type",
            "src_ip",
            "dest_port",
            "flow.pkts_toserver",
        ],
        ..JSON
    },
    Samples {
        files: "zeek/slips_test9_mixed/*.log",
        columns: &["ts", "uid", "id.orig_h", "proto", "query"],
        ..JSON
    },
    Samples {
        files: "syslog/elastic_auth.log.gz",
        ..SYSLOG
    },
    Samples {
        files: "syslog/loghub_Linux_2k.log",
        records: Records::Beside {
            csv: "syslog/loghub_Linux_2k_structured.csv.gz",
        },
        expected: &[
            ("process_name", "Component"),
            ("process_pid", "PID"),
            ("message", "Content"),
        ],
        ..SYSLOG
    },
    Samples {
        files: "syslog/loghub_OpenSSH_2k.log",
        records: Records::Beside {
            csv: "syslog/loghub_OpenSSH_2k_structured.csv.gz",
        },
        expected: &[
            ("host_name", "Component"),
            ("process_pid", "Pid"),
            ("message", "Content"),
        ],
        ..SYSLOG
    },
    Samples {
        files: "syslog/plaso/*",
        ..SYSLOG
    },
    Samples {
        files: "syslog/rsyslog_fuzz_seeds/*",
        columns: &["value", "exampleSDID@32473.eventSource"],
        ..SYSLOG
    },
    Samples {
        files: "syslog/rsyslog_snare/*",
        ..SYSLOG
    },
    Samples {
        files: "syslog/fail2ban/*",
        records: Records::Commented,
        ..SYSLOG
    },
    Samples {
        files: "syslog/fail2ban_cases/*",
        records: Records::Commented,
        ..SYSLOG
    },
    Samples {
        files: "syslog/sekoia_parser_cases.jsonl.gz",
        records: Records::Cases {
            product: "Cisco/cisco-ios",
            having: "",
        },
        ..SYSLOG
    },
    Samples {
        files: "syslog/sekoia_parser_cases.jsonl.gz",
        records: CEF_CASES,
        expected: CEF_FIELDS,
        ..CEF
    },
    Samples {
        files: "firewall/sekoia_parser_cases.jsonl.gz",
        records: CEF_CASES,
        columns: &["cs2", "deviceExternalId"],
        expected: CEF_FIELDS,
        ..CEF
    },
    Samples {
        files: "access_logs/sekoia_parser_cases.jsonl.gz",
        records: CEF_CASES,
        expected: CEF_FIELDS,
        ..CEF
    },
    Samples {
        format: "leef",
        files: "firewall/sekoia_parser_cases.jsonl.gz",
        records: Records::Cases {
            product: "",
            having: "LEEF:",
        },
        columns: &["policy", "sender"],
        expected: &[
            ("timestamp", "@timestamp"),
            ("event_code", "event.code"),
            ("event_action", "event.action"),
            ("message", "event.reason"),
            ("observer_vendor", "observer.vendor"),
            ("observer_product", "observer.product"),
            ("observer_version", "observer.version"),
            ("source_ip", "source.ip"),
            ("source_port", "source.port"),
            ("destination_ip", "destination.ip"),
            ("destination_port", "destination.port"),
            ("network_transport", "network.transport"),
            ("policy", "rule.ruleset"),
        ],
        ..LINES
    },
    Samples {
        records: Records::Cases {
            product: "Fortinet/fortigate",
            having: "devname=",
        },
        ..LOGFMT
    },
    Samples {
        records: Records::Cases {
            product: "Stormshield",
            having: "",
        },
        ..LOGFMT
    },
    Samples {
        records: Records::Cases {
            product: "Sophos",
            having: "",
        },
        ..LOGFMT
    },
    Samples {
        records: Records::Cases {
            product: "SonicWall",
            having: "id=firewall",
        },
        ..LOGFMT
    },
    Samples {
        format: "iptables",
        files: "firewall/sekoia_parser_cases.jsonl.gz",
        records: Records::Cases {
            product: "Netfilter",
            having: "",
        },
        columns: &["TTL", "MARK"],
        expected: &[
            ("source_ip", "source.ip"),
            ("source_port", "source.port"),
            ("source_mac", "source.mac"),
            ("destination_ip", "destination.ip"),
            ("destination_port", "destination.port"),
            ("destination_mac", "destination.mac"),
            ("network_transport", "network.transport"),
            ("network_bytes", "source.bytes"),
            ("event_action", "action.name"),
        ],
        ..LINES
    },
    Samples {
        format: "asa",
        files: "firewall/sekoia_parser_cases.jsonl.gz",
        records: Records::Cases {
            product: "Cisco/cisco-secure-firewall",
            having: "",
        },
        columns: &["AccessControlRuleName"],
        expected: &[
            ("event_code", "event.code"),
            ("event_action", "action.name"),
            ("event_reason", "event.reason"),
            ("network_direction", "network.direction"),
            ("network_transport", "network.transport"),
            ("network_bytes", "network.bytes"),
            ("source_ip", "source.ip"),
            ("source_port", "source.port"),
            ("source_nat_ip", "source.nat.ip"),
            ("source_nat_port", "source.nat.port"),
            ("destination_ip", "destination.ip"),
            ("destination_port", "destination.port"),
            ("destination_nat_ip", "destination.nat.ip"),
            ("destination_nat_port", "destination.nat.port"),
            (
                "observer_ingress_interface_name",
                "observer.ingress.interface.name",
            ),
            (
                "observer_egress_interface_name",
                "observer.egress.interface.name",
            ),
            ("user_name", "user.name"),
            ("rule_name", "rule.name"),
            ("icmp_type", "cisco.ftd.icmp_type"),
        ],
        ..LINES
    },
    Samples {
        files: "suricata/slips_test6_eve_part1.json.gz",
        columns: &["event_type", "alert.signature_id", "flow.reason"],
        ..EVE
    },
    Samples {
        files: "suricata/sekoia_parser_cases.jsonl.gz",
        records: Records::Cases {
            product: "Suricata",
            having: "event_type",
        },
        expected: &[
            ("timestamp", "@timestamp"),
            ("source_ip", "source.ip"),
            ("source_port", "source.port"),
            ("destination_ip", "destination.ip"),
            ("destination_port", "destination.port"),
            ("event_severity", "event.severity"),
            ("http_request_method", "http.request.method"),
            ("http_response_status_code", "http.response.status_code"),
            ("url_original", "url.original"),
            ("dns_response_code", "dns.response_code"),
        ],
        ..EVE
    },
    Samples {
        options: &[("pattern", "%{COMBINEDAPACHELOG}")],
        files: "access_logs/plaso_apache_access.log",
        ..GROK
    },
    Samples {
        options: &[("pattern", "%{SYSLOGBASE} %{GREEDYDATA:message}")],
        files: "syslog/loghub_Linux_2k.log",
        ..GROK
    },
    Samples {
        files: "proxy/squid_access.log",
        ..SQUID
    },
    Samples {
        files: "proxy/bluecoat_*.log",
        ..SQUID
    },
    Samples {
        files: "proxy/fail2ban/squid.log",
        records: Records::Commented,
        ..SQUID
    },
    Samples {
        files: "proxy/sekoia_parser_cases.jsonl.gz",
        records: Records::Cases {
            product: "Squid/",
            having: "",
        },
        expected: &[
            ("timestamp", "@timestamp"),
            ("source_ip", "source.address"),
            ("http_response_status_code", "http.response.status_code"),
            ("http_response_bytes", "http.response.bytes"),
            ("http_request_method", "http.request.method"),
            ("url_original", "url.original"),
            ("user_name", "user.name"),
            ("destination_ip", "destination.ip"),
            ("http_response_mime_type", "http.response.mime_type"),
        ],
        ..SQUID
    },
    Samples {
        files: "access_logs/w3c_iis/*.log",
        ..W3C
    },
    Samples {
        files: "proxy/proxysg_main_elff.log",
        columns: &["cs-categories", "time-taken"],
        ..W3C
    },
    Samples {
        format: "binetflow",
        files: "netflow/binetflow/*",
        ..LINES
    },
    Samples {
        files: "zeek/wrccdc/*",
        ..ZEEK
    },
    Samples {
        files: "zeek/beacon_missing_host/*",
        ..ZEEK
    },
    Samples {
        files: "zeek/rita/*",
        ..ZEEK
    },
    Samples {
        files: "zeek/rita_proxy/*",
        ..ZEEK
    },
    Samples {
        files: "zeek/slips_labelled_remcos/*.labeled",
        ..ZEEK
    },
    Samples {
        files: "zeek/slips_test9_mixed/*",
        ..ZEEK
    },
    Samples {
        files: "zeek/baseline_logs/opt.basic__*",
        ..ZEEK
    },
];
