//! Which records count, and in which windows.

use arrow::datatypes::Field;
use datashark_conf::Kind;
use datashark_sdk::conf::{Problem, Section};
use datashark_sdk::input::{InputEntry, Source};

use super::Check;
use crate::filter::Filter;
use crate::job::BATCH_INPUT;
use crate::job::records::{Known, no_column};
use crate::run::micros;
use crate::window::{Windowing, Windows};

/// A streaming use case's window where its conf says none: what web anomaly detection always had.
const DEFAULT_WINDOW_MICROS: i64 = 60_000_000;

impl Check<'_> {
    pub(super) fn windowing(&mut self) -> Option<Windowing> {
        if self.conf.kind == Kind::Batch {
            if self.conf.window.is_some() {
                let message = "`window` has no use in a batch: it is one window over everything";
                self.problems
                    .push(Problem::at(["window"], message).warning());
            }
            return Some(Windowing::Whole);
        }
        let size = self.conf.window.map_or(DEFAULT_WINDOW_MICROS, micros);
        let slide = self.conf.slide.map_or(size, micros);
        let windows = Windows::try_new(size, slide);
        if windows.is_none() {
            self.problem(["window"], "a window of this length cannot be kept");
        }
        windows.map(Windowing::Timed)
    }

    pub(super) fn source(&mut self, (entry, section): &(InputEntry, Section)) -> Option<Source> {
        match entry.source(section, &self.global.engine.stores) {
            Ok(source) => Some(source),
            Err(error) => {
                let key = if entry.name == BATCH_INPUT {
                    "file"
                } else {
                    "input"
                };
                self.problem([key], error.to_string());
                None
            }
        }
    }

    pub(super) fn filter(&mut self, known: &Known) -> (Filter, Vec<Field>) {
        let mut filter = Filter::default();
        let log_filter = self.conf.log_filter.clone();
        if log_filter.is_empty() {
            return (filter, Vec::new());
        }
        if !known.has_fields() {
            let help = "say with `[codec]` `format = …` how a line becomes fields";
            let message = "`[log_filter]` needs named fields, and these records are plain lines";
            self.problems
                .push(Problem::at(["log_filter"], message).help(help));
            return (filter, Vec::new());
        }
        let include = log_filter
            .include
            .iter()
            .map(|pattern| ("include", pattern));
        let exclude = log_filter
            .exclude
            .iter()
            .map(|pattern| ("exclude", pattern));
        let mut columns: Vec<Field> = Vec::new();
        for (part, pattern) in include.chain(exclude) {
            let added = match part {
                "include" => filter.include(&pattern.key, &pattern.regex),
                _ => filter.exclude(&pattern.key, &pattern.regex),
            };
            if let Err(error) = added {
                self.problem(["log_filter", part, &pattern.key], error.to_string());
            }
            match known.filter_column(&pattern.key) {
                Ok(column) if columns.contains(&column) => {}
                Ok(column) => columns.push(column),
                Err(known) => {
                    let path = ["log_filter", part, &pattern.key];
                    self.problems.push(no_column(path, &pattern.key, &known));
                }
            }
        }
        (filter, columns)
    }
}
