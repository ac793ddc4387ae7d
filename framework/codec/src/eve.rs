//! `eve`: Suricata's EVE log, a JSON object a line.
//!
//! It is read as the format `json` says: any member may be asked for, nested ones by dots
//! (`alert.signature_id`, `dns.rrname`), as text unless `[columns]` gives it a type, null where an
//! event lacks it; the whole object is checked. There are no options. These columns have one name in
//! all formats and a type of their own:
//!
//! | column | type | member |
//! |---|---|---|
//! | `timestamp` | time | `timestamp`, with its zone as `+0000` |
//! | `event_start`, `event_end` | time | `flow.start`, `flow.end` |
//! | `tdur` | number | none, in seconds: what is between those two |
//! | `source_ip`, `destination_ip` | text | `src_ip`, `dest_ip` |
//! | `source_port`, `destination_port` | integer | `src_port`, `dest_port` |
//! | `network_transport` | text | `proto`, in small letters: `tcp` |
//! | `network_protocol` | text | `app_proto` |
//! | `source_bytes`, `destination_bytes` | integer | `flow.bytes_toserver`, `flow.bytes_toclient` |
//! | `source_packets`, `destination_packets` | integer | `flow.pkts_toserver`, `flow.pkts_toclient` |
//! | `event_action` | text | `alert.action`: `allowed` or `blocked` |
//! | `event_severity` | integer | `alert.severity`; 1 is the highest |
//! | `rule_id`, `rule_name`, `rule_category` | text | `alert.signature_id`, `alert.signature`, `alert.category` |
//! | `http_request_method` | text | `http.http_method` |
//! | `url_original` | text | `http.url` |
//! | `url_domain` | text | `http.hostname` |
//! | `http_response_status_code` | integer | `http.status` |
//! | `http_response_body_bytes` | integer | `http.length` |
//! | `http_request_referrer` | text | `http.http_refer` |
//! | `user_agent_original` | text | `http.http_user_agent` |
//! | `dns_question_name`, `dns_question_type` | text | `dns.rrname`, `dns.rrtype`; null where they stand in `dns.queries` (version 3) |
//! | `dns_response_code` | text | `dns.rcode` |
//! | `tls_client_server_name` | text | `tls.sni` |
//! | `host_name` | text | `host`: the sensor |
//!
//! A member that has the column's name itself comes first. Which kind of event a record is, is
//! `event_type`. What hostile input can cost is what it can with `json`.

use std::sync::Arc;

use arrow::datatypes::{Field, Fields, SchemaRef};
use datashark_sdk::input::Payloads;
use serde::Deserialize;

use crate::found;
use crate::json::{Objects, member_names};
use crate::known_columns::{KnownColumn, fields, float, integer, names, text, time};
use crate::rows::Rows;
use crate::{CodecError, Columns, Decoded, Decoder, Format, RecordFilter};

const NAME: &str = "eve";

/// Columns and the members that they are, by Suricata's `schema.json`.
const KNOWN: [KnownColumn; 31] = [
    time("timestamp", &[]),
    time("event_start", &["flow.start"]),
    time("event_end", &["flow.end"]),
    float("tdur", &[]),
    text("source_ip", &["src_ip"]),
    integer("source_port", &["src_port"]),
    text("destination_ip", &["dest_ip"]),
    integer("destination_port", &["dest_port"]),
    text("network_transport", &["proto"]),
    text("network_protocol", &["app_proto"]),
    integer("source_bytes", &["flow.bytes_toserver"]),
    integer("destination_bytes", &["flow.bytes_toclient"]),
    integer("source_packets", &["flow.pkts_toserver"]),
    integer("destination_packets", &["flow.pkts_toclient"]),
    text("event_action", &["alert.action"]),
    integer("event_severity", &["alert.severity"]),
    text("rule_id", &["alert.signature_id"]),
    text("rule_name", &["alert.signature"]),
    text("rule_category", &["alert.category"]),
    text("http_request_method", &["http.http_method"]),
    text("url_original", &["http.url"]),
    text("url_domain", &["http.hostname"]),
    integer("http_response_status_code", &["http.status"]),
    integer("http_response_body_bytes", &["http.length"]),
    text("http_request_referrer", &["http.http_refer"]),
    text("user_agent_original", &["http.http_user_agent"]),
    text("dns_question_name", &["dns.rrname"]),
    text("dns_question_type", &["dns.rrtype"]),
    text("dns_response_code", &["dns.rcode"]),
    text("tls_client_server_name", &["tls.sni"]),
    text("host_name", &["host"]),
];

/// `[codec]` of `eve`: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EveOptions {}

/// Suricata's events.
#[derive(Debug, Clone, Default)]
pub struct Eve {}

impl Eve {
    /// The format.
    pub fn new() -> Self {
        Eve {}
    }
}

impl Format for Eve {
    fn name(&self) -> &'static str {
        NAME
    }

    fn columns(&self) -> Columns {
        Columns::Open
    }

    fn known_columns(&self) -> Fields {
        fields(&KNOWN)
    }

    fn found_columns(&self, payloads: &Payloads) -> Vec<Field> {
        found::columns_beside(&KNOWN, member_names(&payloads.records))
    }

    fn decoder(&self, columns: &[Field]) -> Result<Box<dyn Decoder>, CodecError> {
        Ok(Box::new(EveDecoder {
            rows: Rows::try_new(NAME, columns)?,
            events: Objects::new(columns, |name| names(&KNOWN, name))
                .in_lower_case("network_transport"),
        }))
    }

    fn filtering_decoder(
        &self,
        columns: &[Field],
        filter: &Arc<dyn RecordFilter>,
    ) -> Result<Option<Box<dyn Decoder>>, CodecError> {
        Ok(Some(Box::new(EveDecoder {
            rows: Rows::try_new(NAME, columns)?,
            events: Objects::filtered(columns, filter, |name| names(&KNOWN, name))
                .in_lower_case("network_transport"),
        })))
    }
}

