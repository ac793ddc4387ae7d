//! The Open Data Model's table `event` as a view over the three tables.
//!
//! Its 279 columns stand in the order of the model, then those that partition it (`p_dvc_vendor`,
//! `p_dvc_type`, `p_dt`), then the tables' own `y`, `m`, `d`, `h`, by which a query reads only some hours.
//! What a kind does not have is null. Lists and maps are null texts: nothing of what is stored fills them.
//!
//! Filled is what fits: a duration in milliseconds, addresses of both families in their own columns, of
//! DNS the client as the source, a web server's name as the destination's.

use crate::kind::Kind;

/// Its name.
pub const NAME: &str = "event";

/// The columns by type, in the model's order: `L` and `i` are whole numbers, `f` and `d` numbers, `b`
/// booleans, `s` texts.
const COLUMNS: &str = "
L event_time begin_time end_time event_insert_time last_update_time f duration s event_id name org type
n_proto a_proto msg mac severity raw f risk s code category query service state L in_bytes out_bytes
s xref version api parameter action proc app disposition prevalence confidence sensitivity company i count
s additional_attrs to_trust from_trust rule threat i pcap_id s session i length
L dvc_time dvc_ip4 s dvc_ip4_str dvc_ip6 dvc_ip6_str dvc_host dvc_mac dvc_domain dvc_type dvc_vendor
L dvc_fwd_ip4 s dvc_fwd_ip4_str dvc_fwd_ip6 dvc_fwd_ip6_str dvc_version
L src_ip4 s src_ip4_str src_ip6 src_ip6_str src_host src_mac src_domain i src_port s src_country_code
src_country_name src_region src_city f src_lat src_long L src_asn s src_tos
L dst_ip4 s dst_ip4_str dst_ip6 dst_ip6_str dst_host dst_mac dst_domain i dst_port s dst_country_code
dst_country_name dst_region dst_city f dst_lat dst_long L dst_asn s dst_tos net_direction net_flags
s file_name file_path L file_atime s file_acls file_type L file_size s file_desc file_hash file_hash_type
file_uid end_object end_action end_msg end_app end_location end_proc
user_name src_user_name dst_user_name user_email user_id user_loc user_desc
dns_class i dns_len s dns_query dns_response_code dns_answers i dns_type
s prx_category prx_browser prx_code prx_referrer prx_host prx_filter_rule prx_filter_result prx_query
prx_action prx_method prx_type
http_request_method http_request_uri i http_request_body_len s http_request_user_name http_request_password
http_request_proxied http_request_headers i http_response_status_code s http_response_status_msg
i http_response_body_len http_response_info_code s http_response_info_msg http_response_resp_fuids
http_response_mime_types http_response_headers
i smtp_trans_depth s smtp_headers_helo smtp_headers_mailfrom smtp_headers_rcptto smtp_headers_date
smtp_headers_from smtp_headers_to smtp_headers_reply_to smtp_headers_msg_id smtp_headers_in_reply_to
smtp_headers_subject L smtp_headers_x_originating_ip4 s smtp_headers_x_originating_ip4_str
smtp_headers_first_received smtp_headers_second_received smtp_last_reply smtp_path smtp_user_agent
b smtp_tls smtp_is_webmail
s ftp_user_name ftp_password ftp_command ftp_arg ftp_mime_type L ftp_file_size i ftp_reply_code
s ftp_reply_msg b ftp_data_channel_passive s ftp_data_channel_rsp_p ftp_cwd f ftp_cmdarg_ts s ftp_cmdarg_cmd
ftp_cmdarg_arg i ftp_cmdarg_seq s ftp_pending_commands b ftp_is_passive s ftp_fuid ftp_last_auth_requested
snmp_version snmp_community i snmp_get_requests snmp_get_bulk_requests snmp_get_responses snmp_set_requests
s snmp_display_string f snmp_up_since
s tls_version tls_cipher tls_curve tls_server_name b tls_resumed s tls_next_protocol b tls_established
s tls_cert_chain_fuids tls_client_cert_chain_fuids tls_subject tls_issuer
ssh_version b ssh_auth_success s ssh_client ssh_server ssh_cipher_algorithm ssh_mac_algorithm
ssh_compression_algorithm ssh_key_exchange_algorithm ssh_host_key_algorithm
L dhcp_assigned_ip4 s dhcp_assigned_ip4_str dhcp_mac d dhcp_lease_time
s irc_user irc_nickname irc_command irc_value irc_additional_data
L flow_in_packets flow_out_packets s flow_conn_state flow_history flow_src_dscp flow_dst_dscp flow_input
flow_output flow_fwd_status flow_snmp_in flow_snmp_out
vuln_id vuln_type vuln_status vuln_severity
av_riskname av_actualaction av_requestedaction av_secondaryaction av_downloadsite av_downloadedby
av_tracking_status L av_firstseen s application_hash application_hash_type application_name
application_version application_type av_categoryset av_categorytype i av_threat_count av_infected_count
av_omitted_count av_scanid s av_startmessage av_stopmessage i av_totalfiles s av_signatureid
av_signaturestring av_signaturesubid av_intrusionurl av_intrusionpayloadurl objectname
agent_severity agent_mac L agent_time s agent_id agent_description agent_type L agent_ip4 s agent_ip4_str
agent_ip6 agent_ip6_str agent_host
p_dvc_vendor p_dvc_type p_dt";

