//! Export datagrams: headers, and the sets or flows behind them.

use std::net::IpAddr;

use super::exporter::{Exporter, Exporters};
use super::template::{Clock, Template};
use super::{Datagram, Table};
use crate::flow::Flow;

/// What NetFlow 5's header and each of its flows take.
const V5_HEADER: usize = 24;
const V5_FLOW: usize = 48;

/// What the headers of NetFlow 9 and IPFIX take.
const V9_HEADER: usize = 20;
const IPFIX_HEADER: usize = 16;

/// What the header of a set takes.
const SET_HEADER: usize = 4;

/// The bit of an element's number that says that its enterprise follows.
const ENTERPRISE: u16 = 0x8000;

/// Reads a datagram into the table: a message, or several of the same version one behind the other.
pub(super) fn read(
    datagram: &Datagram<'_>,
    exporters: &mut Exporters,
    table: &mut Table,
    unreadable: &mut Vec<String>,
) {
    let mut rest = datagram.bytes;
    let version = word(rest, 0).unwrap_or(0);
    loop {
        let message = Datagram {
            bytes: rest,
            ..*datagram
        };
        let read = match word(rest, 0) {
            Some(5) if version == 5 => v5(&message, exporters, table, unreadable),
            Some(9) if version == 9 => v9(&message, exporters, table, unreadable),
            Some(10) if version == 10 => ipfix(&message, exporters, table, unreadable),
            other => Err(format!(
                "version {} is not read; 5, 9 and 10 (IPFIX) are",
                other.unwrap_or(0)
            )),
        };
        match read {
            Ok(n_read) => rest = &rest[n_read..],
            Err(reason) => {
                let (n, from) = (datagram.bytes.len(), datagram.exporter);
                unreadable.push(format!("a datagram of {n} bytes of {from}: {reason}"));
                return;
            }
        }
        if rest.is_empty() {
            return;
        }
    }
}

/// Reads a message; says how many bytes it has, as the others do.
fn v5(
    datagram: &Datagram<'_>,
    exporters: &mut Exporters,
    table: &mut Table,
    unreadable: &mut Vec<String>,
) -> Result<usize, String> {
    let bytes = datagram.bytes;
    let header = bytes
        .get(..V5_HEADER)
        .ok_or("NetFlow 5's header has 24 bytes")?;
    let n_flows = word(header, 2).unwrap_or(0);
    let end = V5_HEADER + V5_FLOW * usize::from(n_flows);
    let flows = bytes.get(V5_HEADER..end);
    let flows = flows.ok_or_else(|| format!("with {n_flows} flows it has {end} bytes"))?;
    let at = |place| long(header, place).unwrap_or(0);
    let exported = i64::from(at(8)) * 1_000_000 + i64::from(at(12)) / 1_000;
    let booted = exported - i64::from(at(4)) * 1_000;
    let engine = word(header, 20).unwrap_or(0);
    let sampling = word(header, 22).unwrap_or(0) & 0x3FFF;
    let exporter = exporters.of((datagram.exporter, 5, engine.into()));
    let n_missing = exporter.count(at(16), n_flows.into());
    if n_missing > 0 {
        unreadable.push(missing(n_missing, "flows", datagram.exporter));
    }
    for flow in flows.chunks_exact(V5_FLOW) {
        let mut flow = v5_flow(flow, booted);
        flow.sampling = Some(sampling.into()).filter(|interval| *interval > 0);
        table.push(datagram, &flow);
    }
    Ok(end)
}

fn v5_flow(bytes: &[u8], booted: i64) -> Flow {
    let short = |place| word(bytes, place).unwrap_or(0);
    let address = |place| IpAddr::from(long(bytes, place).unwrap_or(0).to_be_bytes());
    let time = |place| booted + i64::from(long(bytes, place).unwrap_or(0)) * 1_000;
    Flow {
        source: Some(address(0)),
        destination: Some(address(4)),
        input: Some(short(12).into()),
        output: Some(short(14).into()),
        packets_in: long(bytes, 16).unwrap_or(0).into(),
        bytes_in: long(bytes, 20).unwrap_or(0).into(),
        start: Some(time(24)),
        end: Some(time(28)),
        source_port: Some(short(32)),
        destination_port: Some(short(34)),
        flags: bytes.get(37).copied(),
        protocol: bytes.get(38).copied(),
        service: bytes.get(39).copied(),
        source_as: Some(short(40).into()),
        destination_as: Some(short(42).into()),
        ..Flow::default()
    }
}

