//! WebSocket connections: realtime connections, and connections for direct runs.
//!
//! ```no_run
//! # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
//! let mut connection = client.endpoint("fal-ai/fast-lcm-diffusion").realtime().await?;
//! connection.send(serde_json::json!({ "prompt": "a fox", "sync_mode": true })).await?;
//! if let Some(result) = connection.next().await {
//!     println!("{}", result?["images"][0]["url"]);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - [`Realtime`] sends inputs and receives results in any order. [`Handle::realtime`](crate::Handle::realtime) opens it.
//! - [`RunConnection`] runs a model, one input after another. [`Handle::run_connection`](crate::Handle::run_connection) opens it.

mod auth;
mod close_timeout;
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