/// What a kind has of them, as SQL over its table.
fn filled(kind: Kind) -> Vec<(&'static str, String)> {
    let plain: &[(&str, &str)] = match kind {
        Kind::Flow => &[
            ("event_time", "unix_tstamp"),
            ("end_time", "unix_tstamp"),
            ("duration", "tdur * 1000"),
            ("n_proto", "proto"),
            ("net_flags", "flag"),
            ("net_direction", "dir"),
            ("in_bytes", "ibyt"),
            ("out_bytes", "obyt"),
            ("flow_in_packets", "ipkt"),
            ("flow_out_packets", "opkt"),
            ("flow_input", "input"),
            ("flow_output", "output"),
            ("flow_fwd_status", "fwd"),
            ("src_port", "sport"),
            ("dst_port", "dport"),
            ("src_asn", "sas"),
            ("dst_asn", "das"),
            ("src_tos", "stos"),
            ("dst_tos", "dtos"),
        ],
        Kind::Dns => &[
            ("event_time", "unix_tstamp"),
            ("a_proto", "'dns'"),
            ("dns_query", "dns_qry_name"),
            ("dns_class", "dns_qry_class"),
            ("dns_type", "dns_qry_type"),
            ("dns_len", "frame_len"),
            ("dns_response_code", "dns_qry_rcode"),
            ("dns_answers", "dns_a"),
        ],
        Kind::Proxy => &[
            (
                "event_time",
                "date_part('epoch', TRY_CAST(concat(p_date, ' ', p_time) AS TIMESTAMP))",
            ),
            ("duration", "duration"),
            ("a_proto", "urischeme"),
            ("in_bytes", "scbytes"),
            ("out_bytes", "csbytes"),
            ("user_name", "username"),
            ("category", "resconttype"),
            ("app", "bcappname"),
            ("dst_host", "host"),
            ("dst_port", "TRY_CAST(uriport AS INT)"),
            ("prx_category", "webcat"),
            ("prx_browser", "useragent"),
            ("prx_code", "respcode"),
            ("prx_referrer", "referer"),
            ("prx_host", "host"),
            ("prx_filter_result", "filterresult"),
            ("prx_query", "uriquery"),
            ("prx_action", "action"),
            ("prx_method", "reqmethod"),
            ("prx_type", "urischeme"),
            ("http_request_method", "reqmethod"),
            ("http_request_uri", "fulluri"),
            ("http_response_status_code", "TRY_CAST(respcode AS INT)"),
            ("http_response_mime_types", "resconttype"),
            ("vuln_id", "virusid"),
        ],
    };
    // Where the address of each end is.
    let (source, destination, device) = match kind {
        Kind::Flow => ("sip", "dip", Some("rip")),
        Kind::Dns => ("ip_dst", "ip_src", None),
        Kind::Proxy => ("clientip", "serverip", None),
    };
    let plain = plain.iter().map(|(name, sql)| (*name, (*sql).to_owned()));
    let mut filled: Vec<(&str, String)> = plain.collect();
    filled.push(("type", format!("'{}'", kind.name())));
    filled.push((
        "p_dt",
        "concat(y, '-', lpad(CAST(m AS VARCHAR), 2, '0'), '-', lpad(CAST(d AS VARCHAR), 2, '0'))"
            .into(),
    ));
    let source_columns = ["src_ip4", "src_ip4_str", "src_ip6", "src_ip6_str"];
    let destination_columns = ["dst_ip4", "dst_ip4_str", "dst_ip6", "dst_ip6_str"];
    let device_columns = ["dvc_ip4", "dvc_ip4_str", "dvc_ip6", "dvc_ip6_str"];
    filled.extend(address(source_columns, source));
    filled.extend(address(destination_columns, destination));
    filled.extend(
        device
            .into_iter()
            .flat_map(|device| address(device_columns, device)),
    );
    filled
}

