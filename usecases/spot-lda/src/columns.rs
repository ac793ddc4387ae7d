//! The columns of a batch, each downcast once, and its records one by one.

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::Int64Type;

use crate::word::{Dns, Flow, Proxy};

/// A column of text.
pub(crate) struct Texts<'a>(&'a StringViewArray);

/// A column of whole numbers.
pub(crate) struct Numbers<'a>(&'a Int64Array);

impl<'a> Texts<'a> {
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<&'a str> {
        self.0.is_valid(row).then(|| self.0.value(row))
    }
}

impl Numbers<'_> {
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<i64> {
        self.0.is_valid(row).then(|| self.0.value(row))
    }
}

/// # Panics
/// The batch lacks the column: the engine broke its word.
fn text<'a>(batch: &'a RecordBatch, name: &str) -> Texts<'a> {
    let column = batch.column_by_name(name);
    let column = column.and_then(|column| column.as_string_view_opt());
    Texts(column.expect("the engine gives the columns of text that were asked for"))
}

/// # Panics
/// As [`text`].
fn number<'a>(batch: &'a RecordBatch, name: &str) -> Numbers<'a> {
    let column = batch.column_by_name(name);
    let column = column.and_then(|column| column.as_primitive_opt::<Int64Type>());
    Numbers(column.expect("the engine gives the columns of numbers that were asked for"))
}

/// The columns of flows.
pub(crate) struct Flows<'a> {
    pub(crate) treceived: Texts<'a>,
    pub(crate) hour: Numbers<'a>,
    pub(crate) minute: Numbers<'a>,
    pub(crate) second: Numbers<'a>,
    pub(crate) sip: Texts<'a>,
    pub(crate) dip: Texts<'a>,
    pub(crate) sport: Numbers<'a>,
    pub(crate) dport: Numbers<'a>,
    pub(crate) proto: Texts<'a>,
    pub(crate) ipkt: Numbers<'a>,
    pub(crate) ibyt: Numbers<'a>,
}

impl<'a> Flows<'a> {
    pub(crate) fn of(batch: &'a RecordBatch) -> Self {
        Flows {
            treceived: text(batch, "treceived"),
            hour: number(batch, "trhour"),
            minute: number(batch, "trminute"),
            second: number(batch, "trsec"),
            sip: text(batch, "sip"),
            dip: text(batch, "dip"),
            sport: number(batch, "sport"),
            dport: number(batch, "dport"),
            proto: text(batch, "proto"),
            ipkt: number(batch, "ipkt"),
            ibyt: number(batch, "ibyt"),
        }
    }

    /// What the words of a valid row are made of.
    #[inline]
    pub(crate) fn flow(&self, row: usize) -> Flow<'a> {
        let number = |column: &Numbers<'_>| column.get(row).unwrap_or_default();
        Flow {
            hour: number(&self.hour),
            sport: number(&self.sport),
            dport: number(&self.dport),
            proto: self.proto.get(row),
            ibyt: number(&self.ibyt),
            ipkt: number(&self.ipkt),
        }
    }
}

/// The columns of DNS answers.
pub(crate) struct Answers<'a> {
    pub(crate) frame_time: Texts<'a>,
    pub(crate) unix_tstamp: Numbers<'a>,
    pub(crate) frame_len: Numbers<'a>,
    pub(crate) ip_dst: Texts<'a>,
    pub(crate) name: Texts<'a>,
    pub(crate) class: Texts<'a>,
    pub(crate) query_type: Numbers<'a>,
    pub(crate) rcode: Numbers<'a>,
}

impl<'a> Answers<'a> {
    pub(crate) fn of(batch: &'a RecordBatch) -> Self {
        Answers {
            frame_time: text(batch, "frame_time"),
            unix_tstamp: number(batch, "unix_tstamp"),
            frame_len: number(batch, "frame_len"),
            ip_dst: text(batch, "ip_dst"),
            name: text(batch, "dns_qry_name"),
            class: text(batch, "dns_qry_class"),
            query_type: number(batch, "dns_qry_type"),
            rcode: number(batch, "dns_qry_rcode"),
        }
    }

    /// What the word of a valid row is made of, with Spot's defaults.
    pub(crate) fn answer(&self, row: usize) -> Dns<'a> {
        Dns {
            frame_time: self.frame_time.get(row).unwrap_or_default(),
            unix_tstamp: self.unix_tstamp.get(row).unwrap_or_default(),
            frame_len: self.frame_len.get(row).unwrap_or_default(),
            name: self.name.get(row).unwrap_or_default(),
            query_type: self.query_type.get(row).unwrap_or(-1),
            rcode: self.rcode.get(row).unwrap_or(-1),
        }
    }
}

/// The columns of a proxy's requests.
pub(crate) struct Requests<'a> {
    pub(crate) date: Texts<'a>,
    pub(crate) time: Texts<'a>,
    pub(crate) clientip: Texts<'a>,
    pub(crate) host: Texts<'a>,
    pub(crate) method: Texts<'a>,
    pub(crate) agent: Texts<'a>,
    pub(crate) content_type: Texts<'a>,
    pub(crate) code: Texts<'a>,
    pub(crate) uri: Texts<'a>,
}

impl<'a> Requests<'a> {
    pub(crate) fn of(batch: &'a RecordBatch) -> Self {
        Requests {
            date: text(batch, "p_date"),
            time: text(batch, "p_time"),
            clientip: text(batch, "clientip"),
            host: text(batch, "host"),
            method: text(batch, "reqmethod"),
            agent: text(batch, "useragent"),
            content_type: text(batch, "resconttype"),
            code: text(batch, "respcode"),
            uri: text(batch, "fulluri"),
        }
    }

    /// What the word of a valid row is made of, with Spot's defaults.
    pub(crate) fn request(&self, row: usize) -> Proxy<'a> {
        Proxy {
            time: self.time.get(row).unwrap_or_default(),
            host: self.host.get(row).unwrap_or_default(),
            method: self.method.get(row),
            content_type: self.content_type.get(row).unwrap_or(MISSING),
            code: self.code.get(row),
            uri: self.uri.get(row).unwrap_or_default(),
        }
    }

    /// The user agent of a valid row.
    pub(crate) fn agent(&self, row: usize) -> &'a str {
        self.agent.get(row).unwrap_or(MISSING)
    }
}

/// What Spot writes for a missing user agent and content type.
pub(crate) const MISSING: &str = "-";
