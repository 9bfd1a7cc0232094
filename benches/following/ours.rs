//! Programs with fal-client.

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{Client, JobEvent};
use futures_util::StreamExt;
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::task::JoinSet;

use crate::Failure;
use crate::clock::now;

fn client(base: &str, streams: Option<usize>) -> Result<Client, Failure> {
    let builder = Client::builder()
        .key("id:secret")
        .run_host(format!("{base}/fal.run"))
        .queue_host(format!("{base}/queue.fal.run"))
        .rest_host(format!("{base}/rest.fal.ai"));
    let builder = match streams {
        Some(streams) => builder.max_status_streams(streams),
        None => builder,
    };
    Ok(builder.build()?)
}

fn input() -> redux::Input {
    redux::Input::builder().image_url("https://example.com/a.png").into()
}

/// Follows jobs to their results, and prints the moments at which the results arrived.
pub(crate) async fn follow(base: &str, jobs: usize, streams: Option<usize>) -> Result<(), Failure> {
    let client = client(base, streams)?;
    begin().await?;
    let mut results = JoinSet::new();
    for _ in 0..jobs {
        let call = client.endpoint(redux::ENDPOINT).subscribe(input());
        results.spawn(async move { call.await.map(|response| (response.request_id, now())) });
    }
    let results = results.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
    end(results.into_iter().map(|(id, time)| format!("result {} {time}", id.unwrap_or_default()))).await
}

/// Subscribes to jobs until each has sent an update, and keeps them.
pub(crate) async fn wait(base: &str, jobs: usize) -> Result<(), Failure> {
    let client = client(base, None)?;
    begin().await?;
    let mut followed = Vec::with_capacity(jobs);
    for _ in 0..jobs {
        let mut updates = client.endpoint(redux::ENDPOINT).subscribe(input()).updates();
        while let Some(event) = updates.next().await {
            if matches!(event?, JobEvent::Update(_)) {
                break;
            }
        }
        followed.push(updates);
    }
    end(std::iter::empty()).await
}

/// Says that the program is ready, and waits until it may begin.
async fn begin() -> Result<(), Failure> {
    println!("ready");
    BufReader::new(stdin()).lines().next_line().await?;
    Ok(())
}

/// Prints lines, and waits until the process has been measured.
async fn end(lines: impl Iterator<Item = String>) -> Result<(), Failure> {
    println!("done");
    lines.for_each(|line| println!("{line}"));
    println!("end");
    BufReader::new(stdin()).lines().next_line().await?;
    Ok(())
}