/// An address as number and text of its family.
fn address(names: [&'static str; 4], column: &str) -> [(&'static str, String); 4] {
    let [number, text, number6, text6] = names;
    let is_v4 = format!("{column} ~ '^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$'");
    let part = |at: u32, weight: u32| {
        format!("TRY_CAST(split_part({column}, '.', {at}) AS BIGINT) * {weight}")
    };
    let parts = [
        part(1, 1 << 24),
        part(2, 1 << 16),
        part(3, 1 << 8),
        part(4, 1),
    ];
    let v6 = format!("CASE WHEN {column} LIKE '%:%' THEN {column} END");
    [
        (
            number,
            format!("CASE WHEN {is_v4} THEN {} END", parts.join(" + ")),
        ),
        (text, format!("CASE WHEN {is_v4} THEN {column} END")),
        (number6, v6.clone()),
        (text6, v6),
    ]
}

/// The query that is the view.
pub fn view() -> String {
    let branches = Kind::ALL.map(|kind| {
        let filled = filled(kind);
        let column = |(name, sql_type): (&str, &str)| {
            let sql = filled.iter().find(|(filled, _)| *filled == name);
            let sql = sql.map_or("NULL", |(_, sql)| sql.as_str());
            format!("CAST({sql} AS {sql_type}) AS \"{name}\"")
        };
        let columns: Vec<String> = columns().map(column).collect();
        format!(
            "SELECT {}, y, m, d, h FROM {}",
            columns.join(", "),
            kind.name()
        )
    });
    branches.join(" UNION ALL ")
}

/// The columns with their types in SQL.
fn columns() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut sql_type = "VARCHAR";
    COLUMNS.split_whitespace().filter_map(move |word| {
        sql_type = match word {
            "L" => "BIGINT",
            "i" => "INT",
            "f" => "FLOAT",
            "d" => "DOUBLE",
            "b" => "BOOLEAN",
            "s" => "VARCHAR",
            name => return Some((name, sql_type)),
        };
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_has_the_columns_of_the_model() {
        let names: Vec<&str> = columns().map(|(name, _)| name).collect();
        let distinct: std::collections::BTreeSet<&&str> = names.iter().collect();
        assert_eq!((names.len(), distinct.len()), (279 + 3, 279 + 3));
        for kind in Kind::ALL {
            for (name, _) in filled(kind) {
                assert!(names.contains(&name), "{name}");
            }
        }
    }
}
