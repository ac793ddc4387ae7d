//! The records of a batch decoded once, for all use cases that read them in one format.
//!
//! Use cases of one format make a group, whose columns are those of all of them. Whoever comes first to
//! a batch decodes it with the group's columns; the others take the columns that are theirs. A record
//! that is invalid with the columns of all may be right with those of one, so that each looks at those
//! again by itself: what is invalid to a use case does not depend on the others.

use std::sync::{Arc, OnceLock};

use arrow::datatypes::Field;
use datashark_codec::{Columns, Decoded, Format};

/// What a use case wants of the records of a stream.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Formats that show themselves alike are alike.
    key: String,
    /// Whether two columns of one name may be asked for, as with types of their own.
    is_open: bool,
    columns: Vec<Field>,
}

impl Wanted {
    /// These columns of records in this format; a column that is there twice counts once.
    pub(crate) fn new<'a>(format: &dyn Format, columns: impl Iterator<Item = &'a Field>) -> Self {
        let mut wanted = Wanted {
            key: format!("{format:?}"),
            is_open: format.columns() == Columns::Open,
            columns: Vec::new(),
        };
        wanted.add(columns);
        wanted
    }

    fn add<'a>(&mut self, columns: impl Iterator<Item = &'a Field>) {
        for column in columns {
            if !self.columns.contains(column) {
                self.columns.push(column.clone());
            }
        }
    }

    fn goes_with(&self, other: &Wanted) -> bool {
        let differs = |column: &&Field| {
            let same = other.columns.iter().find(|it| it.name() == column.name());
            same.is_some_and(|same| same != *column)
        };
        self.key == other.key && (self.is_open || !self.columns.iter().any(|it| differs(&it)))
    }
}

/// Use cases that read one format.
#[derive(Debug)]
struct Group {
    key: String,
    columns: Arc<[Field]>,
}

/// The groups of a stream's use cases; one that is alone in its format decodes for itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups(Arc<[Group]>);

impl Groups {
    /// The groups of these.
    pub(super) fn new<'a>(wanted: impl Iterator<Item = &'a Wanted>) -> Self {
        let mut groups: Vec<(usize, Wanted)> = Vec::new();
        for wanted in wanted {
            match groups.iter_mut().find(|(_, group)| wanted.goes_with(group)) {
                Some((n_members, group)) => {
                    *n_members += 1;
                    group.add(wanted.columns.iter());
                }
                None => groups.push((1, wanted.clone())),
            }
        }
        let shared = groups.into_iter().filter(|(n_members, _)| *n_members > 1);
        let group = |(_, wanted): (usize, Wanted)| Group {
            key: wanted.key,
            columns: wanted.columns.into(),
        };
        Groups(shared.map(group).collect())
    }

    /// A batch that these groups are given; `None` where each decodes for itself.
    pub(super) fn batch(&self) -> Option<Arc<SharedBatch>> {
        (!self.0.is_empty()).then(|| {
            Arc::new(SharedBatch {
                decoded: self.0.iter().map(|_| OnceLock::new()).collect(),
                groups: self.clone(),
            })
        })
    }
}

/// What has been made of a batch for all who read it.
#[derive(Debug)]
pub(crate) struct SharedBatch {
    groups: Groups,
    /// For each group.
    decoded: Vec<OnceLock<Decoded>>,
}

impl SharedBatch {
    /// The columns of the group of this use case, and what was decoded.
    pub(crate) fn of(&self, wanted: &Wanted) -> Option<(&Arc<[Field]>, &OnceLock<Decoded>)> {
        let mut groups = self.groups.0.iter().zip(&self.decoded);
        let has_all = |group: &Group| {
            let mut columns = wanted.columns.iter();
            group.key == wanted.key && columns.all(|column| group.columns.contains(column))
        };
        let (group, decoded) = groups.find(|(group, _)| has_all(group))?;
        Some((&group.columns, decoded))
    }
}

/// A batch that all of these read.
#[cfg(test)]
pub(crate) fn shared(wanted: impl Iterator<Item = Wanted>) -> Option<Arc<SharedBatch>> {
    Groups::new(wanted.collect::<Vec<_>>().iter()).batch()
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;
    use datashark_codec::registry;

    use super::*;

    fn wanted(format: &str, columns: &[(&str, DataType)]) -> Wanted {
        let format = registry::format(format, &Default::default(), &registry::no_files).unwrap();
        let columns = columns.iter();
        let columns: Vec<Field> = columns
            .map(|(name, data_type)| Field::new(*name, data_type.clone(), true))
            .collect();
        Wanted::new(format.as_ref(), columns.iter())
    }

    #[test]
    fn use_cases_of_one_format_decode_together_the_columns_of_all() {
        let text = DataType::Utf8View;
        let a = wanted(
            "json",
            &[("host", text.clone()), ("status", DataType::Int64)],
        );
        let b = wanted("json", &[("status", text.clone()), ("host", text.clone())]);
        let alone = wanted("combined", &[("status", DataType::Int64)]);
        let groups = Groups::new([&a, &b, &alone].into_iter());
        let batch = groups.batch().unwrap();
        let (columns, _) = batch.of(&b).unwrap();
        let names: Vec<&str> = columns.iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["host", "status", "status"]);
        assert!(Arc::ptr_eq(columns, batch.of(&a).unwrap().0));
        assert!(batch.of(&alone).is_none());
        assert!(Groups::new([&a, &alone].into_iter()).batch().is_none());
    }

    #[test]
    fn who_came_after_the_batch_decodes_it_alone() {
        let a = wanted("json", &[("host", DataType::Utf8View)]);
        let late = wanted("json", &[("path", DataType::Utf8View)]);
        let batch = Groups::new([&a, &a].into_iter()).batch().unwrap();
        assert!(batch.of(&late).is_none());
    }
}