fn v9(
    datagram: &Datagram<'_>,
    exporters: &mut Exporters,
    table: &mut Table,
    unreadable: &mut Vec<String>,
) -> Result<usize, String> {
    let header = datagram
        .bytes
        .get(..V9_HEADER)
        .ok_or("NetFlow 9's header has 20 bytes")?;
    let at = |place| long(header, place).unwrap_or(0);
    let exported = i64::from(at(8)) * 1_000_000;
    let exporter = exporters.of((datagram.exporter, 9, at(16)));
    let n_missing = exporter.count(at(12), 1);
    if n_missing > 0 {
        unreadable.push(missing(n_missing, "datagrams", datagram.exporter));
    }
    let mut message = Message {
        datagram,
        exporter,
        table,
        unreadable,
        clock: Clock {
            exported,
            booted: Some(exported - i64::from(at(4)) * 1_000),
        },
        is_ipfix: false,
        n_records: Some(0),
    };
    message.sets(&datagram.bytes[V9_HEADER..])?;
    Ok(datagram.bytes.len())
}

fn ipfix(
    datagram: &Datagram<'_>,
    exporters: &mut Exporters,
    table: &mut Table,
    unreadable: &mut Vec<String>,
) -> Result<usize, String> {
    let bytes = datagram.bytes;
    let header = bytes
        .get(..IPFIX_HEADER)
        .ok_or("IPFIX's header has 16 bytes")?;
    let len = usize::from(word(header, 2).unwrap_or(0));
    let sets = bytes.get(IPFIX_HEADER..len);
    let sets = sets.ok_or_else(|| format!("its header says that it has {len} bytes"))?;
    let at = |place| long(header, place).unwrap_or(0);
    let exporter = exporters.of((datagram.exporter, 10, at(12)));
    let mut message = Message {
        datagram,
        exporter,
        table,
        unreadable,
        clock: Clock {
            exported: i64::from(at(4)) * 1_000_000,
            booted: None,
        },
        is_ipfix: true,
        n_records: Some(0),
    };
    let result = message.sets(sets);
    // Its numbers count records; where some could not be counted, they begin anew.
    match message.n_records.filter(|_| result.is_ok()) {
        Some(n_records) => {
            let n_missing = message.exporter.count(at(8), n_records);
            if n_missing > 0 {
                unreadable.push(missing(n_missing, "flows", datagram.exporter));
            }
        }
        None => message.exporter.begin_anew(),
    }
    result.map(|()| len)
}

/// A datagram of NetFlow 9 or IPFIX that is being read.
struct Message<'a> {
    datagram: &'a Datagram<'a>,
    exporter: &'a mut Exporter,
    table: &'a mut Table,
    unreadable: &'a mut Vec<String>,
    clock: Clock,
    is_ipfix: bool,
    /// Data records so far; `None` once some could not be counted.
    n_records: Option<u32>,
}

