//! Plugins that are not linked in: who finds them when a conf names one.

use std::fmt::Debug;
use std::path::Path;

use crate::UseCaseEntry;
use crate::conf::{Problem, Problems, Section};
use crate::input::InputEntry;
use crate::output::OutputEntry;

/// What a conf asks for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The name, or the path of a library.
    pub name: &'a str,
    /// The conf's folder.
    pub folder: &'a Path,
}

/// Finds plugins that are not linked in. `None` is that there is none of that name; an error, that
/// there is one which cannot be used.
pub trait ThirdParty: Send + Sync + Debug {
    /// A use case: of a name, or the library that a path names.
    ///
    /// # Errors
    /// Why what was found is not used.
    fn use_case(&self, asked: Asked<'_>) -> Option<Result<UseCaseEntry, Problem>>;

    /// What the user should know of how a use case with these keys runs, without it being a mistake.
    fn warnings(&self, own: &Section) -> Problems {
        let _ = own;
        Problems::new()
    }

    /// An output of a name.
    ///
    /// # Errors
    /// Why what was found is not used.
    fn output(&self, asked: Asked<'_>) -> Option<Result<OutputEntry, Problem>>;

    /// An input of a name.
    ///
    /// # Errors
    /// Why what was found is not used.
    fn input(&self, asked: Asked<'_>) -> Option<Result<InputEntry, Problem>>;
}
