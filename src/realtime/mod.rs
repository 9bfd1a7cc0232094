//! WebSocket calls: realtime connections, and connections for direct runs.

mod auth;
mod codec;
mod connect;
mod connect_runs;
mod connection;
mod connector;
mod control;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod link;
mod message_pack;
mod narrow;
mod plain;
mod run_connection;
mod run_frame;
mod send_policy;
mod sink;
mod stream;

pub use codec::RealtimeFrame;
pub use connect::ConnectRealtime;
pub use connect_runs::ConnectRuns;
pub use connection::Realtime;
pub use run_connection::RunConnection;
pub use send_policy::SendPolicy;
pub use sink::RealtimeSink;
pub use stream::RealtimeStream;
