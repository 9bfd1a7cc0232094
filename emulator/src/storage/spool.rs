use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::Mutex;

use bytes::Bytes;

use crate::sync::lock;

/// The most bytes that are stored at a time.
const MAX_BYTES: u64 = 16 << 30;

/// The bytes of all files, in one unnamed temporary file. The system removes it when the process ends, even after a
/// crash. Freed space is reused.
///
/// Reading and writing block, but not for long: recent data is in the system's cache.
#[derive(Default)]
pub(super) struct Spool(Mutex<Disk>);

#[derive(Default)]
struct Disk {
    /// `None` before the first byte.
    file: Option<File>,
    end: u64,
    /// The free extents before the end.
    free: Vec<Range<u64>>,
    used: u64,
}

impl Spool {
    /// Writes bytes, and adds their extents to `extents`.
    pub(super) fn append(&self, extents: &mut Vec<Range<u64>>, mut bytes: &[u8]) -> io::Result<()> {
        let mut disk = lock(&self.0);
        if disk.used + bytes.len() as u64 > MAX_BYTES {
            let message = format!("the emulator's limit of {} GiB is reached", MAX_BYTES >> 30);
            return Err(io::Error::new(io::ErrorKind::StorageFull, message));
        }
        while !bytes.is_empty() {
            let extent = disk.free.pop();
            let is_new = extent.is_none();
            let extent = extent.unwrap_or(disk.end..u64::MAX);
            let count = extent.end.saturating_sub(extent.start).min(bytes.len() as u64);
            let (now, rest) = bytes.split_at(count as usize);
            let used = extent.start..extent.start + count;
            let written = disk.write(used.start, now);
            if is_new {
                disk.end = used.end;
            } else if used.end < extent.end {
                disk.free.push(used.end..extent.end);
            }
            disk.used += count;
            // Recorded even if writing failed, so that the space is freed later.
            match extents.last_mut() {
                Some(last) if last.end == used.start => last.end = used.end,
                _ => extents.push(used),
            }
            written?;
            bytes = rest;
        }
        Ok(())
    }

    pub(super) fn read(&self, extent: Range<u64>) -> io::Result<Bytes> {
        let mut bytes = vec![0; (extent.end - extent.start) as usize];
        let mut disk = lock(&self.0);
        let file = disk.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.seek(SeekFrom::Start(extent.start))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }

    /// Frees space.
    pub(super) fn free(&self, extents: Vec<Range<u64>>) {
        let mut disk = lock(&self.0);
        disk.used -= extents.iter().map(|extent| extent.end - extent.start).sum::<u64>();
        disk.free.extend(extents);
        if disk.used == 0 {
            *disk = Disk::default();
        }
    }
}

impl Disk {
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            empty => empty.insert(tempfile::tempfile()?),
        };
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes)
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool").field("used", &lock(&self.0).used).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_space_is_reused() -> io::Result<()> {
        let spool = Spool::default();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        spool.append(&mut first, b"one")?;
        spool.append(&mut second, b"second")?;
        spool.append(&mut first, b"two")?;
        assert_eq!(first, [0..3, 9..12]);
        spool.free(first);
        let mut third = Vec::new();
        spool.append(&mut third, b"12345678")?;
        assert_eq!(third, [9..12, 0..3, 12..14]);
        assert_eq!(spool.read(9..12)?, "123");
        assert_eq!(spool.read(0..3)?, "456");
        assert_eq!(spool.read(3..9)?, "second");
        spool.free(third);
        spool.free(second);
        // The empty file is closed, and so removed.
        assert!(lock(&spool.0).file.is_none());
        Ok(())
    }
}
