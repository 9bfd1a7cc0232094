//! One measurement, in the process of its own that a measurement gets.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use costs::{Calls, Derived, ENDPOINT, Error, builder, input};
use fal_client::blocking::Call;
use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;
use tokio::runtime::Builder;

use super::raw::Raw;
use super::way::Way;

/// The load of a measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) calls: usize,
    pub(crate) in_flight: usize,
    pub(crate) threads: usize,
}

/// Makes the calls, and returns the seconds. Some calls before open the connections.
pub(crate) fn measure(way: Way, load: Load, base: &str) -> Result<f64, Error> {
    match way {
        Way::Typed(call) => timed(load, Calls::new(base)?, move |calls| async move { calls.make(call).await }),
        Way::Bare(call) => timed(load, Derived::new(base)?, move |derived| async move { derived.make(call).await }),
        Way::Serialized => {
            let derived = (Derived::new(base)?, Bytes::from(serde_json::to_vec(&Derived::input())?));
            timed(load, derived, |(derived, body)| async move { derived.run(body).await })
        }
        Way::Raw => timed(load, Arc::new(Raw::new(base)?), |raw| async move { raw.run().await }),
        Way::Unchecked => {
            let endpoint = builder(base).build()?.endpoint(inpainting::ENDPOINT);
            timed(load, endpoint, |endpoint| async move {
                drop(endpoint.run(input()).validate(false).await?);
                Ok(())
            })
        }
        Way::Untyped => {
            let endpoint = (builder(base).build()?.endpoint(ENDPOINT), serde_json::to_value(Derived::input())?);
            timed(load, endpoint, |(endpoint, input)| async move {
                drop(endpoint.run(input).await?);
                Ok(())
            })
        }
        Way::Blocking => {
            let endpoint = builder(base).build_blocking()?.endpoint(inpainting::ENDPOINT);
            let run = || endpoint.run(input()).call().map(drop);
            run()?;
            let start = Instant::now();
            (0..load.calls).try_for_each(|_| run())?;
            Ok(start.elapsed().as_secs_f64())
        }
    }
}

/// Makes calls, each with a clone of the client.
fn timed<T, C>(load: Load, client: T, call: impl Fn(T) -> C + Copy + Send + 'static) -> Result<f64, Error>
where
    T: Clone + Send + 'static,
    C: Future<Output = Result<(), Error>> + Send,
{
    let mut runtime = if load.threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    runtime.worker_threads(load.threads).enable_all().build()?.block_on(async {
        calls(load.in_flight, load.in_flight, &client, call).await?;
        let start = Instant::now();
        calls(load.calls, load.in_flight, &client, call).await?;
        Ok(start.elapsed().as_secs_f64())
    })
}

/// Makes calls in tasks, each of which makes its share one after another.
async fn calls<T, C>(
    calls: usize,
    in_flight: usize,
    client: &T,
    call: impl Fn(T) -> C + Copy + Send + 'static,
) -> Result<(), Error>
where
    T: Clone + Send + 'static,
    C: Future<Output = Result<(), Error>> + Send,
{
    let tasks: Vec<_> = (0..in_flight)
        .map(|task| {
            let client = client.clone();
            let share = calls / in_flight + usize::from(task < calls % in_flight);
            tokio::spawn(async move {
                for _ in 0..share {
                    call(client.clone()).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}