impl Message<'_> {
    fn sets(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while let (Some(id), Some(len)) = (word(bytes, 0), word(bytes, 2)) {
            let set = bytes.get(SET_HEADER..usize::from(len));
            let Some(set) = set else {
                self.n_records = None;
                let n = bytes.len();
                return Err(format!("a set of {len} bytes where {n} are left"));
            };
            bytes = &bytes[usize::from(len)..];
            match (id, self.is_ipfix) {
                (0, false) | (2, true) => self.templates(set)?,
                (1, false) => self.v9_options(set)?,
                (3, true) => self.ipfix_options(set)?,
                (256.., _) => self.data(id, set),
                // Reserved; nobody sends them.
                _ => {}
            }
        }
        Ok(())
    }

    fn templates(&mut self, mut set: &[u8]) -> Result<(), String> {
        while let (Some(id), Some(n)) = (word(set, 0), word(set, 2)) {
            // What is left may be padding.
            if id < 256 && !(self.is_ipfix && n == 0) {
                return Ok(());
            }
            set = &set[4..];
            if n == 0 && self.is_ipfix {
                self.exporter.forget(Some(id).filter(|id| *id >= 256));
                continue;
            }
            let fields = self.fields(&mut set, n, 0)?;
            self.exporter.learn(id, Template::of(fields, false))?;
        }
        Ok(())
    }

    fn v9_options(&mut self, mut set: &[u8]) -> Result<(), String> {
        while let (Some(id), Some(scope), Some(options)) =
            (word(set, 0), word(set, 2), word(set, 4))
        {
            if id < 256 {
                return Ok(());
            }
            set = &set[6..];
            let (n_scope, n) = (scope / 4, options / 4);
            let fields = self.fields(&mut set, n_scope.saturating_add(n), n_scope)?;
            self.exporter.learn(id, Template::of(fields, true))?;
        }
        Ok(())
    }

    fn ipfix_options(&mut self, mut set: &[u8]) -> Result<(), String> {
        while let (Some(id), Some(n)) = (word(set, 0), word(set, 2)) {
            if n == 0 {
                set = &set[4..];
                self.exporter.forget(Some(id).filter(|id| *id >= 256));
                continue;
            }
            if id < 256 || set.len() < 6 {
                return Ok(());
            }
            set = &set[6..];
            let fields = self.fields(&mut set, n, 0)?;
            self.exporter.learn(id, Template::of(fields, true))?;
        }
        Ok(())
    }

    /// The fields of a template; the first `n_scope` are numbered otherwise, and are not read.
    fn fields(
        &self,
        set: &mut &[u8],
        n: u16,
        n_scope: u16,
    ) -> Result<Vec<(u16, Option<u32>, u16)>, String> {
        let mut fields = Vec::new();
        for idx in 0..n {
            let cut = "a template is not whole";
            let (number, len) = (word(set, 0).ok_or(cut)?, word(set, 2).ok_or(cut)?);
            *set = &set[4..];
            let mut enterprise = None;
            if self.is_ipfix && number & ENTERPRISE != 0 {
                enterprise = Some(long(set, 0).ok_or(cut)?);
                *set = &set[4..];
            }
            let number = match self.is_ipfix {
                true => number & !ENTERPRISE,
                false if idx < n_scope => 0,
                false => number,
            };
            fields.push((number, enterprise, len));
        }
        Ok(fields)
    }

    fn data(&mut self, id: u16, mut set: &[u8]) {
        let Some(template) = self.exporter.template(id) else {
            self.n_records = None;
            let (n, from) = (set.len(), self.datagram.exporter);
            self.unreadable.push(format!(
                "{n} bytes of flows of {from}: their template {id} was not received yet"
            ));
            return;
        };
        let mut samplers = Vec::new();
        while !set.is_empty() && set.len() >= template.len_min() && template.len_min() > 0 {
            let Some((record, len)) = template.read(set, self.clock) else {
                break;
            };
            set = &set[len..];
            self.n_records = self.n_records.map(|n| n.wrapping_add(1));
            if template.is_options {
                samplers.extend(record.sampling_interval.map(|it| (record.sampler_id, it)));
                continue;
            }
            let mut flow = record.flow;
            let sampling = self.exporter.sampling(record.sampler_id);
            flow.sampling = record.sampling_interval.or(sampling);
            self.table.push(self.datagram, &flow);
        }
        for (sampler, interval) in samplers {
            self.exporter.sample(sampler.unwrap_or(0), interval);
        }
    }
}

fn missing(n: u32, what: &str, from: IpAddr) -> String {
    format!("{n} {what} of {from} were sent and not received, as its sequence numbers tell")
}

fn word(bytes: &[u8], place: usize) -> Option<u16> {
    let bytes = bytes.get(place..)?.first_chunk()?;
    Some(u16::from_be_bytes(*bytes))
}

fn long(bytes: &[u8], place: usize) -> Option<u32> {
    let bytes = bytes.get(place..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}
