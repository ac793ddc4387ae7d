//! The names that a query asks for, looked up for each value of a record.

/// The names asked for besides known columns.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: Vec<Box<[u8]>>,
    /// Bit `n` (modulo 64): a name has `n` bytes.
    lengths: u64,
}

impl Names {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Where the name is in the list, to which it is added if it is not there.
    pub(super) fn add(&mut self, name: &str) -> usize {
        let known = self.find(name.as_bytes());
        known.unwrap_or_else(|| {
            self.lengths |= 1 << (name.len() % 64);
            self.names.push(name.as_bytes().into());
            self.names.len() - 1
        })
    }

    /// Where the name is.
    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        if self.lengths & 1 << (name.len() % 64) == 0 {
            return None;
        }
        self.names.iter().position(|known| **known == *name)
    }

    /// Where the name `group.name` is.
    #[inline]
    pub(super) fn find_in(&self, group: &[u8], name: &[u8]) -> Option<usize> {
        let len = group.len() + 1 + name.len();
        if self.lengths & 1 << (len % 64) == 0 {
            return None;
        }
        self.names.iter().position(|known| {
            known.len() == len
                && known.starts_with(group)
                && known[group.len()] == b'.'
                && known.ends_with(name)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_alone_and_of_its_group() {
        let mut names = Names::default();
        let asked = ["src", "id@1.2.src", "src", "x"].map(|name| names.add(name));
        assert_eq!((asked, names.len()), ([0, 1, 0, 2], 3));
        assert_eq!(names.find(b"src"), Some(0));
        assert_eq!(names.find(b"dst"), None);
        assert_eq!(names.find_in(b"id@1.2", b"src"), Some(1));
        assert_eq!(names.find_in(b"id@1", b"2.src"), Some(1));
        assert_eq!(names.find_in(b"id@1.3", b"src"), None);
    }
}
