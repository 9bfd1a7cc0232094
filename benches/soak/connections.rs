//! Realtime connections behind the proxy. The emulator repeats the seed of an input in its result.

use std::time::Duration;

use fal_client::endpoints::fal_ai::fast_lcm_diffusion::{ENDPOINT, Input};
use fal_client::{Client, Error, ImageSize};
use tokio::time::{Instant, interval, sleep, timeout};

/// The time after which a result does not come any more.
const PATIENCE: Duration = Duration::from_secs(60);

/// The inputs of a connection.
const INPUTS: i128 = 200;

/// The pause after each result, or between inputs.
const PAUSE: Duration = Duration::from_millis(500);

/// The outcomes of connections.
#[derive(Default)]
pub(crate) struct Connections {
    pub(crate) opened: usize,
    pub(crate) reconnects: usize,
    pub(crate) inputs: usize,
    pub(crate) results: usize,
    /// Connections that ended with an error.
    pub(crate) torn: usize,
    /// Results that came twice, in the wrong order, or not at all without an error.
    pub(crate) lost: Vec<String>,
}

impl Connections {
    pub(crate) fn add(&mut self, other: Connections) {
        self.opened += other.opened;
        self.reconnects += other.reconnects;
        self.inputs += other.inputs;
        self.results += other.results;
        self.torn += other.torn;
        self.lost.extend(other.lost);
    }
}

/// Connects until the time is over. Every other user sends inputs without waiting for their results.
pub(crate) async fn user(client: Client, number: usize, until: Instant) -> Connections {
    let mut connections = Connections::default();
    while Instant::now() < until {
        let ended = match number.is_multiple_of(2) {
            true => in_turns(&client, until, &mut connections).await,
            false => continuously(&client, until, &mut connections).await,
        };
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(lost)) => connections.lost.push(lost),
            Err(_) => connections.torn += 1,
        }
    }
    connections
}

/// Waits for the result of each input. Returns what is missing without an error.
async fn in_turns(client: &Client, until: Instant, count: &mut Connections) -> Result<Result<(), String>, Error> {
    let mut connection = client.endpoint(ENDPOINT).realtime().await?;
    count.opened += 1;
    for seed in 0..INPUTS {
        if Instant::now() >= until {
            break;
        }
        connection.send(input(seed)).await?;
        count.inputs += 1;
        match timeout(PATIENCE, connection.next()).await {
            Err(_) => return Ok(Err(format!("no result of input {seed}"))),
            Ok(None) => return Ok(Err(format!("closed without a result of input {seed}"))),
            Ok(Some(result)) => match result?.seed {
                Some(of) if of == seed => count.results += 1,
                of => return Ok(Err(format!("a result of input {of:?} instead of {seed}"))),
            },
        }
        sleep(PAUSE).await;
    }
    connection.close().await?;
    Ok(Ok(()))
}

/// Sends inputs while results arrive, and reconnects. Results of inputs that were sent on a torn connection do not come.
async fn continuously(client: &Client, until: Instant, count: &mut Connections) -> Result<Result<(), String>, Error> {
    let mut connection = client.endpoint(ENDPOINT).realtime().max_buffering(60).reconnect(true).await?;
    count.opened += 1;
    let (mut sent, mut last, mut missing) = (0, -1, 0);
    let mut ticks = interval(PAUSE);
    let ended = loop {
        let is_over = sent == INPUTS || Instant::now() >= until;
        if is_over && last == sent - 1 {
            break Ok(());
        }
        tokio::select! {
            _ = ticks.tick(), if !is_over => {
                connection.send(input(sent)).await?;
                (sent, count.inputs) = (sent + 1, count.inputs + 1);
            }
            () = sleep(PATIENCE) => {
                missing += sent - 1 - last;
                break Ok(());
            }
            result = connection.next() => {
                let Some(result) = result else { break Err("closed without an error".to_owned()) };
                let Some(seed) = result?.seed.filter(|seed| *seed > last) else {
                    break Err(format!("an earlier result after that of input {last}"));
                };
                missing += seed - 1 - last;
                last = seed;
                count.results += 1;
            }
        }
    };
    count.reconnects += connection.reconnects() as usize;
    if missing > 0 && connection.reconnects() == 0 {
        return Ok(Err(format!("{missing} results are missing")));
    }
    match ended {
        Ok(()) => connection.close().await.map(Ok),
        Err(lost) => Ok(Err(lost)),
    }
}

fn input(seed: i128) -> impl Into<Input> {
    // Small images are quick to make.
    let size = ImageSize::new(8, 8);
    Input::builder().prompt("a fox").seed(seed).image_size(size)
}
