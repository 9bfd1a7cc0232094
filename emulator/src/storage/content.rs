use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use crc32fast::Hasher;

use crate::storage::spool::Spool;

/// The most bytes that are read at a time.
const CHUNK: u64 = 256 << 10;

/// What came in one request.
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

    /// What identifies its bytes, in quotes.
    pub(super) fn etag(&self) -> String {
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

impl Content {
    pub(super) fn new(blobs: Vec<Arc<Blob>>) -> Self {
        Content(blobs)
    }

    pub(crate) fn size(&self) -> u64 {
        self.0.iter().map(|blob| blob.size).sum()
    }

    /// What identifies its bytes, in quotes, in however many parts they came.
    pub(crate) fn etag(&self) -> String {
        let mut checksum = Hasher::new();
        self.0.iter().for_each(|blob| checksum.combine(&blob.checksum));
        etag(&checksum, self.size())
    }

    /// The bytes of a range, in chunks.
    pub(crate) fn chunks(&self, range: Range<u64>) -> Chunks {
        let mut places = Vec::new();
        let mut at = 0;
        for extent in self.0.iter().flat_map(|blob| &blob.extents) {
            let length = extent.end - extent.start;
            let from = extent.start + range.start.saturating_sub(at).min(length);
            let to = extent.start + range.end.saturating_sub(at).min(length);
            places.extend((from..to).step_by(CHUNK as usize).map(|start| start..(start + CHUNK).min(to)));
            at += length;
        }
        Chunks { content: self.clone(), places: places.into_iter() }
    }

    /// All of it, if that is at most so many bytes.
    pub(crate) fn whole(&self, most: u64) -> io::Result<Option<Vec<u8>>> {
        if self.size() > most {
            return Ok(None);
        }
        let mut whole = Vec::with_capacity(self.size() as usize);
        for chunk in self.chunks(0..self.size()) {
            whole.extend_from_slice(&chunk?);
        }
        Ok(Some(whole))
    }
}

/// A part of a file, chunk by chunk.
pub(crate) struct Chunks {
    /// Held, so that its room is not given back while it is read.
    content: Content,
    places: std::vec::IntoIter<Range<u64>>,
}

impl Iterator for Chunks {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        let place = self.places.next()?;
        Some(self.content.0.first()?.spool.read(place))
    }
}
