//! WebSocket calls against a scripted host. Needs the feature `realtime`.

mod cancellation;
mod closing;
mod codecs;
mod emulator;
mod frames;
mod handshake;
mod host;
mod queue;
mod reconnection;
mod runs;
mod tokens;
#[path = "../client/support/unreachable.rs"]
mod unreachable;
mod wire;
