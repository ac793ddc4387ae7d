//! Inputs whose types are forgotten, and the registry's entries.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use arrow::datatypes::Field;
use async_trait::async_trait;
use futures_core::future::BoxFuture;

use super::{Ends, Input, InputEvent, Open, PartitionId, Progress, Resume, Source, cannot_seek};
use crate::conf::{Problems, Section};
use crate::{Result, Stores};

/// An open [`Input`] whose type is forgotten: what the engine reads from.
#[async_trait]
pub trait DynInput: Send {
    /// See [`Input::next`].
    ///
    /// # Errors
    /// The whole input cannot go on.
    async fn next(&mut self) -> Result<Option<InputEvent>>;
    /// See [`Input::acknowledge`].
    ///
    /// # Errors
    /// The source refused the commit.
    async fn acknowledge(&mut self, done: &BTreeMap<PartitionId, Resume>) -> Result<()> {
        let _ = done;
        Ok(())
    }
    /// See [`Input::seek`].
    ///
    /// # Errors
    /// The source cannot be read in this way.
    async fn seek(&mut self, to: &BTreeMap<PartitionId, u64>) -> Result<()> {
        let _ = to;
        Err(cannot_seek())
    }
    /// See [`Input::IS_SHARED`].
    fn is_shared(&self) -> bool {
        false
    }
    /// See [`Input::READS_AGAIN`].
    fn reads_again(&self) -> bool {
        true
    }
    /// See [`Input::progress`].
    fn progress(&self) -> Progress {
        Progress::default()
    }
    /// See [`Input::ends`].
    fn ends(&self) -> Ends {
        Ends::default()
    }
}

#[async_trait]
impl<I: Input> DynInput for I {
    async fn next(&mut self) -> Result<Option<InputEvent>> {
        Input::next(self).await
    }

    async fn acknowledge(&mut self, done: &BTreeMap<PartitionId, Resume>) -> Result<()> {
        Input::acknowledge(self, done).await
    }

    async fn seek(&mut self, to: &BTreeMap<PartitionId, u64>) -> Result<()> {
        Input::seek(self, to).await
    }

    fn is_shared(&self) -> bool {
        I::IS_SHARED
    }

    fn reads_again(&self) -> bool {
        I::READS_AGAIN
    }

    fn progress(&self) -> Progress {
        Input::progress(self)
    }

    fn ends(&self) -> Ends {
        Input::ends(self)
    }
}

/// An input that is being opened.
pub type OpeningInput = BoxFuture<'static, Result<Box<dyn DynInput>>>;

/// Checks sections and opens inputs of them: what an entry knows how to do.
pub trait InputFactory: Send + Sync {
    /// See [`InputEntry::check`].
    fn check(&self, section: &Section, stores: &Stores) -> Problems;
    /// See [`Input::is_joint`].
    fn is_joint(&self, section: &Section) -> bool {
        let _ = section;
        false
    }
    /// See [`InputEntry::source`].
    ///
    /// # Errors
    /// A mistake in the section, or the source cannot be read.
    fn source(&self, section: &Section, stores: &Stores) -> Result<Source>;
    /// See [`Input::beside`].
    fn beside(&self) -> Vec<Field>;
    /// See [`Input::arrival_column`].
    fn arrival_column(&self) -> Option<&'static str>;
    /// See [`InputEntry::open`].
    fn open(&self, section: &Section, open: Open) -> OpeningInput;
}

/// The factory of an input that is linked in.
struct Linked<I>(PhantomData<fn() -> I>);

impl<I: Input> InputFactory for Linked<I> {
    fn check(&self, section: &Section, stores: &Stores) -> Problems {
        match section.parse() {
            Ok(conf) => I::check(&conf, stores),
            Err(problems) => problems,
        }
    }

    fn is_joint(&self, section: &Section) -> bool {
        section.parse().is_ok_and(|conf| I::is_joint(&conf))
    }

    fn source(&self, section: &Section, stores: &Stores) -> Result<Source> {
        I::source(&section.parse()?, stores)
    }

    fn beside(&self) -> Vec<Field> {
        I::beside()
    }

    fn arrival_column(&self) -> Option<&'static str> {
        I::arrival_column()
    }

    fn open(&self, section: &Section, open: Open) -> OpeningInput {
        let conf = section.parse::<I::Conf>();
        Box::pin(async move {
            let input = I::open(conf?, open).await?;
            Ok(Box::new(input) as Box<dyn DynInput>)
        })
    }
}

/// An input by its name: what the registry lists.
#[derive(Clone, Copy)]
pub struct InputEntry {
    /// The name that a conf's `input` uses.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Whether several instances share its partitions; see [`Input::IS_SHARED`].
    pub is_shared: bool,
    factory: &'static dyn InputFactory,
}

impl fmt::Debug for InputEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputEntry")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl InputEntry {
    /// The entry of an input.
    pub const fn of<I: Input>() -> Self {
        InputEntry {
            name: I::NAME,
            about: I::ABOUT,
            is_shared: I::IS_SHARED,
            factory: &Linked::<I>(PhantomData),
        }
    }

    /// The entry of an input that was found at run time. It stays for as long as the process does.
    pub const fn new(
        name: &'static str,
        about: &'static str,
        is_shared: bool,
        factory: &'static dyn InputFactory,
    ) -> Self {
        InputEntry {
            name,
            about,
            is_shared,
            factory,
        }
    }

    /// Checks a section `[in_<name>]`: every mistake in it, and what is worth a warning.
    pub fn check(&self, section: &Section, stores: &Stores) -> Problems {
        self.factory.check(section, stores)
    }

    /// Whether use cases with this section read it together; see [`Input::is_joint`].
    pub fn is_joint(&self, section: &Section) -> bool {
        self.factory.is_joint(section)
    }

    /// What the source gives.
    ///
    /// # Errors
    /// A mistake in the section, or the source cannot be read.
    pub fn source(&self, section: &Section, stores: &Stores) -> Result<Source> {
        self.factory.source(section, stores)
    }

    /// The columns that it has beside the bytes of each record; see [`Input::beside`].
    pub fn beside(&self) -> Vec<Field> {
        self.factory.beside()
    }

    /// The column that says when a record arrived; see [`Input::arrival_column`].
    pub fn arrival_column(&self) -> Option<&'static str> {
        self.factory.arrival_column()
    }

    /// Opens the input.
    ///
    /// # Errors
    /// A mistake in the section, or the source cannot be had.
    pub async fn open(&self, section: &Section, open: Open) -> Result<Box<dyn DynInput>> {
        self.factory.open(section, open).await
    }
}
