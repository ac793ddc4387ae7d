//! Records of a partition, gathered into one block that their views share.

use arrow::array::BinaryViewArray;
use arrow::array::builder::make_view;
use arrow::buffer::Buffer;
use datashark_sdk::Result;
use datashark_sdk::input::{
    Content, InputBatch, Open, Oversized, PartitionId, Payloads, Unreadable,
};
use rdkafka::message::Message;

use crate::beside::{Beside, BesideColumn};

/// About how many bytes are given at a time, unless the engine says.
const BLOCK_BYTES: usize = 1 << 20;
/// The largest record, unless the engine says.
const RECORD_BYTES: usize = 1 << 20;
/// A view addresses less than 4 GiB; a block and a record behind it stay below.
const BYTES_MAX: usize = 1 << 30;
/// How many bytes of an oversized record are kept to show.
const HEAD_BYTES: usize = 4 << 10;
/// What a record takes beside its bytes: its view and its offset.
const PER_RECORD_BYTES: usize = size_of::<u128>() + size_of::<u64>();

/// How much to hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// About how large a block is.
    pub(crate) block_bytes: usize,
    /// A record larger than this is not held.
    pub(crate) record_bytes: usize,
}

impl Limits {
    /// What the engine asks for.
    pub(crate) fn of(open: &Open) -> Self {
        let or = |value, default| if value == 0 { default } else { value };
        Limits {
            block_bytes: or(open.block_bytes, BLOCK_BYTES).min(BYTES_MAX),
            record_bytes: or(open.max_record_bytes, RECORD_BYTES).min(BYTES_MAX),
        }
    }
}

/// Records that are to become a batch.
#[derive(Debug)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    views: Vec<u128>,
    offsets: Vec<u64>,
    beside: Option<Beside>,
    oversized: Vec<Oversized>,
    unreadable: Vec<Unreadable>,
    n_bytes: u64,
    end_offset: u64,
    /// How large the last one was: the next one's room.
    room: usize,
}

impl Block {
    /// An empty block at an offset, with these columns beside the records.
    pub(crate) fn new(start: u64, beside: &[BesideColumn]) -> Self {
        Block {
            bytes: Vec::new(),
            views: Vec::new(),
            offsets: Vec::new(),
            beside: Beside::new(beside),
            oversized: Vec::new(),
            unreadable: Vec::new(),
            n_bytes: 0,
            end_offset: start,
            room: 0,
        }
    }

    /// Where the next record is expected.
    pub(crate) fn end_offset(&self) -> u64 {
        self.end_offset
    }

    /// Whether there is nothing to give.
    pub(crate) fn is_empty(&self) -> bool {
        self.offsets.is_empty() && self.oversized.is_empty() && self.unreadable.is_empty()
    }

    /// About what it takes in memory.
    pub(crate) fn size_bytes(&self) -> usize {
        self.bytes.len()
            + self.offsets.len() * PER_RECORD_BYTES
            + self.beside.as_ref().map_or(0, Beside::size_bytes)
            + self.oversized.len() * HEAD_BYTES
            + self.unreadable.len() * size_of::<Unreadable>()
    }

    /// Adds a record.
    pub(crate) fn push(&mut self, record: &impl Message, limits: Limits) {
        // librdkafka gives no negative offset with a record.
        let offset = u64::try_from(record.offset()).unwrap_or(0);
        self.end_offset = offset + 1;
        self.n_bytes += record.key().map_or(0, <[u8]>::len) as u64;
        let Some(payload) = record.payload() else {
            let reason = "a record without a value (null)".to_owned();
            self.unreadable.push(Unreadable { offset, reason });
            return;
        };
        self.n_bytes += payload.len() as u64;
        if payload.len() > limits.record_bytes {
            self.oversized.push(Oversized {
                offset,
                line: None,
                n_bytes: payload.len() as u64,
                head: payload[..payload.len().min(HEAD_BYTES)].to_vec(),
            });
            return;
        }
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(self.room);
        }
        // A block is given before it has grown to 2 GiB.
        let place = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.views.push(make_view(payload, 0, place));
        self.bytes.extend_from_slice(payload);
        self.offsets.push(offset);
        if let Some(beside) = &mut self.beside {
            beside.push(record);
        }
    }

    /// What was gathered, as a batch; an empty one only says where the next record is expected.
    ///
    /// # Errors
    /// A defect: the views or the columns do not fit together.
    pub(crate) fn take(&mut self, partition: &PartitionId) -> Result<InputBatch> {
        self.room = self.bytes.len();
        let mut bytes = std::mem::take(&mut self.bytes);
        if bytes.capacity() > bytes.len() * 2 {
            bytes.shrink_to_fit();
        }
        let views = std::mem::take(&mut self.views);
        let records = BinaryViewArray::try_new(views.into(), vec![Buffer::from_vec(bytes)], None)?;
        let beside = self.beside.as_mut().map(Beside::take).transpose()?;
        Ok(InputBatch {
            partition: partition.clone(),
            content: Content::Payloads(Payloads {
                records,
                offsets: std::mem::take(&mut self.offsets).into(),
                header: None,
                first_line: None,
                beside,
            }),
            end_offset: self.end_offset,
            n_bytes: std::mem::take(&mut self.n_bytes),
            oversized: std::mem::take(&mut self.oversized),
            unreadable: std::mem::take(&mut self.unreadable),
            arrival: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;
    use rdkafka::Timestamp;
    use rdkafka::message::OwnedMessage;

    use super::*;

    fn record(payload: Option<&[u8]>, offset: i64) -> OwnedMessage {
        let payload = payload.map(<[u8]>::to_vec);
        OwnedMessage::new(
            payload,
            None,
            "t".into(),
            Timestamp::NotAvailable,
            0,
            offset,
            None,
        )
    }

    #[test]
    fn records_are_views_into_one_block_and_what_cannot_be_one_is_counted() {
        let limits = Limits {
            block_bytes: 100,
            record_bytes: 20,
        };
        let mut block = Block::new(3, &[]);
        let long = [b'x'; 21];
        let records: [Option<&[u8]>; 5] = [
            Some(b"short"),
            Some(b""),
            Some(b"more than 12 bytes"),
            None,
            Some(&long),
        ];
        for (payload, offset) in records.iter().zip([3, 4, 7, 8, 9]) {
            block.push(&record(*payload, offset), limits);
        }
        assert!(!block.is_empty());
        let batch = block.take(&PartitionId::new("t[0]")).unwrap();
        assert_eq!((batch.end_offset, batch.len(), batch.n_bytes), (10, 5, 44));
        assert_eq!(batch.unreadable[0].offset, 8);
        assert_eq!(
            (batch.oversized[0].offset, batch.oversized[0].n_bytes),
            (9, 21)
        );
        let Content::Payloads(payloads) = batch.content else {
            panic!("bytes")
        };
        assert_eq!(&payloads.offsets[..], &[3, 4, 7]);
        assert_eq!(payloads.records.data_buffers().len(), 1);
        let read: Vec<_> = payloads.records.iter().flatten().collect();
        assert_eq!(read, [&b"short"[..], b"", b"more than 12 bytes"]);
        assert_eq!(payloads.records.null_count(), 0);
        assert!(block.is_empty());
        assert_eq!(
            block.take(&PartitionId::new("t[0]")).unwrap().end_offset,
            10
        );
    }
}