struct EveDecoder {
    rows: Rows,
    events: Objects,
}

impl Decoder for EveDecoder {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn decode(&mut self, payloads: &Payloads) -> Decoded {
        self.rows.decode(&mut self.events, payloads, None)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
    use proptest::prelude::*;

    use super::*;
    use crate::json::Json;
    use crate::testing::{decode_text, payloads, text_field, texts, typed_field};

    const ALERT: &str = r#"{"timestamp":"2026-03-01T13:00:01.250000+0100","flow_id":2251799813685249,"event_type":"alert","src_ip":"192.0.2.1","src_port":40000,"dest_ip":"198.51.100.7","dest_port":80,"proto":"TCP","alert":{"action":"allowed","signature_id":2000001,"signature":"an \"odd\" request","category":"Misc Attack","severity":2},"http":{"hostname":"example.com","url":"/a","status":404,"length":12},"host":"sensor"}"#;
    const DNS: &str = r#"{"timestamp":"2026-03-01T12:00:02+0000","event_type":"dns","src_ip":"192.0.2.2","dns":{"type":"query","rrname":"example.com"}}"#;

    fn decode(fields: &[Field], records: &[&str]) -> Decoded {
        let mut decoder = Eve::new().decoder(fields).unwrap();
        decoder.decode(&payloads(records))
    }

    fn known(name: &str) -> Field {
        typed_field(&Eve::new(), name)
    }

    #[test]
    fn times_of_any_zone_are_in_utc() {
        let decoded = decode(&[known("timestamp")], &[ALERT, DNS]);
        let times = decoded.rows.column(0);
        let times = times.as_primitive::<TimestampMicrosecondType>().values();
        assert_eq!(times, &[1_772_366_401_250_000, 1_772_366_402_000_000]);
    }

    #[test]
    fn shared_names_and_members_give_the_same() {
        let asked = ["source_ip", "src_ip", "rule_name", "alert.signature"];
        let decoded = decode_text(&Eve::new(), &asked, &[ALERT, DNS]);
        for column in [0, 1] {
            let sources = [Some("192.0.2.1"), Some("192.0.2.2")];
            assert_eq!(texts(&decoded.rows, column), sources);
        }
        for column in [2, 3] {
            let rules = [Some("an \"odd\" request"), None];
            assert_eq!(texts(&decoded.rows, column), rules);
        }
    }

    #[test]
    fn a_transport_is_named_as_in_other_formats() {
        let decoded = decode_text(&Eve::new(), &["network_transport", "proto"], &[ALERT, DNS]);
        assert_eq!(texts(&decoded.rows, 0), [Some("tcp"), None]);
        assert_eq!(texts(&decoded.rows, 1), [Some("TCP"), None]);
    }

    #[test]
    fn numbers_have_their_type_and_what_an_event_lacks_is_null() {
        let names = ["source_port", "http_response_status_code", "event_severity"];
        let decoded = decode(&names.map(known), &[ALERT, DNS]);
        for (column, expected) in [40000, 404, 2].into_iter().enumerate() {
            let numbers = decoded.rows.column(column).as_primitive::<Int64Type>();
            assert_eq!(numbers.iter().collect::<Vec<_>>(), [Some(expected), None]);
        }
        let flow = Field::new("flow_id", DataType::Int64, true);
        let decoded = decode(&[flow], &[ALERT]);
        let flows = decoded.rows.column(0).as_primitive::<Int64Type>();
        assert_eq!(flows.values(), &[2_251_799_813_685_249]);
    }

    #[test]
    fn what_does_not_fit_or_is_no_object_is_invalid() {
        let records = [r#"{"src_port":"none"}"#, r#"{"src_ip":"192.0.2.1""#, ALERT];
        let decoded = decode(&[known("source_port")], &records);
        let reasons: Vec<_> = decoded.invalid.iter().map(|bad| &*bad.reason).collect();
        let expected = [
            "`source_port` is `none`, expected an integer",
            "expected `,` or `}` at byte 21, found the end of the record",
        ];
        assert_eq!(reasons, expected);
        assert_eq!(decoded.record_idx.unwrap().values(), &[2]);
    }

    proptest! {
        #[test]
        fn members_are_what_the_json_format_reads(
            records in prop::collection::vec("\\{[\"a-c:,1{}\\\\]{0,12}\\}?", 0..10)
        ) {
            let asked = ["a", "b", "a.b"];
            let ours = decode_text(&Eve::new(), &asked, &records);
            let theirs = decode_text(&Json::new(), &asked, &records);
            prop_assert_eq!(ours.rows, theirs.rows);
            prop_assert_eq!(ours.invalid, theirs.invalid);
        }

        #[test]
        fn a_member_of_the_columns_own_name_comes_first(own in any::<bool>(), other in any::<bool>()) {
            let mut members = Vec::new();
            members.extend(other.then_some(r#""src_ip":"192.0.2.1""#));
            members.extend(own.then_some(r#""source_ip":"192.0.2.2""#));
            let record = format!("{{{}}}", members.join(","));
            let mut decoder = Eve::new().decoder(&[text_field("source_ip")]).unwrap();
            let decoded = decoder.decode(&payloads(&[record]));
            let expected = if own { Some("192.0.2.2") } else { other.then_some("192.0.2.1") };
            prop_assert_eq!(texts(&decoded.rows, 0), [expected]);
        }
    }
}
