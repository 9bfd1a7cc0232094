//! One measurement, in the process of its own that a measurement gets.

use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::{Builder, Runtime};

use super::bare::Bare;
use super::way::{Program, Way};
use super::{Failure, ours};

/// The load of a measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) calls: usize,
    pub(crate) in_flight: usize,
    pub(crate) threads: usize,
}

/// Makes the calls, and returns the seconds. Some calls before open the connections.
pub(crate) fn measure(way: Way, load: Load, base: &str) -> Result<f64, Failure> {
    if way.program == Program::Blocking {
        let client = ours::blocking_client(base)?;
        ours::run_blocking(&client)?;
        let start = Instant::now();
        (0..load.calls).try_for_each(|_| ours::run_blocking(&client))?;
        return Ok(start.elapsed().as_secs_f64());
    }
    let runtime = runtime(load.threads)?;
    runtime.block_on(async {
        match way.program {
            Program::Raw | Program::Serialized | Program::Bare => {
                let bare = Arc::new(Bare::new(base)?);
                timed(load, move || {
                    let bare = Arc::clone(&bare);
                    async move { bare.call(way).await }
                })
                .await
            }
            _ => {
                let client = ours::client(base)?;
                timed(load, move || {
                    let client = client.clone();
                    async move { ours::call(&client, way).await }
                })
                .await
            }
        }
    })
}

fn runtime(threads: usize) -> Result<Runtime, Failure> {
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    Ok(builder.worker_threads(threads).enable_all().build()?)
}

async fn timed<C>(load: Load, call: impl Fn() -> C + Clone + Send + 'static) -> Result<f64, Failure>
where
    C: Future<Output = Result<(), Failure>> + Send,
{
    calls(load.in_flight, load.in_flight, &call).await?;
    let start = Instant::now();
    calls(load.calls, load.in_flight, &call).await?;
    Ok(start.elapsed().as_secs_f64())
}

/// Makes calls in tasks, each of which makes its share one after another.
async fn calls<C>(
    calls: usize,
    in_flight: usize,
    call: &(impl Fn() -> C + Clone + Send + 'static),
) -> Result<(), Failure>
where
    C: Future<Output = Result<(), Failure>> + Send,
{
    let tasks: Vec<_> = (0..in_flight)
        .map(|task| {
            let call = call.clone();
            let share = calls / in_flight + usize::from(task < calls % in_flight);
            tokio::spawn(async move {
                for _ in 0..share {
                    call().await?;
                }
                Ok::<_, Failure>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}
