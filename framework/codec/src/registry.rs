//! The one list of formats: what `format = …` in a conf's `[codec]` may say.

use std::sync::Arc;

use datashark_sdk::conf::{Problem, Problems, Section, nearest};
use serde::de::DeserializeOwned;

use crate::Format;
use crate::combined::{AccessLog, CombinedOptions};
use crate::csv::{Csv, CsvOptions};
use crate::json::{Json, JsonOptions};
use crate::regex::{Regex, RegexOptions};
use crate::text::{Text, TextOptions};

/// The key of `[codec]` that names the format; the rest are the format's options.
pub const FORMAT: &str = "format";

type Build = fn(&Section) -> Result<Arc<dyn Format>, Problems>;

/// Name, what it is in a line, and how it is built of its options.
const FORMATS: [(&str, &str, Build); 6] = [
    ("text", "lines as they are, in the column `line`", text),
    (
        "json",
        "a JSON object a line; any member is a column, nested ones by dots",
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
        "combined",
        "access logs of Apache httpd and nginx, with referrer and user agent",
        combined,
    ),
    (
        "common",
        "access logs of Apache httpd, without referrer and user agent",
        common,
    ),
];

/// The format of a name with the options of `[codec]`, in which `format` itself is passed over.
///
/// # Errors
/// An unknown name, with the nearest one; options that the format does not have, or whose values
/// it cannot take, each below its key.
pub fn format(name: &str, options: &Section) -> Result<Arc<dyn Format>, Problems> {
    let Some((_, _, build)) = FORMATS.iter().find(|(known, _, _)| *known == name) else {
        return Err(unknown(name).into());
    };
    let mut options = options.clone();
    options.remove(FORMAT);
    build(&options)
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

fn text(options: &Section) -> Result<Arc<dyn Format>, Problems> {
    none::<TextOptions>(options)?;
    Ok(Arc::new(Text::new()))
}

fn json(options: &Section) -> Result<Arc<dyn Format>, Problems> {
    none::<JsonOptions>(options)?;
    Ok(Arc::new(Json::new()))
}

fn csv(options: &Section) -> Result<Arc<dyn Format>, Problems> {
    let options: CsvOptions = options.parse()?;
    let built = Csv::try_new(options);
    Ok(Arc::new(built.map_err(|error| {
        Problem::at([error.option], error.message)
    })?))
}

fn regex(options: &Section) -> Result<Arc<dyn Format>, Problems> {
    let options: RegexOptions = options.parse()?;
    let built = Regex::try_new(&options.pattern);
    Ok(Arc::new(built.map_err(|error| error.problem("pattern"))?))
}

fn combined(options: &Section) -> Result<Arc<dyn Format>, Problems> {
    none::<CombinedOptions>(options)?;
    Ok(Arc::new(AccessLog::combined()))
}

fn common(options: &Section) -> Result<Arc<dyn Format>, Problems> {
    none::<CombinedOptions>(options)?;
    Ok(Arc::new(AccessLog::common()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(name: &str, options: &[(&str, &str)]) -> Vec<Problem> {
        let options = Section::from_iter(options.iter().copied());
        format(name, &options).unwrap_err().0
    }

    #[test]
    fn every_name_builds_a_format_of_that_name() {
        let options = |name| match name {
            "regex" => Section::from_iter([("pattern", "(?P<a>x)")]),
            "csv" => Section::from_iter([("format", "csv"), ("separator", "\\t")]),
            _ => Section::new(),
        };
        for (name, about) in names() {
            assert_eq!(format(name, &options(name)).unwrap().name(), name);
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
            Some("one of text, json, csv, regex, combined, common")
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
}
