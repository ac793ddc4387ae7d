//! The bodies of bulk requests: for each document a line with its id, and a line with itself.
//!
//! A body is filled up to a size in bytes, straight from the columns into one buffer that is used
//! again for the next. Where each document ends is kept, so that a body that a server finds too large
//! is sent in halves without being written anew.

use bytes::Bytes;
use datashark_sdk::Result;
use datashark_sdk::document::{DocumentNames, Documents};
use datashark_sdk::output::FindingsBatch;

use crate::index::IndexName;
use crate::options::Operation;

/// What bodies are made by.
#[derive(Debug, Clone)]
pub(crate) struct BulkWriter {
    pub(crate) index: IndexName,
    pub(crate) names: DocumentNames,
    pub(crate) operation: Operation,
    /// The most bytes of a body, unless a single document has more.
    pub(crate) bytes_max: usize,
    /// The most documents of a body.
    pub(crate) documents_max: usize,
}

/// A finding's place among those of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) batch: usize,
    pub(crate) row: usize,
}

/// Documents for one index.
#[derive(Debug, Default)]
pub(crate) struct Bulk {
    pub(crate) index: String,
    body: Vec<u8>,
    /// Where each document's lines end in the body.
    ends: Vec<usize>,
}

impl BulkWriter {
    /// Fills a body with the documents from a place on; gives the place behind the last of them.
    ///
    /// # Errors
    /// A column is of a type that no document can show.
    pub(crate) fn fill(
        &self,
        bulk: &mut Bulk,
        batches: &[FindingsBatch],
        from: Place,
    ) -> Result<Place> {
        bulk.body.clear();
        bulk.ends.clear();
        bulk.index.clear();
        let mut place = from;
        while let Some(batch) = batches.get(place.batch) {
            let index = self.index.on(batch.time);
            if bulk.index.is_empty() {
                bulk.index = index;
            } else if bulk.index != index {
                return Ok(place);
            }
            let mut documents = Documents::try_new(batch, &self.names)?;
            for row in place.row..batch.findings.len() {
                let start = bulk.body.len();
                self.write(&mut documents, &batch.ids[row], row, &mut bulk.body);
                let is_full =
                    bulk.body.len() > self.bytes_max || bulk.ends.len() >= self.documents_max;
                if is_full && !bulk.ends.is_empty() {
                    bulk.body.truncate(start);
                    return Ok(Place { row, ..place });
                }
                bulk.ends.push(bulk.body.len());
            }
            place = Place {
                batch: place.batch + 1,
                row: 0,
            };
        }
        Ok(place)
    }

    fn write(&self, documents: &mut Documents<'_>, id: &str, row: usize, body: &mut Vec<u8>) {
        let action: &[u8] = match self.operation {
            Operation::Index => b"{\"index\":{\"_id\":",
            Operation::Create => b"{\"create\":{\"_id\":",
        };
        body.extend_from_slice(action);
        // An id is hexadecimal digits; escaped all the same, so that none could end the line.
        let _ = serde_json::to_writer(&mut *body, id);
        body.extend_from_slice(b"}}\n");
        documents.encode(row, body);
        body.push(b'\n');
    }
}

impl Bulk {
    /// How many documents there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Takes the body, to be sent; [`Bulk::give_back`] saves the next one its memory.
    pub(crate) fn take(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.body))
    }

    /// Takes the memory of a body that was sent.
    pub(crate) fn give_back(&mut self, body: Bytes) {
        if body.is_unique() {
            self.body = body.into();
        }
    }

    /// The part of a body with these documents.
    pub(crate) fn part(&self, body: &Bytes, documents: std::ops::Range<usize>) -> Bytes {
        let start = match documents.start {
            0 => 0,
            n => self.ends[n - 1],
        };
        let end = documents
            .end
            .checked_sub(1)
            .map_or(0, |last| self.ends[last]);
        body.slice(start..end.max(start))
    }
}

#[cfg(test)]
mod tests;
