//! A process that is killed at random moments.

use rustix::process::Signal;

use crate::child::{KillAt, ended};
use crate::jobs::Jobs;
use crate::support::{Database, Outcome, on_both_databases};

on_both_databases!(a_batch_survives_200_kills);

const ITEMS: usize = 500;
const KILLS: usize = 200;

async fn a_batch_survives_200_kills(database: Database) -> Outcome {
    let jobs = Jobs::new(&database.url, ITEMS).await?;
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for kills in 0..KILLS {
        // Each process does a part of the work, so that the batch lasts for all kills.
        let is_by_event = random.below(2) == 0;
        let (first, number) = (random.below(ITEMS), 1 + random.below(28));
        let kill = is_by_event.then(|| KillAt {
            signal: Signal::KILL,
            event: "*".to_owned(),
            number: i64::try_from(number).unwrap_or(1),
        });
        let child = jobs.batch(first, kill.as_ref())?;
        if !is_by_event {
            jobs.trap.set(&child, None, number.div_ceil(2))?;
        }
        let is_finished = ended(child).await?;
        jobs.trap.clear();
        assert!(!is_finished, "the batch was finished after {kills} kills");
    }
    jobs.finish_batch().await
}

/// Xorshift: the same numbers in each run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Returns a number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit
    }
}
