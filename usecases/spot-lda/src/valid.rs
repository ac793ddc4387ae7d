//! Which records count, and what is wrong with those that do not.
//!
//! Spot 1.1 lost some invalid records without a trace; here a record that is not valid is invalid,
//! and says why.

use arrow::array::RecordBatch;
use datashark_sdk::Refused;

use crate::columns::{Answers, Flows, Numbers, Requests, Texts};
use crate::kind::Kind;
use crate::settings::Words;

/// The highest port that there is.
const MAX_PORT: i64 = 65_535;

type Wrong = Result<(), &'static str>;

/// The rows of a batch that are not valid, each with the reason.
pub(crate) fn invalid(kind: Kind, words: Words, batch: &RecordBatch) -> Vec<Refused> {
    let rows = 0..batch.num_rows();
    match kind {
        Kind::Flow => {
            let flows = Flows::of(batch);
            refused(rows, |row| flow(&flows, row, words))
        }
        Kind::Dns => {
            let answers = Answers::of(batch);
            refused(rows, |row| dns(&answers, row))
        }
        Kind::Proxy => {
            let requests = Requests::of(batch);
            refused(rows, |row| proxy(&requests, row, words))
        }
    }
}

/// The rows that are wrong.
pub(crate) fn refused(
    rows: impl Iterator<Item = usize>,
    check: impl Fn(usize) -> Wrong,
) -> Vec<Refused> {
    let refused = |row| {
        let reason = check(row).err()?;
        let reason = reason.to_owned();
        Some(Refused { row, reason })
    };
    rows.filter_map(refused).collect()
}

#[inline]
fn flow(flows: &Flows<'_>, row: usize, words: Words) -> Wrong {
    in_range(&flows.hour, row, 23, "`trhour` is not one of 0 to 23")?;
    in_range(&flows.minute, row, 59, "`trminute` is not one of 0 to 59")?;
    in_range(&flows.second, row, 59, "`trsec` is not one of 0 to 59")?;
    there(&flows.treceived, row, "`treceived` is missing")?;
    address(&flows.sip, row, words, "`sip` is missing")?;
    address(&flows.dip, row, words, "`dip` is missing")?;
    let last_port = match words {
        Words::Spot11 => i64::from(i32::MAX),
        Words::V2 => MAX_PORT,
    };
    in_range(
        &flows.sport,
        row,
        last_port,
        "`sport` is missing or no port",
    )?;
    in_range(
        &flows.dport,
        row,
        last_port,
        "`dport` is missing or no port",
    )?;
    in_range(&flows.ibyt, row, i64::MAX, "`ibyt` is missing or below 0")?;
    in_range(&flows.ipkt, row, i64::MAX, "`ipkt` is missing or below 0")
}

fn dns(answers: &Answers<'_>, row: usize) -> Wrong {
    filled(&answers.frame_time, row, "`frame_time` is missing")?;
    in_range(
        &answers.unix_tstamp,
        row,
        i64::MAX,
        "`unix_tstamp` is missing or below 0",
    )?;
    in_range(
        &answers.frame_len,
        row,
        i64::MAX,
        "`frame_len` is missing or below 0",
    )?;
    filled(&answers.name, row, "`dns_qry_name` is missing")?;
    if answers.name.get(row) == Some("(empty)") {
        return Err("`dns_qry_name` is empty");
    }
    filled(&answers.ip_dst, row, "`ip_dst` is missing")?;
    let is_asked = filled(&answers.class, row, "").is_ok()
        || answers.query_type.get(row).is_some()
        || answers.rcode.get(row).is_some_and(|rcode| rcode >= 0);
    match is_asked {
        true => Ok(()),
        false => Err("`dns_qry_class`, `dns_qry_type` and `dns_qry_rcode` are all missing"),
    }
}

fn proxy(requests: &Requests<'_>, row: usize, words: Words) -> Wrong {
    there(&requests.date, row, "`p_date` is missing")?;
    there(&requests.time, row, "`p_time` is missing")?;
    address(&requests.clientip, row, words, "`clientip` is missing")?;
    there(&requests.host, row, "`host` is missing")?;
    there(&requests.uri, row, "`fulluri` is missing")
}

#[inline]
fn in_range(column: &Numbers<'_>, row: usize, most: i64, wrong: &'static str) -> Wrong {
    match column.get(row) {
        Some(value) if (0..=most).contains(&value) => Ok(()),
        _ => Err(wrong),
    }
}

#[inline]
fn there(column: &Texts<'_>, row: usize, wrong: &'static str) -> Wrong {
    column.get(row).map(|_| ()).ok_or(wrong)
}

/// Present, and with `v2` not empty.
#[inline]
fn address(column: &Texts<'_>, row: usize, words: Words, wrong: &'static str) -> Wrong {
    match column.get(row) {
        Some("") if words == Words::V2 => Err(wrong),
        Some(_) => Ok(()),
        None => Err(wrong),
    }
}

/// Present, and neither empty nor the dash that stands for nothing.
fn filled(column: &Texts<'_>, row: usize, wrong: &'static str) -> Wrong {
    match column.get(row) {
        None | Some("" | "-") => Err(wrong),
        Some(_) => Ok(()),
    }
}
