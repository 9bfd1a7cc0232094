//! The tasks, descriptors and memory of the process.

use std::fs;

use super::Failure;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) tasks: usize,
    pub(crate) descriptors: usize,
}

pub(crate) fn usage() -> Result<Usage, Failure> {
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    Ok(Usage { tasks, descriptors: fs::read_dir("/proc/self/fd")?.count() })
}

/// Reads the resident memory of the process from Linux, in KiB.
pub(crate) fn resident() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
