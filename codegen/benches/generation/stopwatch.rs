//! The processor time of generation. The programs that generate include this file.

use std::fs;
use std::time::Instant;

/// Measures the processor time of this thread, so that other load on the machine matters little. Falls back to elapsed time
/// if the system does not measure it.
pub(crate) struct Stopwatch {
    processor: Option<f64>,
    start: Instant,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Stopwatch { processor: processor_seconds(), start: Instant::now() }
    }

    pub(crate) fn seconds(&self) -> f64 {
        match (self.processor, processor_seconds()) {
            (Some(start), Some(end)) => end - start,
            _ => self.start.elapsed().as_secs_f64(),
        }
    }
}

fn processor_seconds() -> Option<f64> {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(statistics.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}
