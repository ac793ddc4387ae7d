//! Lines of a column, read as the runs of text that they were cut from.
//!
//! The lines of a batch are views into the block that was read, one behind the other with only
//! their terminator between. Taken together they are long stretches of text, which are counted
//! several times as fast as one line at a time. White space between two lines of a run cannot join
//! or make a word.

use arrow::array::{Array, ByteView, StringViewArray};
use arrow::buffer::Buffer;

/// The longest text that a view holds itself, instead of pointing to it.
const INLINE: usize = 12;

/// Calls `run` with text, valid UTF-8, whose words are those of the lines: each line is wholly in
/// one run, and between two lines of a run there is white space.
pub(crate) fn for_each_run(lines: &StringViewArray, mut run: impl FnMut(&[u8])) {
    let buffers = lines.data_buffers();
    let mut current = Run::default();
    for (i, view) in lines.views().iter().enumerate() {
        if lines.is_null(i) || current.extend(*view, buffers) {
            continue;
        }
        run(current.text(buffers));
        current = Run::default();
        if !current.extend(*view, buffers) {
            run(inline(&view.to_le_bytes()));
        }
    }
    run(current.text(buffers));
}

/// A stretch `[start, end)` of one buffer; nothing at first.
#[derive(Default)]
struct Run {
    buffer: Option<u32>,
    start: usize,
    end: usize,
}

impl Run {
    /// Takes a line in; says whether it could.
    #[inline]
    fn extend(&mut self, view: u128, buffers: &[Buffer]) -> bool {
        if view as u32 as usize <= INLINE {
            return self.extend_inline(inline(&view.to_le_bytes()), buffers);
        }
        let view = ByteView::from(view);
        let start = view.offset as usize;
        let follows = match self.buffer {
            None => true,
            Some(buffer) => buffer == view.buffer_index && self.reaches(start, buffers),
        };
        if follows {
            self.start = if self.buffer.is_none() {
                start
            } else {
                self.start
            };
            self.buffer = Some(view.buffer_index);
            self.end = start + view.length as usize;
        }
        follows
    }

    /// A short line has no place in a buffer, but the bytes behind the run may well be it.
    fn extend_inline(&mut self, line: &[u8], buffers: &[Buffer]) -> bool {
        let Some(buffer) = self.buffer else {
            return line.is_empty();
        };
        let behind = &buffers[buffer as usize][self.end..];
        let gap = if behind.starts_with(b"\r\n") { 2 } else { 1 };
        let follows = behind.first().is_some_and(is_line_end)
            && behind
                .get(gap..)
                .is_some_and(|behind| behind.starts_with(line));
        // A line's bytes are whole characters, but more of the line's word may stand behind them
        // in the buffer if the line is none of it; the next line's check sees to that.
        if follows {
            self.end += gap + line.len();
        }
        follows
    }

    /// Whether only a line's end is between the run and `start`.
    fn reaches(&self, start: usize, buffers: &[Buffer]) -> bool {
        let Some(buffer) = self.buffer else {
            return false;
        };
        let gap = buffers[buffer as usize].get(self.end..start);
        gap.is_some_and(|gap| !gap.is_empty() && gap.len() <= 2 && gap.iter().all(is_line_end))
    }

    fn text<'a>(&self, buffers: &'a [Buffer]) -> &'a [u8] {
        self.buffer.map_or(&[], |buffer| {
            &buffers[buffer as usize][self.start..self.end]
        })
    }
}

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// The text that a view of at most [`INLINE`] bytes holds: behind its length, 4 bytes.
fn inline(view: &[u8; 16]) -> &[u8] {
    let n_bytes = usize::from(view[0]).min(INLINE);
    &view[4..4 + n_bytes]
}

#[cfg(test)]
mod tests {
    use arrow::array::StringViewBuilder;

    use super::*;

    fn runs(lines: &StringViewArray) -> Vec<String> {
        let mut runs = Vec::new();
        for_each_run(lines, |run| {
            runs.push(String::from_utf8(run.to_vec()).unwrap())
        });
        runs.retain(|run| !run.is_empty());
        runs
    }

    /// A column of these stretches of a text, as the codec cuts lines out of a block.
    fn cut(text: &str, lines: &[std::ops::Range<usize>]) -> StringViewArray {
        let mut column = StringViewBuilder::new();
        let block = column.append_block(Buffer::from(text.as_bytes()));
        for line in lines {
            column
                .try_append_view(block, line.start as u32, line.len() as u32)
                .unwrap();
        }
        column.finish()
    }

    #[test]
    fn lines_of_one_block_are_one_run_short_ones_too() {
        let text = "a line that is long enough\nshort\n\r\nand another that is long\r\nend";
        let lines = [0..26, 27..32, 33..33, 35..60 - 1, 61..64];
        assert_eq!(runs(&cut(text, &lines)), [text]);
    }

    #[test]
    fn a_line_that_was_left_out_parts_two_runs() {
        let text = "a line that is long enough\nshort\nand another that is long";
        assert_eq!(
            runs(&cut(text, &[0..26, 33..57])),
            [&text[..26], &text[33..]]
        );
    }

    #[test]
    fn lines_that_touch_are_not_joined() {
        let text = "thirteen bytes and thirteen bytes";
        assert_eq!(
            runs(&cut(text, &[0..16, 16..33])),
            [&text[..16], &text[16..]]
        );
    }

    #[test]
    fn nulls_and_lines_without_a_block_are_read_one_by_one() {
        let lines = StringViewArray::from(vec![Some("a"), None, Some(""), Some("b c")]);
        assert_eq!(runs(&lines), ["a", "b c"]);
    }
}
