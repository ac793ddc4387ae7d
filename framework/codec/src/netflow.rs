//! NetFlow 5 and 9 and IPFIX: export datagrams to rows of Apache Spot's table `flow`.
//!
//! A datagram has many flows, and what a flow of NetFlow 9 or IPFIX looks like is said by a **template**
//! that its exporter sent before. So this is no [`crate::Format`]: a [`Collector`] is given the datagrams
//! in the order in which they came, keeps each exporter's templates, and gives batches of rows.
//!
//! The columns are those of [`crate::flow`].
//!
//! Whatever cannot be read has a reason in [`Taken::unreadable`]: a datagram that is none, flows whose
//! template did not come yet, and datagrams that the exporter sent and nobody received, which its sequence
//! numbers tell. One that comes late, behind another, counts as missing before, and is read all the same.
//!
//! What hostile input can cost: 1,024 exporters are kept, each with templates of 8,192 fields together at most:
//! about 200 MB. Work is linear in a datagram's length.

mod exporter;
mod packet;
mod template;

use std::net::IpAddr;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, SchemaRef};

use crate::CodecError;
use crate::flow::{Flow, Part, Receipt, Seconds, columns, parts};
use crate::rows::Rows;
use exporter::Exporters;

const NAME: &str = "netflow";

/// Turns datagrams into rows.
pub struct Collector {
    exporters: Exporters,
    table: Table,
    unreadable: Vec<String>,
}

/// What came of the datagrams since the last batch.
#[derive(Debug)]
pub struct Taken {
    /// A row for each flow.
    pub rows: RecordBatch,
    /// Why something gave no row.
    pub unreadable: Vec<String>,
}

/// A datagram as it was received.
#[derive(Debug, Clone, Copy)]
pub struct Datagram<'a> {
    /// Who sent it.
    pub exporter: IpAddr,
    /// When it was received, in microseconds since 1970-01-01 UTC.
    pub received: i64,
    /// What is in it.
    pub bytes: &'a [u8],
}

impl Collector {
    /// A collector that has seen nothing, of just these columns, or all.
    ///
    /// # Errors
    /// A column that there is not.
    pub fn try_new(asked: Option<&[String]>) -> Result<Self, CodecError> {
        let all = columns();
        let unknown = |name: &String| CodecError::UnknownColumn {
            format: NAME,
            column: name.clone(),
            known: all.iter().map(|field| field.name().clone()).collect(),
        };
        let wanted: Vec<Field> = match asked {
            None => all.iter().map(|field| field.as_ref().clone()).collect(),
            Some(names) => {
                for name in names {
                    all.find(name).ok_or_else(|| unknown(name))?;
                }
                let is_wanted = |field: &&std::sync::Arc<Field>| names.contains(field.name());
                let wanted = all.iter().filter(is_wanted);
                wanted.map(|field| field.as_ref().clone()).collect()
            }
        };
        Ok(Collector {
            exporters: Exporters::default(),
            table: Table::try_new(&wanted)?,
            unreadable: Vec::new(),
        })
    }

    /// The schema of the rows.
    pub fn schema(&self) -> SchemaRef {
        self.table.rows.schema()
    }

    /// Reads a datagram.
    pub fn read(&mut self, datagram: &Datagram<'_>) {
        packet::read(
            datagram,
            &mut self.exporters,
            &mut self.table,
            &mut self.unreadable,
        );
    }

    /// How many rows there are to take.
    pub fn n_rows(&self) -> usize {
        self.table.n_rows
    }

    /// The rows and reasons since the last time.
    pub fn take(&mut self) -> Taken {
        Taken {
            rows: self.table.take(),
            unreadable: std::mem::take(&mut self.unreadable),
        }
    }
}

/// The rows as they grow.
struct Table {
    parts: Vec<Part>,
    rows: Rows,
    n_rows: usize,
    seconds: Seconds,
    /// Where a text is put together.
    text: Vec<u8>,
}

impl Table {
    fn try_new(fields: &[Field]) -> Result<Self, CodecError> {
        let mut table = Table {
            parts: parts(NAME, fields)?,
            rows: Rows::try_new(NAME, fields)?,
            n_rows: 0,
            seconds: Seconds::default(),
            text: Vec::new(),
        };
        table.rows.start(0, &[]);
        Ok(table)
    }

    fn push(&mut self, datagram: &Datagram<'_>, flow: &Flow) {
        self.seconds.set(datagram.received);
        let receipt = Receipt {
            exporter: Some(datagram.exporter),
            protocol: None,
            micros: datagram.received,
            seconds: &self.seconds,
        };
        for (part, column) in self.parts.iter().zip(&mut self.rows.columns) {
            flow.push(*part, &receipt, &mut self.text, column);
        }
        self.n_rows += 1;
    }

    fn take(&mut self) -> RecordBatch {
        let rows = self.rows.take(self.n_rows);
        self.n_rows = 0;
        self.rows.start(0, &[]);
        rows
    }
}

#[cfg(test)]
mod tests;
