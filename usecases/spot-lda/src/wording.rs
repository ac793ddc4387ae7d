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
use crate::word::{DnsWords, ProxyWords};

/// How the records of one kind become words.
#[derive(Debug, Clone)]
pub struct Wording {
    /// What the records are of.
    pub kind: Kind,
    /// By which rules.
    pub words: Words,
    classes: Arc<Classes>,
    zone: Tz,
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
        }
    }

    /// Makes words of DNS answers.
    pub(crate) fn dns(&self) -> DnsWords {
        DnsWords::new(self.words, Arc::clone(&self.classes), self.zone)
    }

    /// Makes words of requests.
    pub(crate) fn proxy(&self) -> ProxyWords {
        ProxyWords::new(self.words, Arc::clone(&self.classes))
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
