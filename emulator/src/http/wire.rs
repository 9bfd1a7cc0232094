use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connection that can be made to break after so many bytes more are sent, in the middle of a line if need be.
pub(crate) struct Wire {
    stream: TcpStream,
    breaks: Break,
}

/// When a connection breaks.
#[derive(Clone, Debug)]
pub(crate) struct Break(Arc<AtomicUsize>);

const NEVER: usize = usize::MAX;

impl Break {
    pub(crate) fn never() -> Self {
        Break(Arc::new(AtomicUsize::new(NEVER)))
    }

    /// The connection breaks once so many bytes more are sent.
    pub(crate) fn after(&self, bytes: usize) {
        self.0.store(bytes, Ordering::Relaxed);
    }
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, breaks: Break) -> Self {
        Wire { stream, breaks }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let left = self.breaks.0.load(Ordering::Relaxed);
        if left == NEVER {
            return Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        }
        if left == 0 {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let first = bytes.iter().find(|part| !part.is_empty()).map_or(&[][..], |part| part);
        let sent = Pin::new(&mut self.stream).poll_write(cx, &first[..first.len().min(left)]);
        if let Poll::Ready(Ok(count)) = sent {
            self.breaks.after(left - count);
        }
        sent
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
