use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use futures_util::FutureExt;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::{JoinHandle, spawn_blocking};

use super::writer::uninterrupted;
use crate::files::FileInput;

/// Maximum size of a read, in bytes.
const CHUNK: usize = 256 << 10;

impl FileInput {
    /// Creates a file from a reader of the standard library. `length` is the number of bytes, if known.
    ///
    /// ```
    /// use std::process::{Command, Stdio};
    ///
    /// use fal_client::FileInput;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let known = FileInput::blocking_reader(&b"abc"[..], 3).content_type("text/plain");
    /// let process = Command::new("echo").stdout(Stdio::piped()).spawn()?;
    /// let unknown = process.stdout.map(|output| FileInput::blocking_reader(output, None).name("echo.txt"));
    /// # let _ = (known, unknown);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Otherwise the same as [`FileInput::reader`]. The bytes are read while they are sent, in a background thread: the reader
    /// must be [`Send`] and must not borrow. A read that blocks when a call is given up ends on its own time.
    pub fn blocking_reader(reader: impl Read + Send + 'static, length: impl Into<Option<u64>>) -> Self {
        FileInput::reader(Reader { state: State::Idle(reader), chunk: Bytes::new() }, length)
    }
}

/// An async reader that reads in the threads for blocking work.
struct Reader<R> {
    state: State<R>,
    /// Bytes that were read, but not taken.
    chunk: Bytes,
}

enum State<R> {
    Idle(R),
    Reading(JoinHandle<io::Result<(R, Bytes)>>),
    Failed,
}

impl<R> Unpin for Reader<R> {}

impl<R: Read + Send + 'static> AsyncRead for Reader<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.chunk.is_empty() {
            let mut reading = match std::mem::replace(&mut self.state, State::Failed) {
                State::Idle(reader) => spawn_blocking(move || read(reader)),
                State::Reading(reading) => reading,
                State::Failed => return Poll::Ready(Err(io::Error::other("the reader has failed before"))),
            };
            let Poll::Ready(read) = reading.poll_unpin(context) else {
                self.state = State::Reading(reading);
                return Poll::Pending;
            };
            // A panic of the reader becomes an error.
            let (reader, chunk) = read??;
            (self.state, self.chunk) = (State::Idle(reader), chunk);
        }
        let length = self.chunk.len().min(buffer.remaining());
        buffer.put_slice(&self.chunk[..length]);
        self.chunk.advance(length);
        Poll::Ready(Ok(()))
    }
}

/// Reads a chunk, which is empty at the end.
fn read<R: Read>(mut reader: R) -> io::Result<(R, Bytes)> {
    let mut chunk = vec![0; CHUNK];
    let length = uninterrupted(|| reader.read(&mut chunk))?;
    chunk.truncate(length);
    Ok((reader, chunk.into()))
}
