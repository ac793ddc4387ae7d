//! Columns of text that is part of other text: views into the blocks that hold that already.

use arrow::array::{Array, ByteView, NullBufferBuilder, StringViewArray, make_view};
use arrow::buffer::Buffer;
use datafusion_common::{Result, exec_datafusion_err};

/// The longest text that a view holds itself.
const INLINE_MAX: usize = 12;

/// Parts of the texts of a column, a part or null for each row.
///
/// Nothing here is unsafe: Arrow checks every view again when the column is made.
pub(crate) struct Parts<'a> {
    texts: &'a StringViewArray,
    views: Vec<u128>,
    nulls: NullBufferBuilder,
    /// What is no part of its row's text as it stands.
    copied: Vec<u8>,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(texts: &'a StringViewArray) -> Self {
        Parts {
            texts,
            views: Vec::with_capacity(texts.len()),
            nulls: NullBufferBuilder::new(texts.len()),
            copied: Vec::new(),
        }
    }

    /// The next row's part: a slice of the row's text, or else a text that is copied.
    #[inline]
    pub(crate) fn push(&mut self, part: Option<&str>) -> Result<()> {
        let Some(part) = part else {
            self.views.push(0);
            self.nulls.append_null();
            return Ok(());
        };
        let view = match part.len() {
            0..=INLINE_MAX => make_view(part.as_bytes(), 0, 0),
            _ => match self.within_row(part) {
                Some((block_idx, start)) => make_view(part.as_bytes(), block_idx, start),
                None => self.copy(part)?,
            },
        };
        self.views.push(view);
        self.nulls.append_non_null();
        Ok(())
    }

    /// The block and the place there of a slice of the row's text.
    #[inline]
    fn within_row(&self, part: &str) -> Option<(u32, u32)> {
        let row = self.views.len();
        let text = self.texts.value(row);
        let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
        let view = ByteView::from(self.texts.views()[row]);
        let is_within = start + part.len() <= text.len();
        is_within.then(|| (view.buffer_index, view.offset + start as u32))
    }

    fn copy(&mut self, part: &str) -> Result<u128> {
        let block_idx = u32::try_from(self.texts.data_buffers().len());
        let (Ok(block_idx), Ok(start)) = (block_idx, u32::try_from(self.copied.len())) else {
            return Err(exec_datafusion_err!(
                "a batch makes more than 4 GiB of text"
            ));
        };
        self.copied.extend_from_slice(part.as_bytes());
        Ok(make_view(part.as_bytes(), block_idx, start))
    }

    /// The column.
    pub(crate) fn finish(mut self) -> Result<StringViewArray> {
        let mut blocks = self.texts.data_buffers().to_vec();
        if !self.copied.is_empty() {
            blocks.push(Buffer::from_vec(self.copied));
        }
        let nulls = self.nulls.finish();
        Ok(StringViewArray::try_new(self.views.into(), blocks, nulls)?)
    }
}
