//! One generator at a time works on an output folder.

use std::fs::File;
use std::path::Path;

/// A lock on a folder, released when it is dropped and when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    folder: Option<File>,
}

impl Lock {
    /// Waits until no other generator works on the folder.
    ///
    /// The lock is advisory and on the folder itself, so that no file is left behind. Systems other than Unix cannot lock a
    /// folder, and some network file systems neither. Generators may run in parallel there, but each replaces whole files.
    pub(crate) fn of(folder: &Path) -> Lock {
        Lock { folder: File::open(folder).ok().filter(wait) }
    }

    /// Returns true if no other generator works on the folder.
    pub(crate) fn is_held(&self) -> bool {
        self.folder.is_some()
    }
}

/// Returns true if the folder is locked now.
#[cfg(unix)]
fn wait(folder: &File) -> bool {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;

    loop {
        match flock(folder, FlockOperation::LockExclusive) {
            Err(Errno::INTR) => {}
            locked => return locked.is_ok(),
        }
    }
}

#[cfg(not(unix))]
fn wait(_folder: &File) -> bool {
    false
}
