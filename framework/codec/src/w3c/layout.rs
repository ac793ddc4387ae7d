//! Which field each column is, as the directives say.

use datashark_sdk::conf::nearest;
use datashark_sdk::input::Directives;

use super::KNOWN;
use crate::known_columns::{find, names};

/// How lines are read.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) n_fields: usize,
    /// What each asked column comes from.
    pub(super) sources: Vec<Source>,
    /// The day of the `#Date` line.
    pub(super) day: Option<Box<str>>,
}

/// What a column comes from: indices of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The file does not have it.
    Missing,
    /// A field.
    Field(usize),
    /// A field without `HTTP/`.
    Version(usize),
    /// A time of day, and its date where that is a field.
    Time { date: Option<usize>, time: usize },
    /// A path, and its query where there is such a field.
    Url { path: usize, query: Option<usize> },
}

impl Layout {
    /// What the directives say of the asked columns; `fields` are those of the conf.
    pub(super) fn read(
        directives: &Directives,
        fields: &[String],
        asked: &[String],
    ) -> Result<Self, String> {
        let of_file = fields_of(directives);
        let fields = of_file.as_deref().unwrap_or(fields);
        if fields.is_empty() {
            return Err("no `#Fields` line stands before it".to_owned());
        }
        let text = |kind| directives.get(kind).map(String::from_utf8_lossy);
        let day = text("Date").or_else(|| text("Start-Date"));
        let day = day.and_then(|line| {
            let day = line
                .trim_start_matches(':')
                .split_ascii_whitespace()
                .next()?;
            crate::timestamp::rfc3339(day.as_bytes()).map(|_| day.into())
        });
        let sources = asked.iter().map(|name| source(name, fields));
        Ok(Layout {
            n_fields: fields.len(),
            sources: sources.collect::<Result<_, _>>()?,
            day,
        })
    }
}

/// The fields that the `#Fields` line names.
pub(super) fn fields_of(directives: &Directives) -> Option<Vec<String>> {
    let line = String::from_utf8_lossy(directives.get("Fields")?);
    let names = line.trim_start_matches(':').split_ascii_whitespace();
    Some(names.map(str::to_owned).collect())
}

/// What a column comes from. One that formats share may be missing, the file's own may not.
fn source(name: &str, fields: &[String]) -> Result<Source, String> {
    let place = |name: &str| {
        let is_named = |field: &String| field.eq_ignore_ascii_case(name);
        fields.iter().position(is_named)
    };
    let found = names(&KNOWN, name).into_iter().find_map(place);
    if let Some(idx) = found {
        return Ok(match name {
            "http_version" => Source::Version(idx),
            _ => Source::Field(idx),
        });
    }
    if find(&KNOWN, name).is_none() {
        return Err(match nearest(name, fields) {
            Some(near) => format!("the file has no field `{name}`, did you mean `{near}`?"),
            None => format!(
                "the file has no field `{name}`; it has {}",
                fields.join(", ")
            ),
        });
    }
    let path = || place("cs-uri-stem").or_else(|| place("cs-uri-path"));
    Ok(match name {
        "timestamp" => place("time").map_or(Source::Missing, |time| Source::Time {
            date: place("date"),
            time,
        }),
        "url_original" => path().map_or(Source::Missing, |path| Source::Url {
            path,
            query: place("cs-uri-query"),
        }),
        _ => Source::Missing,
    })
}
