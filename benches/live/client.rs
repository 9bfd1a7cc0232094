//! The same work with fal-client.

use std::time::Instant;

use fal_client::endpoints::fal_ai::fast_lcm_diffusion;
use fal_client::endpoints::openrouter::router;
use fal_client::realtime::Realtime;
use fal_client::{Client, Endpoint};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Failure;
use super::bare::finished;
use super::messages::Kind;

type Connection = Realtime<fast_lcm_diffusion::Input, fast_lcm_diffusion::Output>;

/// Returns the seconds.
pub(crate) async fn measure(kind: Kind, name: &str, address: &str) -> Result<f64, Failure> {
    match kind {
        Kind::RoundTrips => round_trips(kind, address).await,
        _ if !kind.is_events() => frames(kind, address).await,
        _ if name == "stream" => events::<router::Output>(kind, address).await,
        _ => events::<Value>(kind, address).await,
    }
}

async fn events<T: DeserializeOwned + Send + 'static>(kind: Kind, address: &str) -> Result<f64, Failure> {
    let endpoint = client(address)?.endpoint(Endpoint::<Value, T>::new(kind.endpoint()));
    let start = Instant::now();
    let mut events = endpoint.stream(json!({ "prompt": "a fox" }));
    let mut count = 0;
    while let Some(event) = events.next().await {
        std::hint::black_box(event?);
        count += 1;
    }
    finished(kind, count, start)
}

async fn frames(kind: Kind, address: &str) -> Result<f64, Failure> {
    let mut connection = connect(kind, address).await?;
    let start = Instant::now();
    connection.send(input()).await?;
    let mut count = 0;
    while count < kind.count() {
        std::hint::black_box(connection.next().await.ok_or("the connection closed")??);
        count += 1;
    }
    let seconds = finished(kind, count, start)?;
    connection.close().await?;
    Ok(seconds)
}

async fn round_trips(kind: Kind, address: &str) -> Result<f64, Failure> {
    let mut connection = connect(kind, address).await?;
    let start = Instant::now();
    for _ in 0..kind.count() {
        connection.send(input()).await?;
        std::hint::black_box(connection.next().await.ok_or("the connection closed")??);
    }
    let seconds = finished(kind, kind.count(), start)?;
    connection.close().await?;
    Ok(seconds)
}

async fn connect(kind: Kind, address: &str) -> Result<Connection, Failure> {
    let endpoint = Endpoint::<fast_lcm_diffusion::Input, fast_lcm_diffusion::Output>::new(kind.endpoint());
    Ok(client(address)?.endpoint(endpoint).realtime().await?)
}

fn client(address: &str) -> Result<Client, Failure> {
    let host = |name| format!("http://{address}/{name}");
    let client = Client::builder().key("id:secret").run_host(host("fal.run")).queue_host(host("queue.fal.run"));
    Ok(client.rest_host(host("rest.fal.ai")).build()?)
}

fn input() -> fast_lcm_diffusion::Input {
    fast_lcm_diffusion::Input::builder().prompt("a fox").into()
}
