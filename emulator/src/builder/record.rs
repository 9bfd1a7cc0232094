use std::path::PathBuf;
use std::sync::Arc;

use crate::builder::EmulatorBuilder;
use crate::error::{DocumentError, Error};
use crate::record::folder::Folder;
use crate::record::player::Player;
use crate::record::recorder::{Recorder, Upstream};
use crate::record::tape::Tape;
use crate::record::timeline::Speed;
use crate::settings::Settings;
use crate::time::clock::Clock;

/// The settings of a recording or a replay.
#[derive(Clone, Default)]
pub(super) struct TapeSettings {
    folder: Option<TapeFolder>,
    upstream: Upstream,
    /// The factor of the recorded times. Without it, the pace applies.
    times: Option<f64>,
}

/// The folder of a recording or a replay.
#[derive(Clone)]
enum TapeFolder {
    Record(PathBuf),
    Replay(PathBuf),
}

impl TapeSettings {
    /// Opens the folder, if there is one to record to or to replay.
    pub(super) fn open(self, settings: &Settings, clock: &Arc<Clock>) -> Result<Option<Tape>, Error> {
        Ok(match self.folder {
            None => None,
            Some(TapeFolder::Record(path)) => {
                let folder = Folder::create(&path).map_err(|error| Error::Records(vec![error]))?;
                let recorder = Recorder::new(folder, self.upstream, settings.keys.accepted());
                let invalid = |reason| Error::Records(vec![DocumentError::new(path.display().to_string(), reason)]);
                Some(Tape::Record(Arc::new(recorder.map_err(invalid)?)))
            }
            Some(TapeFolder::Replay(path)) => {
                let (folder, records) = Folder::open(&path).map_err(Error::Records)?;
                let speed = self.times.map_or_else(|| Speed::Pace(settings.pace.clone()), Speed::Recorded);
                Some(Tape::Replay(Arc::new(Player::new(folder, records, speed, Arc::clone(clock)))))
            }
        })
    }
}

impl EmulatorBuilder {
    /// Forwards every request to the real fal, and keeps it with its response in a folder, for [`replay`](Self::replay). The
    /// emulator serves nothing itself then. [Faults](crate::Fault) apply. fal bills the requests.
    ///
    /// The folder is created, and must have no records. It gets a JSON file for each request, one for the statuses of each job,
    /// and a subfolder with uploaded and downloaded files of up to 4 GiB. A record has no keys, tokens, signatures or cookies:
    /// they are replaced by `REMOVED`. Uploaded files are kept as they are.
    ///
    /// Requests keep their key. One with the emulator's own key gets [`record_key`](Self::record_key). WebSockets are refused,
    /// and files that the client does not download are not kept.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().record("tests/records/poster").record_key(std::env::var("FAL_KEY")?).start().await?;
    /// // … run the program with `emulator.client()` …
    /// emulator.assert_finished(); // every request was kept
    /// # Ok(())
    /// # }
    /// ```
    pub fn record(mut self, folder: impl Into<PathBuf>) -> Self {
        self.tape.folder = Some(TapeFolder::Record(folder.into()));
        self
    }

    /// Sets the key for recorded requests that have the emulator's own key, which [`Emulator::client`](crate::Emulator::client) has. Default: they are
    /// sent as they are, and fal refuses them.
    pub fn record_key(mut self, key: impl Into<String>) -> Self {
        self.tape.upstream.key = Some(key.into());
        self
    }

    /// Sets the base URL of another emulator, which plays the real fal for [`record`](Self::record). Default: the real fal.
    pub fn upstream(mut self, base_url: impl Into<String>) -> Self {
        self.tape.upstream.base_url = Some(base_url.into());
        self
    }

    /// Serves the records of a folder, without a network.
    ///
    /// A request has a record with the same method, URL and body. Secrets do not count. A file counts by its content, whether it
    /// is a data URI or uploaded, under any name. A request that was recorded twice is served twice, in that order; statuses,
    /// results, downloads and tokens as often as needed. A request without a record gets a 404 response that names the nearest
    /// record, and the values that differ.
    ///
    /// The statuses of jobs progress with the [`Pace`](crate::Pace), or with [`replay_times`](Self::replay_times).
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_emulator::{Emulator, Pace};
    ///
    /// let emulator = Emulator::builder().replay("tests/records/poster").pace(Pace::instant()).start().await?;
    /// // … run the program with `emulator.client()` …
    /// emulator.assert_finished(); // every record was used
    /// # Ok(())
    /// # }
    /// ```
    pub fn replay(mut self, folder: impl Into<PathBuf>) -> Self {
        self.tape.folder = Some(TapeFolder::Replay(folder.into()));
        self
    }

    /// Uses the recorded times of a [replay](Self::replay), multiplied by a factor: 1 is the speed of the record, and 0.1 ten
    /// times as fast. Default: the [`Pace`](crate::Pace).
    pub fn replay_times(mut self, factor: f64) -> Self {
        self.tape.times = Some(factor);
        self
    }
}
