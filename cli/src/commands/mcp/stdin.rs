//! The input of the server.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::watch;

use crate::terminal::Terminal;

/// The longest message that rmcp reads. It drops a longer one.
const MAX_MESSAGE: usize = 16 << 20;

/// Reads messages, and tells the calls when there will not be more.
///
/// rmcp lets calls run on after the end of its input. A job that completes then is recorded, but no client receives it, and the
/// client's next call would start another job. A call that ends before leaves a job that the next call continues.
#[derive(Debug)]
pub(super) struct Input<R> {
    input: R,
    closing: watch::Sender<bool>,
    terminal: Terminal,
    /// The bytes of the message so far.
    length: usize,
}

impl<R> Input<R> {
    pub(super) fn new(input: R, closing: watch::Sender<bool>, terminal: Terminal) -> Self {
        Input { input, closing, terminal, length: 0 }
    }

    fn count(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let before = self.length;
            self.length += part.len();
            if before <= MAX_MESSAGE && self.length > MAX_MESSAGE {
                let limit = MAX_MESSAGE >> 20;
                self.terminal.note(format_args!(
                    "a message of the client exceeds {limit} MiB and is dropped; pass files by path instead of by data URI"
                ));
            }
            if part.ends_with(b"\n") {
                self.length = 0;
            }
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Input<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.input).poll_read(cx, buffer));
        let read = buffer.filled().get(filled..).unwrap_or_default();
        if read.is_empty() || result.is_err() {
            self.closing.send_replace(true);
        }
        self.count(read);
        Poll::Ready(result)
    }
}
