use tokio::sync::mpsc::Sender;

use crate::faults::fault::{Cut, MessageLimit};
use crate::faults::frame::Frame;

/// Sends the frames that respond to one message.
pub(super) struct Responder {
    frames: Sender<Frame>,
    limit: Option<MessageLimit>,
}

impl Responder {
    /// Sends frames up to a limit, after which the connection breaks.
    pub(super) fn new(frames: Sender<Frame>, limit: Option<MessageLimit>) -> Self {
        Responder { frames, limit }
    }

    pub(super) async fn send(&mut self, frame: Frame) -> Result<(), Cut> {
        if let Some(limit) = &self.limit {
            limit.check()?;
        }
        // The receiver is dropped with this future, so this never fails.
        let _ = self.frames.send(frame).await;
        self.limit.as_mut().map_or(Ok(()), MessageLimit::count)
    }

    pub(super) async fn send_all(&mut self, frames: &[Frame]) -> Result<(), Cut> {
        for frame in frames {
            self.send(frame.clone()).await?;
        }
        Ok(())
    }
}
