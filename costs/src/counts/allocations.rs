use allocation_counter::{AllocationInfo, measure};
use costs::{Call, Calls, Error, MANY, OUTPUT, Server, input};
use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;

use super::Counts;

/// Repetitions of what is counted, after as many that are not.
const TIMES: u64 = 20;

/// Returns the allocations of calls and of their parts.
pub(super) fn count() -> Result<Option<Counts>, Error> {
    each(|counted| counted.count_total)
}

/// Returns the bytes of these allocations.
pub(super) fn bytes() -> Result<Option<Counts>, Error> {
    each(|counted| counted.bytes_total)
}

fn each(figure: fn(&AllocationInfo) -> u64) -> Result<Option<Counts>, Error> {
    let server = Server::start()?;
    let calls = Calls::new(server.url())?;
    let one = |call| total(figure, || calls.make(call));

    let mut counts = Counts::new();
    for call in Call::ALL {
        counts.push((call.name(), one(call)? / TIMES));
    }
    let events = one(Call::LongStream)?.saturating_sub(one(Call::Stream)?);
    counts.push(("event", events / TIMES / (MANY as u64 - 1)));

    let input = input();
    counts.push(("validate", total(figure, || Ok(input.validate()?))? / TIMES));
    counts.push(("write", total(figure, || Ok(drop(serde_json::to_vec(&input)?)))? / TIMES));
    let read = || Ok(drop(serde_json::from_str::<inpainting::Output>(OUTPUT)?));
    counts.push(("read", total(figure, read)? / TIMES));
    Ok(Some(counts))
}

/// Returns a figure of all repetitions.
fn total(figure: fn(&AllocationInfo) -> u64, work: impl Fn() -> Result<(), Error>) -> Result<u64, Error> {
    let repeat = || (0..TIMES).try_for_each(|_| work());
    repeat()?;
    let mut result = Ok(());
    let counted = measure(|| result = repeat());
    result.map(|()| figure(&counted))
}
