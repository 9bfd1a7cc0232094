//! Output streams behind the proxy. Each has the same events, in which only a number differs.

use fal_client::endpoints::openrouter::router;
use fal_client::{Client, Error};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::Instant;

/// The number of events of a stream.
const EVENTS: usize = 50;

/// The outcomes of streams.
#[derive(Default)]
pub(crate) struct Streams {
    pub(crate) complete: usize,
    pub(crate) events: usize,
    /// Streams that ended with an error.
    pub(crate) torn: usize,
    /// Streams that skipped an event, or ended early without an error.
    pub(crate) lost: Vec<String>,
}

impl Streams {
    pub(crate) fn add(&mut self, other: Streams) {
        self.complete += other.complete;
        self.events += other.events;
        self.torn += other.torn;
        self.lost.extend(other.lost);
    }
}

/// Returns the events that the emulator sends.
pub(crate) fn events() -> impl Iterator<Item = Value> {
    (1..=EVENTS).map(|number| json!({ "output": number.to_string(), "partial": number < EVENTS }))
}

/// Streams until the time is over.
pub(crate) async fn streamer(client: Client, until: Instant) -> Streams {
    let mut streams = Streams::default();
    while Instant::now() < until {
        match stream(&client, &mut streams.events).await {
            Ok(Ok(())) => streams.complete += 1,
            Ok(Err(lost)) => streams.lost.push(lost),
            Err(_) => streams.torn += 1,
        }
    }
    streams
}

/// Reads a stream to its end. Returns what is missing without an error.
async fn stream(client: &Client, count: &mut usize) -> Result<Result<(), String>, Error> {
    let input = router::Input::builder().prompt("a fox").model("example/model");
    let mut stream = client.endpoint(router::ENDPOINT).stream(input);
    let mut last = 0;
    while let Some(event) = stream.next().await {
        let output = event?.into_output().map(|output| output.output).unwrap_or_default();
        *count += 1;
        last += 1;
        if output != last.to_string() {
            return Ok(Err(format!("event {output} instead of {last}")));
        }
    }
    Ok(if last == EVENTS { Ok(()) } else { Err(format!("the stream ended after {last} events")) })
}
