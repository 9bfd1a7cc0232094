use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::faults::break_point::BreakPoint;
use crate::http::duplex::Duplex;

/// A connection that breaks at its [`BreakPoint`], in the middle of a line if that is where it falls.
pub(crate) struct Wire {
    stream: Box<dyn Duplex>,
    break_point: BreakPoint,
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Duplex>, break_point: BreakPoint) -> Self {
        Wire { stream, break_point }
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
        let Some(remaining) = self.break_point.remaining() else {
            return Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        };
        if remaining == 0 {
            // TLS may hold back what was sent before.
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let first = bytes.iter().find(|part| !part.is_empty()).map_or(&[][..], |part| part);
        let sent = Pin::new(&mut self.stream).poll_write(cx, &first[..first.len().min(remaining)]);
        if let Poll::Ready(Ok(count)) = sent {
            self.break_point.set(remaining - count);
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
