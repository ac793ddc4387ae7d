//! How the records of one kind become words: settings and lists that do not change while records come.

use std::sync::Arc;

use arrow::array::RecordBatch;
use chrono_tz::Tz;
use datashark_sdk::Refused;

use crate::columns::{Answers, Requests};
use crate::domain::{Classes, TopDomains};
use crate::kind::Kind;
use crate::settings::{Settings, Words};
use crate::valid::{invalid, refused};
use crate::word::{DnsWords, Flow, FlowWord, ProxyWords};

/// How the records of one kind become words.
#[derive(Debug, Clone)]
pub struct Wording {
    /// What the records are of.
    pub kind: Kind,
    /// By which rules.
    pub words: Words,
    classes: Arc<Classes>,
    zone: Tz,
    /// How long the parts of the day are.
    n_hours: u8,
}

impl Wording {
    /// As these settings say, with these well-known domains.
    pub fn new(settings: &Settings, top: TopDomains) -> Self {
        let classes = Classes::new(settings.words, top, settings.user_domains.clone());
        let classes = match settings.kind {
            Kind::Proxy => classes.of_proxy(),
            Kind::Flow | Kind::Dns => classes,
        };
        Wording {
            kind: settings.kind,
            words: settings.words,
            classes: Arc::new(classes),
            zone: settings.zone,
            n_hours: settings.hours,
        }
    }

    /// The words of a valid flow.
    #[inline]
    pub(crate) fn flow<'a>(&self, flow: &Flow<'a>) -> FlowWord<'a> {
        let mut word = FlowWord::of(flow, self.words);
        word.hour -= word.hour % i64::from(self.n_hours.max(1));
        word
    }

    /// What a word's hour says.
    pub(crate) fn hours_of(&self, hour: i64) -> String {
        match self.n_hours {
            24 => "any".to_owned(),
            0 | 1 => hour.to_string(),
            n_hours => format!("{hour} to {}", hour + i64::from(n_hours) - 1),
        }
    }

    /// Makes words of DNS answers.
    pub(crate) fn dns(&self) -> DnsWords {
        DnsWords::new(self.words, Arc::clone(&self.classes), self.zone).with_hours(self.n_hours)
    }

    /// Makes words of requests.
    pub(crate) fn proxy(&self) -> ProxyWords {
        ProxyWords::new(self.words, Arc::clone(&self.classes)).with_hours(self.n_hours)
    }

    /// The rows that are not valid, and the corrupt ones: valid, but no word can be made of them.
    pub(crate) fn refused(&self, batch: &RecordBatch) -> Vec<Refused> {
        let mut found = invalid(self.kind, self.words, batch);
        // Hours of flows are numbers, which were looked at.
        if self.kind == Kind::Flow {
            return found;
        }
        let mut is_valid = vec![true; batch.num_rows()];
        for refused in &found {
            is_valid[refused.row] = false;
        }
        let valid = (0..batch.num_rows()).filter(|row| is_valid[*row]);
        let corrupt = match self.kind {
            Kind::Flow => Vec::new(),
            Kind::Dns => {
                let (answers, words) = (Answers::of(batch), self.dns());
                refused(valid, |row| words.hour(&answers.answer(row)).map(|_| ()))
            }
            Kind::Proxy => {
                let (requests, words) = (Requests::of(batch), self.proxy());
                refused(valid, |row| words.hour(&requests.request(row)).map(|_| ()))
            }
        };
        found.extend(corrupt.into_iter().map(|refused| Refused {
            reason: format!("corrupt: {}", refused.reason),
            ..refused
        }));
        found
    }
}
