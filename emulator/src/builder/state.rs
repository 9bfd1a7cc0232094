use std::path::PathBuf;

use crate::builder::EmulatorBuilder;
use crate::error::Error;
use crate::restore::restore;
use crate::saved::database::{Database, Writer};
use crate::saved::sink::Sink;
use crate::state::State;

/// The state file of an emulator, if it has one.
pub(super) struct StateFile(Option<(PathBuf, Database)>);

impl StateFile {
    pub(super) async fn open(path: Option<PathBuf>) -> Result<Self, Error> {
        let Some(path) = path else { return Ok(StateFile(None)) };
        let database = Database::open(&path).await.map_err(|reason| Error::state(&path, reason))?;
        Ok(StateFile(Some((path, database))))
    }

    pub(super) fn sink(&self) -> Sink {
        self.0.as_ref().map(|(_, database)| database.sink()).unwrap_or_default()
    }

    pub(super) async fn restore(&mut self, state: &State) -> Result<(), Error> {
        match &mut self.0 {
            Some((path, database)) => restore(state, database).await.map_err(|reason| Error::state(path, reason)),
            None => Ok(()),
        }
    }

    /// Starts the task that writes changes.
    pub(super) fn start(self) -> Option<Writer> {
        self.0.map(|(_, database)| database.start())
    }
}

impl EmulatorBuilder {
    /// Keeps the state in a file, so that it survives a restart. Default: the state is lost with the emulator.
    ///
    /// The file is an SQLite database. A response is sent once the file has what it acknowledges, so that even the sudden end of the
    /// process loses nothing that a client knows of.
    ///
    /// - Kept: requests with their inputs, progress, outputs and bills, stored files, and webhooks that are not delivered yet. Time goes
    ///   on while the emulator is off, and an [advance](crate::Emulator::advance_time) of the clock is kept. Completed jobs stay completed;
    ///   others progress by the [`pace`](Self::pace) of the new emulator.
    /// - Not kept: keys, tokens, signatures and headers that may have them, unfinished uploads, recorded requests
    ///   ([`Emulator::requests`](crate::Emulator::requests)), faults and other settings.
    ///
    /// The [limits](Self::history) of the memory are those of the file too. URLs of files are valid if the new emulator has the same
    /// [`port`](Self::port), or is called by fal's host names.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().state("fal.db").port(4000).start().await?;
    /// // … submit requests …
    /// emulator.shutdown().await;
    /// let emulator = Emulator::builder().state("fal.db").port(4000).start().await?; // has the requests
    /// # Ok(())
    /// # }
    /// ```
    pub fn state(mut self, file: impl Into<PathBuf>) -> Self {
        self.state_file = Some(file.into());
        self
    }
}
