//! The one list of formats: what `format = …` in a conf's `[codec]` may say.

use std::io;
use std::sync::Arc;

use datashark_sdk::conf::{Problem, Problems, Section, nearest};
use serde::de::DeserializeOwned;

use crate::Format;
use crate::asa::Asa;
use crate::binetflow::{Binetflow, BinetflowOptions};
use crate::cef::Cef;
use crate::combined::{AccessLog, CombinedOptions};
use crate::csv::{Csv, CsvOptions};
use crate::dns::{DnsOptions, DnsPackets};
use crate::eve::{Eve, EveOptions};
use crate::grok::{Grok, GrokOptions, ReadFile};
use crate::iptables::Iptables;
use crate::json::{Json, JsonOptions};
use crate::leef::Leef;
use crate::logfmt::Logfmt;
use crate::nfcapd::{Nfcapd, NfcapdOptions};
use crate::regex::{Regex, RegexOptions};
use crate::squid::{Squid, SquidOptions};
use crate::syslog::Syslog;
use crate::text::{Text, TextOptions};
use crate::timestamp::TimeOptions;
use crate::w3c::{W3c, W3cOptions};
use crate::zeek::{Zeek, ZeekOptions};

/// The key of `[codec]` that names the format; the rest are the format's options.
pub const FORMAT: &str = "format";

type Build = fn(&Section, ReadFile<'_>) -> Result<Arc<dyn Format>, Problems>;

/// Name, what it is in a line, and how it is built of its options. `syslog` and the five behind it
/// have the same options and take lines with and without a syslog header.
const FORMATS: [(&str, &str, Build); 20] = [
    ("text", "lines as they are, in the column `line`", text),
    (
        "json",
        "JSON, an object a line; any member is a column, nested ones by dots",
        json,
    ),
    (
        "csv",
        "separated fields, named by a header or by `columns`",
        csv,
    ),
    (
        "regex",
        "lines that match `pattern`; its named groups are the columns",
        regex,
    ),
    (
        "grok",
        "lines that match `pattern`, made of Logstash's named patterns",
        grok,
    ),
    (
        "combined",
        "access logs of Apache httpd and nginx, with referrer and user agent",
        combined,
    ),
    (
        "common",
        "access logs of Apache httpd, without referrer and user agent",
        common,
    ),
    (
        "w3c",
        "access logs in the W3C's extended format, of IIS and ProxySG",
        w3c,
    ),
    ("squid", "access logs of Squid in its native format", squid),
    (
        "syslog",
        "syslog of RFC 3164 and RFC 5424, told apart line by line",
        syslog,
    ),
    ("cef", "events in ArcSight's Common Event Format", cef),
    (
        "leef",
        "events in QRadar's Log Event Extended Format, 1.0 and 2.0",
        leef,
    ),
    ("logfmt", "key=value pairs with spaces between", logfmt),
    (
        "iptables",
        "packets that netfilter logs: iptables, nftables, UFW",
        iptables,
    ),
    (
        "asa",
        "messages of Cisco's firewalls: ASA, FTD, PIX, FWSM",
        asa,
    ),
    (
        "zeek",
        "logs of Zeek, as tables with a header or as JSON",
        zeek,
    ),
    ("eve", "events of Suricata, a JSON object a line", eve),
    (
        "dns",
        "DNS messages in captures of packets, pcap and pcapng",
        dns,
    ),
    (
        "nfcapd",
        "flows in files of nfcapd, which the tool nfdump reads",
        nfcapd,
    ),
    (
        "binetflow",
        "bidirectional flows of Argus, as the CTU's data sets have them",
        binetflow,
    ),
];

/// The format of a name with the options of `[codec]`, in which `format` itself is passed over. Files
/// that they name are read by whoever asks.
///
/// # Errors
/// An unknown name, with the nearest one; options that the format does not have, or whose values
/// it cannot take, each below its key; a file that cannot be read, or has mistakes.
pub fn format(
    name: &str,
    options: &Section,
    read: ReadFile<'_>,
) -> Result<Arc<dyn Format>, Problems> {
    let Some((_, _, build)) = FORMATS.iter().find(|(known, _, _)| *known == name) else {
        return Err(unknown(name).into());
    };
    let mut options = options.clone();
    options.remove(FORMAT);
    build(&options, read)
}

/// Reads no file: for who has none that options could name.
///
/// # Errors
/// Always.
pub fn no_files(file: &str) -> io::Result<String> {
    let message = format!("`{file}` is not read here");
    Err(io::Error::new(io::ErrorKind::Unsupported, message))
}

/// Every format: its name, and what it is in a line.
pub fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    FORMATS.iter().map(|(name, about, _)| (*name, *about))
}

