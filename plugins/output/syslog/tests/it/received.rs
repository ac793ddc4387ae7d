//! Messages as a server has parsed them, from the lines that the scripts' templates write.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::server::Kind;

/// A message as a server has parsed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    /// The version of RFC 5424; `None` from syslog-ng, which does not say.
    pub(crate) version: Option<String>,
    pub(crate) priority: String,
    /// In RFC 3339.
    pub(crate) time: String,
    pub(crate) host: String,
    pub(crate) program: String,
    /// PROCID and MSGID; empty where there is none.
    pub(crate) process: String,
    pub(crate) kind: String,
    /// The parameters of the element `datashark@32473`.
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) text: String,
}

impl Received {
    /// The text as a document.
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The messages of a file; what stands behind the last line end is still being written.
pub(crate) fn parse(kind: Kind, lines: &str) -> Vec<Received> {
    let line = |line: &str| {
        let parsed = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        match kind {
            Kind::Rsyslog => of_rsyslog(&parsed),
            Kind::SyslogNg => of_syslog_ng(&parsed),
        }
    };
    let whole = lines.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(line).collect()
}

fn of_rsyslog(line: &Value) -> Received {
    // It says `-` where a header says nothing.
    let given = |key| {
        Some(text(&line[key]))
            .filter(|text| text != "-")
            .unwrap_or_default()
    };
    let elements: Value = serde_json::from_str(&text(&line["parameters"])).unwrap_or_default();
    Received {
        version: Some(text(&line["version"])),
        priority: text(&line["priority"]),
        time: text(&line["time"]),
        host: text(&line["host"]),
        program: text(&line["program"]),
        process: given("process"),
        kind: given("kind"),
        parameters: parameters(&elements),
        // Its `msg` has the space behind a tag of RFC 3164.
        text: text(&line["text"]).trim_start_matches(' ').to_owned(),
    }
}

fn of_syslog_ng(line: &Value) -> Received {
    Received {
        version: None,
        priority: text(&line["priority"]),
        time: text(&line["time"]).replace("+00:00", "Z"),
        host: text(&line["host"]),
        program: text(&line["program"]),
        process: text(&line["process"]),
        kind: text(&line["kind"]),
        parameters: parameters(&line["_SDATA"]),
        text: text(&line["text"]),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn parameters(elements: &Value) -> BTreeMap<String, String> {
    let parameters = elements["datashark@32473"].as_object();
    let parameters = parameters.into_iter().flatten();
    parameters
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}
