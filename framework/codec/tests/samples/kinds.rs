//! How files are read, and what the files of a format have in common.

/// Files of one format that are read alike.
pub(crate) struct Samples {
    /// The format's name in a conf.
    pub(crate) format: &'static str,
    /// Its options in `[codec]`.
    pub(crate) options: &'static [(&'static str, &'static str)],
    /// A path below the folder of real logs; its last part may hold one `*`.
    pub(crate) files: &'static str,
    /// How a file becomes records.
    pub(crate) records: Records,
    /// Text columns to ask for besides those that the format knows itself.
    pub(crate) columns: &'static [&'static str],
    /// Columns, and where the fields of a case have the value that one should have.
    pub(crate) expected: &'static [(&'static str, &'static str)],
}

/// How a file becomes records.
#[derive(Clone, Copy)]
pub(crate) enum Records {
    /// Each line.
    Lines,
    /// Each line but empty ones and those that begin with `#`, which say what a test expects.
    Commented,
    /// Each line; the lines of a CSV file with a header say what stands in them.
    Beside { csv: &'static str },
    /// The messages in the cases of a parser's tests, a JSON object a line: those of products whose
    /// name holds `product`, and that hold `having`.
    Cases {
        product: &'static str,
        having: &'static str,
    },
}

/// What rows share unless they say otherwise.
pub(super) const LINES: Samples = Samples {
    format: "text",
    options: &[],
    files: "",
    records: Records::Lines,
    columns: &[],
    expected: &[],
};

pub(super) const COMBINED: Samples = Samples {
    format: "combined",
    ..LINES
};

pub(super) const CSV: Samples = Samples {
    format: "csv",
    ..LINES
};

pub(super) const JSON: Samples = Samples {
    format: "json",
    ..LINES
};

pub(super) const EVE: Samples = Samples {
    format: "eve",
    ..LINES
};

pub(super) const GROK: Samples = Samples {
    format: "grok",
    ..LINES
};

pub(super) const SQUID: Samples = Samples {
    format: "squid",
    ..LINES
};

pub(super) const W3C: Samples = Samples {
    format: "w3c",
    ..LINES
};

pub(super) const ZEEK: Samples = Samples {
    format: "zeek",
    ..LINES
};

pub(super) const SYSLOG: Samples = Samples {
    format: "syslog",
    options: &[("year", "2012")],
    ..LINES
};

/// What the cases of web servers say of a request.
pub(super) const WEB: &[(&str, &str)] = &[
    ("timestamp", "@timestamp"),
    ("source_ip", "source.ip"),
    ("user_name", "user.name"),
    ("http_request_method", "http.request.method"),
    ("url_original", "url.original"),
    ("http_version", "http.version"),
    ("http_response_status_code", "http.response.status_code"),
    ("http_response_body_bytes", "http.response.bytes"),
    ("http_request_referrer", "http.request.referrer"),
    ("user_agent_original", "user_agent.original"),
];

pub(super) const CEF: Samples = Samples {
    format: "cef",
    options: &[("year", "2012")],
    ..LINES
};

pub(super) const CEF_CASES: Records = Records::Cases {
    product: "",
    having: "CEF:",
};

/// What the cases of products that write CEF say of an event.
pub(super) const CEF_FIELDS: &[(&str, &str)] = &[
    ("timestamp", "@timestamp"),
    ("event_severity", "event.severity"),
    ("event_code", "event.code"),
    ("cef_name", "cef.Name"),
    ("observer_vendor", "observer.vendor"),
    ("observer_product", "observer.product"),
    ("observer_version", "observer.version"),
    ("source_ip", "source.ip"),
    ("source_port", "source.port"),
    ("source_user_name", "source.user.name"),
    ("destination_ip", "destination.ip"),
    ("destination_port", "destination.port"),
    ("destination_user_name", "destination.user.name"),
    ("network_transport", "network.transport"),
    ("event_action", "action.name"),
    ("event_outcome", "event.outcome"),
    ("event_reason", "event.reason"),
    ("http_request_method", "http.request.method"),
];

pub(super) const LOGFMT: Samples = Samples {
    format: "logfmt",
    files: "firewall/sekoia_parser_cases.jsonl.gz",
    columns: &["fw", "service"],
    expected: &[
        ("timestamp", "@timestamp"),
        ("log_level", "log.level"),
        ("message", "event.reason"),
        ("event_action", "action.name"),
        ("source_ip", "source.ip"),
        ("source_port", "source.port"),
        ("destination_ip", "destination.ip"),
        ("destination_port", "destination.port"),
        ("network_transport", "network.transport"),
        ("user_name", "user.name"),
    ],
    ..LINES
};
