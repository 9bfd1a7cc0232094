use std::collections::VecDeque;
use std::future::pending;
use std::time::Duration;

use tokio::sync::mpsc::{self, Sender};
use tokio::time::Instant;

use crate::faults::fault::Cut;
use crate::faults::frame::Frame;
use crate::sessions::incoming::Incoming;
use crate::sessions::socket::{Ended, Socket};
use crate::time::clock::Clock;

/// The most messages of a connection that wait. The client's further messages stay in its own buffers.
const MAX_WAITING: usize = 1_000;
/// The most frames that wait to be sent.
const MAX_FRAMES: usize = 16;

/// The messages of a connection, handled one after the other.
pub(super) struct Pump<'a> {
    pub(super) clock: &'a Clock,
    /// The most messages that wait. Newer ones replace older ones.
    pub(super) buffering: Option<usize>,
    /// The time without a message after which the session ends, and the frames that end it.
    pub(super) session_timeout: Option<(Duration, Vec<Frame>)>,
}

impl Pump<'_> {
    /// Handles messages until the connection ends. `arrive` records a message when it arrives. `handle` responds to it when
    /// it is its turn; it is dropped with the connection.
    pub(super) async fn run<T, W>(
        self,
        socket: &mut Socket,
        arrive: impl Fn(Incoming) -> T,
        handle: impl Fn(T, Sender<Frame>) -> W,
    ) -> Ended
    where
        W: Future<Output = Result<(), Cut>>,
    {
        let (sender, mut frames) = mpsc::channel(MAX_FRAMES);
        let mut waiting = VecDeque::new();
        let mut running = None;
        let mut last = self.clock.now();
        let mut timed_out = false;
        loop {
            if running.is_none() {
                running = waiting.pop_front().map(|message| Box::pin(handle(message, sender.clone())));
            }
            if let Some((_, end)) = self.session_timeout.as_ref().filter(|_| timed_out && running.is_none()) {
                for frame in end {
                    if let Err(ended) = socket.send(frame.clone()).await {
                        return ended;
                    }
                }
                return Ended;
            }
            let handled = async {
                match &mut running {
                    Some(running) => running.await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(frame) = frames.recv() => {
                    if let Err(ended) = socket.send(frame).await {
                        return ended;
                    }
                }
                handled = handled => {
                    running = None;
                    while let Ok(frame) = frames.try_recv() {
                        if let Err(ended) = socket.send(frame).await {
                            return ended;
                        }
                    }
                    if let Err(broken) = handled {
                        return socket.break_off(broken).await;
                    }
                }
                message = socket.receive(), if waiting.len() < MAX_WAITING => match message {
                    Ok(message) => {
                        last = self.clock.now();
                        waiting.push_back(arrive(message));
                        if self.buffering.is_some_and(|most| waiting.len() > most + usize::from(running.is_none())) {
                            waiting.pop_front();
                        }
                    }
                    Err(ended) => return ended,
                },
                () = self.timeout(last), if !timed_out => timed_out = true,
            }
        }
    }

    async fn timeout(&self, last: Instant) {
        match &self.session_timeout {
            Some((time, _)) => self.clock.sleep_since(last, *time).await,
            None => pending().await,
        }
    }
}
