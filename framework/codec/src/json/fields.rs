//! Which members of an object are asked for: the names of the columns as a tree.
//!
//! A column `a.b` is first the member named `a.b`, then the member `b` of the member `a`, and so on
//! at each level. Every such place is a **target**; a column has one per level, best first.

/// An object's place in the tree.
pub(super) type NodeIdx = u32;

/// What the scanner does with a member's value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Where the value goes.
    pub(super) target: Option<u32>,
    /// The node of its own members, where it is an object.
    pub(super) child: Option<NodeIdx>,
}

impl Wanted {
    /// A value that nobody asked for.
    pub(super) const NOTHING: Wanted = Wanted {
        target: None,
        child: None,
    };
}

/// The tree.
#[derive(Debug)]
pub(super) struct Fields {
    nodes: Vec<Node>,
    n_targets: usize,
}

#[derive(Debug, Default)]
struct Node {
    /// Bit `n` (modulo 64): a name has `n` bytes.
    lengths: u64,
    /// The first bytes of each member's name and its length, searched first.
    tags: Vec<Tag>,
    names: Vec<Box<[u8]>>,
    wanted: Vec<Wanted>,
    /// The targets below the node, forgotten when its object comes again.
    below: Vec<u32>,
}

/// The first and the last eight bytes of a name, zeros behind a shorter one, and its length: all of a
/// name of up to sixteen bytes, so that most are told apart without a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tag {
    head: u64,
    tail: u64,
    len: usize,
}

/// Names up to so long are all in their tag.
const TAG_MAX: usize = 16;

impl Tag {
    /// The tag of the first `len` bytes of `text`, which may go on behind them.
    #[inline(always)]
    fn of(text: &[u8], len: usize) -> Tag {
        let head = match text.first_chunk::<8>() {
            Some(head) if len >= 8 => u64::from_le_bytes(*head),
            Some(head) => u64::from_le_bytes(*head) & ((1 << (8 * len)) - 1),
            None => {
                let mut head = [0; 8];
                let n = len.min(text.len()).min(8);
                head[..n].copy_from_slice(&text[..n]);
                u64::from_le_bytes(head)
            }
        };
        let tail = match len.checked_sub(8).and_then(|start| text.get(start..len)) {
            Some(tail) => tail
                .first_chunk::<8>()
                .map_or(0, |it| u64::from_le_bytes(*it)),
            None => 0,
        };
        Tag { head, tail, len }
    }
}

impl Fields {
    /// The root node.
    pub(super) const ROOT: NodeIdx = 0;

    /// A tree of these names, and the targets of each, best first.
    pub(super) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> (Self, Vec<Vec<u32>>) {
        let mut fields = Fields {
            nodes: vec![Node::default()],
            n_targets: 0,
        };
        let targets = names.into_iter().map(|name| fields.add(name)).collect();
        (fields, targets)
    }

    /// How many targets there are.
    pub(super) fn n_targets(&self) -> usize {
        self.n_targets
    }

    /// The targets below a node.
    pub(super) fn below(&self, node: NodeIdx) -> &[u32] {
        &self.nodes[node as usize].below
    }

    /// What is wanted of the member named `text[..len]`; `text` may go on behind the name.
    #[inline(always)]
    pub(super) fn find(&self, node: NodeIdx, text: &[u8], len: usize) -> Wanted {
        let node = &self.nodes[node as usize];
        if node.lengths & 1 << (len % 64) == 0 {
            return Wanted::NOTHING;
        }
        let tag = Tag::of(text, len);
        for (i, candidate) in node.tags.iter().enumerate() {
            if *candidate == tag && (len <= TAG_MAX || text.get(..len) == Some(&*node.names[i])) {
                return node.wanted[i];
            }
        }
        Wanted::NOTHING
    }

    fn add(&mut self, name: &str) -> Vec<u32> {
        let mut targets = Vec::new();
        let (mut node, mut rest) = (Self::ROOT, name);
        let mut path = Vec::new();
        loop {
            let target = self.target(node, rest);
            for passed in &path {
                let below = &mut self.nodes[*passed as usize].below;
                if !below.contains(&target) {
                    below.push(target);
                }
            }
            targets.push(target);
            let Some((first, behind)) = rest.split_once('.') else {
                return targets;
            };
            node = self.child(node, first);
            path.push(node);
            rest = behind;
        }
    }

    fn target(&mut self, node: NodeIdx, name: &str) -> u32 {
        let next = self.n_targets as u32;
        let wanted = self.member(node, name);
        let target = *wanted.target.get_or_insert(next);
        self.n_targets += usize::from(target == next);
        target
    }

    fn child(&mut self, node: NodeIdx, name: &str) -> NodeIdx {
        let next = self.nodes.len() as NodeIdx;
        let child = *self.member(node, name).child.get_or_insert(next);
        if child == next {
            self.nodes.push(Node::default());
        }
        child
    }

    fn member(&mut self, node: NodeIdx, name: &str) -> &mut Wanted {
        let node = &mut self.nodes[node as usize];
        let known = node
            .names
            .iter()
            .position(|known| **known == *name.as_bytes());
        let at = known.unwrap_or_else(|| {
            node.lengths |= 1 << (name.len() % 64);
            node.tags.push(Tag::of(name.as_bytes(), name.len()));
            node.names.push(name.as_bytes().into());
            node.wanted.push(Wanted::NOTHING);
            node.names.len() - 1
        });
        &mut node.wanted[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(fields: &Fields, node: NodeIdx, name: &str) -> Wanted {
        fields.find(
            node,
            format!("{name}\":rest of the record").as_bytes(),
            name.len(),
        )
    }

    #[test]
    fn a_dotted_name_has_a_target_for_each_way_to_nest_it() {
        let (fields, targets) = Fields::new(["a.b.c", "a"]);
        assert_eq!(targets, [vec![0, 1, 2], vec![3]]);
        assert_eq!(find(&fields, Fields::ROOT, "a.b.c").target, Some(0));
        let a = find(&fields, Fields::ROOT, "a");
        assert_eq!(a.target, Some(3));
        let inner = find(&fields, a.child.unwrap(), "b.c");
        assert_eq!(
            inner,
            Wanted {
                target: Some(1),
                child: None
            }
        );
        assert_eq!(fields.below(a.child.unwrap()), [1, 2]);
    }

    #[test]
    fn a_name_asked_for_twice_has_one_target() {
        let (fields, targets) = Fields::new(["user.name", "user.name"]);
        assert_eq!(targets[0], targets[1]);
        assert_eq!(fields.n_targets(), 2);
    }

    #[test]
    fn names_that_begin_alike_are_told_apart() {
        let names = [
            "source_ip",
            "source_id",
            "source_i",
            "source_",
            "",
            "source_address_1",
            "source_address_10",
            "source_address_number_one",
        ];
        let (fields, _) = Fields::new(names);
        for (i, name) in names.iter().enumerate() {
            assert_eq!(
                find(&fields, Fields::ROOT, name).target,
                Some(i as u32),
                "{name}"
            );
        }
        for name in [
            "source_ipx",
            "source_ix",
            "sourc",
            "Source_ip",
            "source_Address_1",
            "source_addresS_10",
            "source_address_Number_one",
        ] {
            assert_eq!(find(&fields, Fields::ROOT, name), Wanted::NOTHING, "{name}");
        }
    }
}
