//! Does each part whose instructions are counted. Prints its name and its repetitions.

use std::env;
use std::hint::black_box;

use costs::{Call, Calls, Derived, Error, OUTPUT, Output, input, runtime};
use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;
use serde::Serialize;

/// Repetitions of what is counted, after as many that are not: they open connections and fill caches.
const TIMES: u64 = 200;

fn main() -> Result<(), Error> {
    let url = env::args().nth(1).ok_or("usage: parts URL")?;
    let (runtime, calls, derived) = (runtime()?, Calls::new(&url)?, Derived::new(&url)?);
    for call in Call::ALL.into_iter().chain([Call::LongStream]) {
        part(call.name(), || runtime.block_on(calls.make(call)))?;
        part(&format!("{}.derived", call.name()), || runtime.block_on(derived.make(call)))?;
    }

    let (input, derived) = (input(), Derived::input());
    part("validate", || Ok(black_box(&input).validate()?))?;
    part("write", || write(black_box(&input)))?;
    part("write.derived", || write(black_box(&derived)))?;
    part("read", || Ok(serde_json::from_str::<inpainting::Output>(black_box(OUTPUT))?))?;
    part("read.derived", || Ok(serde_json::from_str::<Output>(black_box(OUTPUT))?))
}

/// Writes JSON into a buffer that does not grow, because growing costs more or less, depending on the heap.
fn write(input: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut json = Vec::with_capacity(1024);
    serde_json::to_writer(&mut json, input)?;
    Ok(json)
}

fn part<T>(name: &str, work: impl Fn() -> Result<T, Error>) -> Result<(), Error> {
    let repeat = || (0..TIMES).try_for_each(|_| work().map(|result| drop(black_box(result))));
    repeat()?;
    boundary(name);
    repeat()?;
    boundary(name);
    println!("{name} {TIMES}");
    Ok(())
}

/// Valgrind writes a file whenever this function is entered, with the instructions since the time before.
#[inline(never)]
fn boundary(name: &str) {
    black_box(name);
}