fn unknown(name: &str) -> Problem {
    let known: Vec<&str> = names().map(|(name, _)| name).collect();
    let message = match nearest(name, &known) {
        Some(near) => format!("unknown format `{name}`, did you mean `{near}`?"),
        None => format!("unknown format `{name}`"),
    };
    Problem::at([FORMAT], message).help(format!("one of {}", known.join(", ")))
}

/// Checks that there are no options.
fn none<T: DeserializeOwned>(options: &Section) -> Result<(), Problems> {
    options.parse::<T>().map(|_| ())
}

fn text(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    none::<TextOptions>(options)?;
    Ok(Arc::new(Text::new()))
}

fn json(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    none::<JsonOptions>(options)?;
    Ok(Arc::new(Json::new()))
}

fn csv(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    let options: CsvOptions = options.parse()?;
    let built = Csv::try_new(options);
    Ok(Arc::new(built.map_err(|error| {
        Problem::at([error.option], error.message)
    })?))
}

fn regex(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    let options: RegexOptions = options.parse()?;
    let built = Regex::try_new(&options.pattern);
    Ok(Arc::new(built.map_err(|error| error.problem("pattern"))?))
}

fn grok(options: &Section, read: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    let mut options: GrokOptions = options.parse()?;
    options.read_files(read)?;
    let built = Grok::try_new(&options);
    Ok(Arc::new(built.map_err(|error| error.problem("pattern"))?))
}

fn combined(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    none::<CombinedOptions>(options)?;
    Ok(Arc::new(AccessLog::combined()))
}

fn common(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    none::<CombinedOptions>(options)?;
    Ok(Arc::new(AccessLog::common()))
}

fn w3c(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    let options: W3cOptions = options.parse()?;
    Ok(Arc::new(W3c::new(&options)))
}

fn squid(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    none::<SquidOptions>(options)?;
    Ok(Arc::new(Squid::new()))
}

fn syslog(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    let options: TimeOptions = options.parse()?;
    Ok(Arc::new(Syslog::try_new(&options)?))
}

fn cef(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    let options: TimeOptions = options.parse()?;
    Ok(Arc::new(Cef::try_new(&options)?))
}

fn leef(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    let options: TimeOptions = options.parse()?;
    Ok(Arc::new(Leef::try_new(&options)?))
}

fn logfmt(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    let options: TimeOptions = options.parse()?;
    Ok(Arc::new(Logfmt::try_new(&options)?))
}

fn iptables(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    let options: TimeOptions = options.parse()?;
    Ok(Arc::new(Iptables::try_new(&options)?))
}

fn asa(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    let options: TimeOptions = options.parse()?;
    Ok(Arc::new(Asa::try_new(&options)?))
}

fn zeek(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    none::<ZeekOptions>(options)?;
    Ok(Arc::new(Zeek::new()))
}

fn eve(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    none::<EveOptions>(options)?;
    Ok(Arc::new(Eve::new()))
}

fn dns(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    none::<DnsOptions>(options)?;
    Ok(Arc::new(DnsPackets::new()))
}

fn nfcapd(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    none::<NfcapdOptions>(options)?;
    Ok(Arc::new(Nfcapd::new()))
}

