//! A plugin's process that is started again when it has ended: what remote use cases, outputs and inputs
//! have in common.

use datashark_sdk::{Error, Result};
use serde::de::DeserializeOwned;
use tracing::warn;

use crate::process::{Connection, Failure, Part, Request, Start};

/// A process, or how to get one.
#[derive(Debug)]
pub(crate) struct Client {
    start: Start,
    connection: Option<Connection>,
    /// How many processes there have been.
    n_started: u64,
}

impl Client {
    /// Nothing is started before it is needed.
    pub(crate) fn new(start: Start) -> Self {
        Client {
            start,
            connection: None,
            n_started: 0,
        }
    }

    /// How often something is tried again after the process has ended over it.
    pub(crate) fn max_retries(&self) -> u32 {
        self.start.sandbox.max_retries
    }

    /// The number of the last process, from 1.
    pub(crate) fn n_started(&self) -> u64 {
        self.n_started
    }

    /// Has a process; a new one is asked to `prepare` before anything else. Gives whether it is new.
    pub(crate) fn start(
        &mut self,
        prepare: impl FnOnce(&mut Connection) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        if self.connection.is_some() {
            return Ok(false);
        }
        let mut connection = Connection::open(&self.start)?;
        prepare(&mut connection)?;
        self.n_started += 1;
        self.connection = Some(connection);
        Ok(true)
    }

    /// Asks the process that there is.
    pub(crate) fn ask<T: DeserializeOwned>(
        &mut self,
        request: &Request,
        parts: &[Part],
    ) -> Result<(T, Vec<Part>), Failure> {
        match &mut self.connection {
            Some(connection) => connection.ask(request, parts),
            None => Err(Failure::Died("it has ended".to_owned())),
        }
    }

    /// The process has ended over something; it is tried again as often as the conf says.
    ///
    /// # Errors
    /// It has been tried so often.
    pub(crate) fn died(&mut self, what: &str, n_deaths: &mut u32, why: &str) -> Result<()> {
        self.end();
        *n_deaths += 1;
        let library = self.start.library.display();
        if *n_deaths > self.start.sandbox.max_retries {
            return Err(Error::gave_up(format!(
                "the plugin {library} does not survive `{what}`, tried {n_deaths} times: {why}"
            )));
        }
        warn!(
            %library,
            attempt = *n_deaths,
            "a plugin's process has ended in `{what}`: {why}; it is started again"
        );
        Ok(())
    }

    /// The process is no good any more.
    pub(crate) fn end(&mut self) {
        self.connection = None;
    }
}

/// What asks a process.
pub(crate) trait Asking {
    /// Its process.
    fn client(&mut self) -> &mut Client;

    /// Tries something until the process survives it, as often as the conf says.
    ///
    /// # Errors
    /// The plugin's own, or that its process does not survive.
    fn retried<T>(
        &mut self,
        what: &str,
        mut attempt: impl FnMut(&mut Self) -> Result<T, Failure>,
    ) -> Result<T> {
        let mut n_deaths = 0;
        loop {
            let why = match attempt(self) {
                Ok(done) => return Ok(done),
                Err(Failure::Plugin(error)) => return Err(error),
                Err(Failure::Died(why)) => why,
            };
            self.client().died(what, &mut n_deaths, &why)?;
        }
    }
}

/// Asks one thing of a process of its own, which then ends.
///
/// # Errors
/// The plugin's own, or that its process has ended.
pub(crate) fn ask_once<T: DeserializeOwned>(
    start: &Start,
    request: &Request,
) -> Result<(T, Vec<Part>)> {
    let asked = Connection::open(start).and_then(|mut connection| connection.ask(request, &[]));
    asked.map_err(|failure| match failure {
        Failure::Plugin(error) => error,
        Failure::Died(why) => {
            let library = start.library.display();
            Error::internal(format!(
                "the plugin {library} ended while it was asked what it is: {why}"
            ))
        }
    })
}
