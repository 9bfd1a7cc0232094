//! Does each part whose instructions are counted, and prints its name and its repetitions. The argument is the server's URL.

use std::env;
use std::hint::black_box;

use costs::{Call, Calls, Derived, Error, OUTPUT, input};
use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;

/// Repetitions of what is counted.
const TIMES: usize = 100;

fn main() -> Result<(), Error> {
    let url = env::args().nth(1).ok_or("usage: parts URL")?;
    let (calls, derived) = (Calls::new(&url)?, Derived::new(&url)?);
    for call in Call::ALL.into_iter().chain([Call::LongStream]) {
        part(call.name(), || calls.make(call))?;
        part(&format!("{}.derived", call.name()), || derived.make(call))?;
    }

    let (input, derived) = (input(), Derived::input());
    part("validate", || Ok(black_box(&input).validate()?))?;
    part("write", || Ok(drop(black_box(serde_json::to_vec(black_box(&input))?))))?;
    part("write.derived", || Ok(drop(black_box(serde_json::to_vec(black_box(&derived))?))))?;
    part("read", || Ok(drop(black_box(serde_json::from_str::<inpainting::Output>(black_box(OUTPUT))?))))?;
    part("read.derived", || Ok(drop(black_box(Derived::read(black_box(OUTPUT))?))))
}

fn part(name: &str, work: impl Fn() -> Result<(), Error>) -> Result<(), Error> {
    // The first ones open connections and fill caches.
    let repeat = || (0..TIMES).try_for_each(|_| work());
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
