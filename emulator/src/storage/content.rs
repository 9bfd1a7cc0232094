use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use crc32fast::Hasher;

use crate::storage::spool::Spool;

/// The most bytes of a chunk.
const CHUNK: u64 = 256 << 10;

/// The bytes of one request.
#[derive(Debug)]
pub(crate) struct Blob {
    spool: Arc<Spool>,
    extents: Vec<Range<u64>>,
    size: u64,
    checksum: Hasher,
}

impl Blob {
    pub(super) fn new(spool: &Arc<Spool>) -> Self {
        Blob { spool: Arc::clone(spool), extents: Vec::new(), size: 0, checksum: Hasher::new() }
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.spool.append(&mut self.extents, bytes)?;
        self.size += bytes.len() as u64;
        self.checksum.update(bytes);
        Ok(())
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Returns the ETag, with quotes.
    pub(crate) fn etag(&self) -> String {
        etag(&self.checksum, self.size)
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        self.spool.free(std::mem::take(&mut self.extents));
    }
}

fn etag(checksum: &Hasher, size: u64) -> String {
    format!("\"{:08x}{size:x}\"", checksum.clone().finalize())
}

/// The bytes of a file: one blob, or those of its parts in order.
#[derive(Clone, Debug)]
pub(crate) struct Content(Vec<Arc<Blob>>);

#[cfg(feature = "record")]
impl From<Blob> for Content {
    fn from(blob: Blob) -> Self {
        Content(vec![Arc::new(blob)])
    }
}

impl Content {
    pub(super) fn new(blobs: Vec<Arc<Blob>>) -> Self {
        Content(blobs)
    }

    pub(crate) fn size(&self) -> u64 {
        self.0.iter().map(|blob| blob.size).sum()
    }

    /// Returns the ETag, with quotes. It depends on the bytes, not on the number of parts.
    pub(crate) fn etag(&self) -> String {
        let mut checksum = Hasher::new();
        self.0.iter().for_each(|blob| checksum.combine(&blob.checksum));
        etag(&checksum, self.size())
    }

    /// Returns the bytes of a range in chunks.
    pub(crate) fn chunks(&self, range: Range<u64>) -> Chunks {
        let mut extents = Vec::new();
        let mut offset = 0;
        for extent in self.0.iter().flat_map(|blob| &blob.extents) {
            let length = extent.end - extent.start;
            let from = extent.start + range.start.saturating_sub(offset).min(length);
            let to = extent.start + range.end.saturating_sub(offset).min(length);
            extents.extend((from..to).step_by(CHUNK as usize).map(|start| start..(start + CHUNK).min(to)));
            offset += length;
        }
        Chunks { content: self.clone(), extents: extents.into_iter() }
    }

    /// Reads all bytes, or returns `None` if there are more than `max`.
    pub(crate) fn read(&self, max: u64) -> io::Result<Option<Vec<u8>>> {
        if self.size() > max {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(self.size() as usize);
        for chunk in self.chunks(0..self.size()) {
            bytes.extend_from_slice(&chunk?);
        }
        Ok(Some(bytes))
    }
}

/// A range of a file, chunk by chunk.
pub(crate) struct Chunks {
    /// Held so that its space is not reused while it is read.
    content: Content,
    extents: std::vec::IntoIter<Range<u64>>,
}

impl Iterator for Chunks {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        let extent = self.extents.next()?;
        Some(self.content.0.first()?.spool.read(extent))
    }
}
