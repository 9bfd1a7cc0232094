//! The proxy. It draws its disturbances from a fixed seed. Requests are delayed, or torn before or after they are forwarded.
//! They are never garbled or duplicated, because that would be another request. Responses may be delayed, torn, sent twice
//! in part, or overwritten in part. The response to a submission is overwritten to its end, so that its request id is not
//! another valid one.
//!
//! Output streams and realtime connections are delayed and torn, but not changed. TLS would detect a change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

const SEED: u64 = 0x5eed;

/// The addresses of the emulator and of the proxy.
pub(crate) struct Names {
    pub(crate) upstream: String,
    pub(crate) address: String,
    /// True if responses may be duplicated and garbled.
    pub(crate) changes_bytes: bool,
}

/// The numbers of disturbances, by kind.
#[derive(Default)]
pub(crate) struct Counts([AtomicU64; 6]);

pub(crate) const KINDS: [&str; 6] =
    ["connections", "requests torn", "responses torn", "delayed", "duplicated", "garbled"];

impl Counts {
    fn add(&self, kind: usize) {
        self.0[kind].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn json(&self) -> Value {
        KINDS.iter().zip(&self.0).map(|(kind, count)| (*kind, json!(count.load(Ordering::Relaxed)))).collect()
    }
}

/// Accepts connections and relays them.
pub(crate) async fn proxy(listener: TcpListener, names: Names, counts: Arc<Counts>) {
    let names = Arc::new(names);
    let mut connections = JoinSet::new();
    let mut dice = Dice(SEED);
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                counts.add(0);
                let (names, counts, dice) = (Arc::clone(&names), Arc::clone(&counts), Dice(dice.next()));
                connections.spawn(relay(client, names, counts, dice));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Relays a connection until one side ends, or a disturbance tears both.
async fn relay(client: TcpStream, names: Arc<Names>, counts: Arc<Counts>, mut dice: Dice) {
    let Ok(server) = TcpStream::connect(&names.upstream).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let is_submission = Arc::new(AtomicBool::new(false));
    let (up, down) = (Dice(dice.next()), Dice(dice.next()));
    let up = requests(from_client, to_server, up, &counts, &is_submission);
    let down = responses(from_server, to_client, down, &counts, &is_submission, &names);
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}

async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut dice: Dice,
    counts: &Counts,
    is_submission: &AtomicBool,
) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let chunk = &bytes[..count];
        is_submission.store(chunk.starts_with(b"POST "), Ordering::Relaxed);
        match dice.below(1_000) {
            0..10 => return counts.add(1),
            10..20 => {
                counts.add(1);
                let _ = to.write_all(chunk).await;
                // Usually long enough for the request to take effect.
                sleep(Duration::from_millis(dice.below(20))).await;
                return;
            }
            20..50 => {
                counts.add(3);
                sleep(Duration::from_millis(dice.below(2_000))).await;
            }
            _ => {}
        }
        if to.write_all(chunk).await.is_err() {
            return;
        }
    }
}

async fn responses(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut dice: Dice,
    counts: &Counts,
    is_submission: &AtomicBool,
    names: &Names,
) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let chunk = &mut bytes[..count];
        // URLs in responses lead to the proxy too. Both addresses have the same length.
        replace(chunk, names.upstream.as_bytes(), names.address.as_bytes());
        let drawn = dice.below(1_000);
        match drawn {
            0..10 => {
                counts.add(2);
                let _ = to.write_all(&chunk[..dice.below(count as u64) as usize]).await;
                return;
            }
            10..40 => {
                counts.add(3);
                sleep(Duration::from_millis(dice.below(2_000))).await;
            }
            40..45 if names.changes_bytes => {
                counts.add(4);
                // Ends the connection, because what follows is not what HTTP would expect.
                let again = chunk[dice.below(count as u64) as usize..].to_vec();
                let _ = to.write_all(chunk).await;
                let _ = to.write_all(&again).await;
                return;
            }
            45..50 if names.changes_bytes => {
                counts.add(5);
                let start = dice.below(count as u64) as usize;
                let end = match is_submission.load(Ordering::Relaxed) {
                    true => count,
                    false => count.min(start + 1 + dice.below(16) as usize),
                };
                let start = if end == count { start.min(count / 2) } else { start };
                chunk[start..end].fill(0xff);
            }
            _ => {}
        }
        if to.write_all(chunk).await.is_err() {
            return;
        }
    }
}

fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    if old.len() != new.len() {
        return;
    }
    for start in 0..(bytes.len() + 1).saturating_sub(old.len()) {
        if bytes[start..].starts_with(old) {
            bytes[start..start + old.len()].copy_from_slice(new);
        }
    }
}

/// A small deterministic random number generator (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }
}
