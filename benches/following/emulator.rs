//! The emulator, whose jobs are completed at random moments.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fal_emulator::{Emulator, Pace};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, stdin, stdout};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::sleep;

use crate::Failure;
use crate::clock::now;

/// The steps of a job after its submission: the start, two log lines, and positions in the queue.
const STEPS: u32 = 4;

/// Prints the address. After a line on standard input it prints the number of requests, and the moment at which each job was
/// completed.
pub(crate) async fn serve(min: f64, max: f64) -> Result<(), Failure> {
    let (accepted, mut jobs) = unbounded_channel();
    let emulator = Emulator::builder()
        .pace(Pace::manual())
        .history(100_000)
        .on_job(move |job| drop(accepted.send(job.request_id().to_owned())))
        .start()
        .await?;
    println!("{}", emulator.base_url());
    let emulator = Arc::new(emulator);
    let completed = Arc::new(Mutex::new(String::new()));
    let (served, report) = (Arc::clone(&emulator), Arc::clone(&completed));
    tokio::spawn(async move {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        while let Some(id) = jobs.recv().await {
            let duration = Duration::from_secs_f64(min + (max - min) * random.fraction());
            tokio::spawn(run(Arc::clone(&served), id, duration, Arc::clone(&report)));
        }
    });
    BufReader::new(stdin()).lines().next_line().await?;
    let report = {
        let completed = completed.lock().unwrap_or_else(PoisonError::into_inner);
        format!("requests {}\n{completed}", emulator.requests().len())
    };
    stdout().write_all(report.as_bytes()).await?;
    stdout().flush().await?;
    Ok(())
}

/// Advances a job, and completes it after its duration.
async fn run(emulator: Arc<Emulator>, id: String, duration: Duration, completed: Arc<Mutex<String>>) {
    for _ in 0..STEPS {
        sleep(duration / (STEPS + 1)).await;
        emulator.advance(&id);
    }
    sleep(duration / (STEPS + 1)).await;
    let time = now();
    emulator.complete(&id);
    let _ = writeln!(completed.lock().unwrap_or_else(PoisonError::into_inner), "completed {id} {time}");
}

/// The same numbers in every run, so that all programs have the same jobs (xorshift).
struct Random(u64);

impl Random {
    /// Returns a number from 0 (inclusive) to 1 (exclusive).
    fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
