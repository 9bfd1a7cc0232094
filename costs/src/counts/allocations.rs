use allocation_counter::{AllocationInfo, measure};
use costs::{Call, Calls, EVENTS, Error, MANY_EVENTS, OUTPUT, Server, input, runtime};
use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;

use super::Counts;

/// Repetitions of what is counted, after as many that are not. Not even, so that one of them is the median.
const TIMES: usize = 21;

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
    let (runtime, calls) = (runtime()?, Calls::new(server.url())?);
    let one = |call| median(figure, || runtime.block_on(calls.make(call)));

    let mut counts = Counts::new();
    for call in Call::ALL {
        counts.push((call.name(), one(call)?));
    }
    let events = one(Call::LongStream)?.saturating_sub(one(Call::Stream)?);
    counts.push(("event", events / (MANY_EVENTS - EVENTS) as u64));

    let input = input();
    counts.push(("validate", median(figure, || Ok(input.validate()?))?));
    counts.push(("write", median(figure, || Ok(serde_json::to_vec(&input)?))?));
    let read = || Ok(serde_json::from_str::<inpainting::Output>(OUTPUT)?);
    counts.push(("read", median(figure, read)?));
    Ok(Some(counts))
}

/// Returns the median of a figure.
fn median<T>(figure: fn(&AllocationInfo) -> u64, work: impl Fn() -> Result<T, Error>) -> Result<u64, Error> {
    let mut figures = Vec::new();
    for _ in 0..2 * TIMES {
        let mut result = None;
        let counted = measure(|| result = Some(work()));
        result.transpose()?;
        figures.push(figure(&counted));
    }
    let counted = &mut figures[TIMES..];
    counted.sort_unstable();
    Ok(counted[TIMES / 2])
}