fn binetflow(options: &Section, _: ReadFile<'_>) -> Result<Arc<dyn Format>, Problems> {
    none::<BinetflowOptions>(options)?;
    Ok(Arc::new(Binetflow::new()))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};

    use super::*;

    fn problems(name: &str, options: &[(&str, &str)]) -> Vec<Problem> {
        let options = Section::from_iter(options.iter().copied());
        format(name, &options, &no_files).unwrap_err().0
    }

    #[test]
    fn every_name_builds_a_format_of_that_name() {
        let options = |name| match name {
            "regex" => Section::from_iter([("pattern", "(?P<a>x)")]),
            "grok" => Section::from_iter([("pattern", "%{IP:a}")]),
            "csv" => Section::from_iter([("format", "csv"), ("separator", "\\t")]),
            _ => Section::new(),
        };
        for (name, about) in names() {
            assert_eq!(
                format(name, &options(name), &no_files).unwrap().name(),
                name
            );
            assert!(!about.is_empty());
        }
    }

    #[test]
    fn an_unknown_format_is_answered_with_the_nearest() {
        let problem = &problems("jsn", &[])[0];
        assert_eq!(
            problem.to_string(),
            "format: unknown format `jsn`, did you mean `json`?"
        );
        assert_eq!(
            problem.help.as_deref(),
            Some(
                "one of text, json, csv, regex, grok, combined, common, w3c, squid, syslog, cef, leef, logfmt, iptables, asa, zeek, eve, dns, nfcapd, binetflow"
            )
        );
    }

    #[test]
    fn an_unknown_option_is_answered_with_the_nearest() {
        let problem = &problems("csv", &[("seperator", ";")])[0];
        assert_eq!(
            problem.message,
            "unknown key `seperator`, did you mean `separator`?"
        );
        assert_eq!(problems("json", &[("separator", ";")]).len(), 1);
    }

    #[test]
    fn a_wrong_pattern_is_blamed_at_its_place() {
        let problem = &problems("regex", &[("pattern", "(?P<a>x")])[0];
        assert_eq!(
            (problem.path.as_slice(), problem.span.clone()),
            (&["pattern".to_owned()][..], Some(0..1))
        );
        assert_eq!(problems("regex", &[])[0].message, "missing key `pattern`");
    }

    #[test]
    fn contradicting_options_are_blamed_at_their_key() {
        let problem = &problems("csv", &[("header", "false")])[0];
        assert_eq!(problem.path, ["columns"]);
    }

    #[test]
    fn own_patterns_of_grok_are_a_subsection() {
        let mut options = Section::from_iter([("pattern", "%{TICKET:ticket}")]);
        let pattern = format("grok", &options, &no_files).unwrap_err().0;
        assert_eq!(
            (pattern[0].path.as_slice(), pattern[0].span.clone()),
            (&["pattern".to_owned()][..], Some(0..16))
        );
        let own = Section::from_iter([("TICKET", "[A-Z]+-%{POSINT}")]);
        options.insert("patterns", own);
        assert_eq!(format("grok", &options, &no_files).unwrap().name(), "grok");
    }

    #[test]
    fn patterns_of_a_file_are_read_by_who_asks() {
        let options = [("pattern", "%{TICKET:ticket}"), ("patterns_file", "a.grok")];
        let options = Section::from_iter(options);
        let read = |name: &str| {
            assert_eq!(name, "a.grok");
            Ok("TICKET [A-Z]+-%{POSINT}".to_owned())
        };
        assert_eq!(format("grok", &options, &read).unwrap().name(), "grok");
        let problem = &format("grok", &options, &no_files).unwrap_err().0[0];
        assert_eq!(problem.path, ["patterns_file"]);
    }

    #[test]
    fn fields_of_w3c_are_named_as_its_header_does() {
        for fields in [
            "date time c-ip",
            "date, time, c-ip",
            "\"#Fields: date time c-ip\"",
        ] {
            let options = Section::from_iter([("fields", fields)]);
            let format = format("w3c", &options, &no_files).unwrap();
            let asked = Field::new("c-ip", DataType::Utf8View, true);
            let mut decoder = format.decoder(&[asked]).unwrap();
            let payloads = crate::testing::payloads(&["2026-03-01 12:00:00 192.0.2.1"]);
            let decoded = decoder.decode(&payloads);
            assert_eq!(decoded.rows.num_rows(), 1, "{fields}");
        }
    }
}
