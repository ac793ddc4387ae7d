//! Follows the directives of a file through its blocks, for formats whose columns they name.

use arrow::array::{Array, BinaryViewArray};
use arrow::buffer::{BooleanBuffer, MutableBuffer};
use arrow::util::bit_util;
use datashark_sdk::input::{Directives, Header, Payloads};

/// Names that all records of a block have, by the directives that hold for them: in the order of
/// the first ones.
pub(crate) fn common_names(
    mark: u8,
    payloads: &Payloads,
    names: impl Fn(&Directives) -> Vec<String>,
) -> Vec<String> {
    let mut directives = match &payloads.header {
        Some(Header::Directives(directives)) => directives.clone(),
        _ => Directives::new(mark),
    };
    let mut common: Option<Vec<String>> = None;
    let mut idx = 0;
    let mut take = |directives: &Directives| {
        let names = names(directives);
        match &mut common {
            Some(common) => common.retain(|name| names.contains(name)),
            None => common = Some(names),
        }
    };
    for marked in directives.marked(&payloads.records) {
        let marked = marked as usize;
        if idx < marked {
            take(&directives);
        }
        directives.push(payloads.records.value(marked));
        idx = marked + 1;
    }
    if idx < payloads.records.len() {
        take(&directives);
    }
    common.unwrap_or_default()
}

/// Where a decoder is in a file, and which directives hold there.
#[derive(Debug)]
pub(crate) struct Follow {
    mark: u8,
    directives: Directives,
    /// The block, and which of its records are directives.
    records: Option<BinaryViewArray>,
    marked: Vec<u32>,
    /// How many of them are passed, and where the next one stands.
    n_passed: usize,
    next: usize,
}

impl Follow {
    /// Directives that begin with `mark`; none yet.
    pub(crate) fn new(mark: u8) -> Self {
        Follow {
            mark,
            directives: Directives::new(mark),
            records: None,
            marked: Vec::new(),
            n_passed: 0,
            next: usize::MAX,
        }
    }

    /// The directives that hold where it is.
    pub(crate) fn directives(&self) -> &Directives {
        &self.directives
    }

    /// Goes to the start of a block; whether other directives hold there than before.
    pub(crate) fn start(&mut self, payloads: &Payloads) -> bool {
        let before = match &payloads.header {
            Some(Header::Directives(directives)) => directives.clone(),
            _ => Directives::new(self.mark),
        };
        self.marked = before.marked(&payloads.records);
        self.records = (!self.marked.is_empty()).then(|| payloads.records.clone());
        self.n_passed = 0;
        self.next = self.place(0);
        let changed = self.directives != before;
        self.directives = before;
        changed
    }

    /// The records of the block that are no directives; `None` is all.
    pub(crate) fn others(&self) -> Option<BooleanBuffer> {
        let n_records = self.records.as_ref()?.len();
        let mut bits = MutableBuffer::new_null(n_records);
        bits.as_slice_mut().fill(0xFF);
        for idx in &self.marked {
            bit_util::unset_bit(bits.as_slice_mut(), *idx as usize);
        }
        Some(BooleanBuffer::new(bits.into(), 0, n_records))
    }

    /// Goes on to a record; whether other directives hold there than at the last one.
    #[inline(always)]
    pub(crate) fn reach(&mut self, record_idx: usize) -> bool {
        self.next < record_idx && self.pass(record_idx)
    }

    #[cold]
    fn pass(&mut self, record_idx: usize) -> bool {
        let mut changed = false;
        while self.next < record_idx
            && let Some(records) = &self.records
        {
            changed |= self.directives.push(records.value(self.next));
            self.n_passed += 1;
            self.next = self.place(self.n_passed);
        }
        changed
    }

    fn place(&self, n: usize) -> usize {
        self.marked.get(n).map_or(usize::MAX, |idx| *idx as usize)
    }
}
