//! Requests to web proxies and servers.
//!
//! `fulluri` is made as Spot makes it: the host, the path if it is longer than one character, and the
//! query with its `?`; no scheme and no port.

use arrow::datatypes::Field;

use super::{Columns, SECONDS, integer, table, text, time};

/// Where the parts of the URL are.
struct Url<'a> {
    scheme: &'a str,
    host: &'a str,
    port: &'a str,
    path: &'a str,
    /// With its `?`.
    query: &'a str,
    extension: &'a str,
}

/// The parts of a URL in the shared column, which may be a path alone.
const OF_URL: Url<'_> = Url {
    scheme: "url_part(url_original, 'scheme')",
    host: "url_part(url_original, 'host')",
    port: "url_part(url_original, 'port')",
    path: "url_part(url_original, 'path')",
    query: "CASE WHEN url_part(url_original, 'query') IS NOT NULL \
            THEN concat('?', url_part(url_original, 'query')) END",
    extension: "url_part(url_original, 'extension')",
};

/// The columns that all have, and what the format has beside them.
fn columns(url: &Url<'_>, fields: Vec<Field>, own: &[(&str, &str)]) -> Columns {
    let mut all = vec![
        time("timestamp"),
        text("source_ip"),
        text("http_request_method"),
        text("url_original"),
        integer("http_response_status_code"),
        text("user_name"),
    ];
    all.extend(fields);
    // `-` and `/` add nothing.
    let long = |sql: &str| format!("CASE WHEN char_length({sql}) > 1 THEN {sql} ELSE '' END");
    let uri = format!(
        "concat(coalesce({}, ''), {}, {})",
        url.host,
        long(url.path),
        long(url.query)
    );
    let mut columns = table(&[
        ("p_date", "to_char(\"timestamp\", '%Y-%m-%d')"),
        ("p_time", "to_char(\"timestamp\", '%H:%M:%S')"),
        ("clientip", "source_ip"),
        ("host", &format!("coalesce({}, '')", url.host)),
        ("reqmethod", "http_request_method"),
        ("respcode", "CAST(http_response_status_code AS VARCHAR)"),
        ("username", "user_name"),
        ("urischeme", url.scheme),
        ("uriport", url.port),
        ("uripath", url.path),
        ("uriquery", url.query),
        ("uriextension", url.extension),
        ("fulluri", &uri),
    ]);
    columns.extend(table(own));
    Columns {
        fields: all,
        table: columns,
        wanted: None,
        seconds: SECONDS,
    }
}

/// The W3C's format, as Blue Coat's proxies and IIS write it.
pub(super) fn w3c() -> Columns {
    let url = Url {
        scheme: "url_scheme",
        host: "coalesce(url_domain, url_part(url_original, 'host'))",
        port: "coalesce(\"cs-uri-port\", url_part(url_original, 'port'))",
        path: "coalesce(url_path, url_part(url_original, 'path'))",
        query: "CASE WHEN url_query LIKE '?%' THEN url_query \
                WHEN url_query IS NOT NULL THEN concat('?', url_query) END",
        extension: "coalesce(\"cs-uri-extension\", url_part(url_original, 'extension'))",
    };
    let fields = vec![
        text("url_scheme"),
        text("url_domain"),
        text("url_path"),
        text("url_query"),
        text("event_action"),
        text("http_request_referrer"),
        integer("http_request_bytes"),
        integer("http_response_bytes"),
        text("http_response_mime_type"),
        text("user_agent_original"),
        integer("time-taken"),
        text("cs-auth-group"),
        text("x-exception-id"),
        text("sc-filter-result"),
        text("cs-categories"),
        text("cs-uri-port"),
        text("cs-uri-extension"),
        text("s-ip"),
        text("x-virus-id"),
        text("x-bluecoat-application-name"),
        text("x-bluecoat-application-operation"),
    ];
    let own = [
        ("useragent", "user_agent_original"),
        ("resconttype", "http_response_mime_type"),
        ("duration", "\"time-taken\""),
        ("authgroup", "\"cs-auth-group\""),
        ("exceptionid", "\"x-exception-id\""),
        ("filterresult", "\"sc-filter-result\""),
        ("webcat", "\"cs-categories\""),
        ("referer", "http_request_referrer"),
        ("action", "event_action"),
        ("serverip", "\"s-ip\""),
        ("scbytes", "http_response_bytes"),
        ("csbytes", "http_request_bytes"),
        ("virusid", "\"x-virus-id\""),
        ("bcappname", "\"x-bluecoat-application-name\""),
        ("bcappoper", "\"x-bluecoat-application-operation\""),
    ];
    columns(&url, fields, &own)
}

/// Squid's log; a duration is in milliseconds, as Blue Coat has it.
pub(super) fn squid() -> Columns {
    let fields = vec![
        integer("event_duration"),
        text("event_action"),
        integer("http_response_bytes"),
        text("http_response_mime_type"),
    ];
    let own = [
        ("duration", "event_duration / 1000000"),
        ("action", "event_action"),
        ("scbytes", "http_response_bytes"),
        ("resconttype", "http_response_mime_type"),
    ];
    columns(&OF_URL, fields, &own)
}

/// The access logs of web servers, which mostly do not say which host was asked.
pub(super) fn access_log(format: &str) -> Columns {
    let mut fields = vec![integer("http_response_body_bytes")];
    let mut own = vec![("scbytes", "http_response_body_bytes")];
    if format == "combined" {
        fields.extend([text("http_request_referrer"), text("user_agent_original")]);
        own.extend([
            ("referer", "http_request_referrer"),
            ("useragent", "user_agent_original"),
        ]);
    }
    columns(&OF_URL, fields, &own)
}

/// Zeek's `http`.
pub(super) fn zeek() -> Columns {
    let url = Url {
        host: "coalesce(url_part(url_original, 'host'), url_domain)",
        port: "coalesce(url_part(url_original, 'port'), CAST(destination_port AS VARCHAR))",
        ..OF_URL
    };
    let fields = vec![
        text("destination_ip"),
        integer("destination_port"),
        text("url_domain"),
        text("http_request_referrer"),
        text("user_agent_original"),
        integer("http_request_body_bytes"),
        integer("http_response_body_bytes"),
        text("resp_mime_types"),
    ];
    let own = [
        ("useragent", "user_agent_original"),
        ("referer", "http_request_referrer"),
        ("serverip", "destination_ip"),
        ("scbytes", "http_response_body_bytes"),
        ("csbytes", "http_request_body_bytes"),
        // In JSON it is a list.
        (
            "resconttype",
            "nullif(trim(both '[]\"' from resp_mime_types), '')",
        ),
    ];
    columns(&url, fields, &own)
}

/// Suricata's events of HTTP.
pub(super) fn eve() -> Columns {
    let url = Url {
        host: "coalesce(url_part(url_original, 'host'), url_domain)",
        port: "coalesce(url_part(url_original, 'port'), CAST(destination_port AS VARCHAR))",
        ..OF_URL
    };
    let fields = vec![
        text("event_type"),
        text("destination_ip"),
        integer("destination_port"),
        text("url_domain"),
        text("http_request_referrer"),
        text("user_agent_original"),
        integer("http_response_body_bytes"),
        text("http.http_content_type"),
    ];
    let own = [
        ("useragent", "user_agent_original"),
        ("referer", "http_request_referrer"),
        ("serverip", "destination_ip"),
        ("scbytes", "http_response_body_bytes"),
        ("resconttype", "\"http.http_content_type\""),
    ];
    let mut columns = columns(&url, fields, &own);
    columns.wanted = Some("event_type = 'http'");
    columns
}
