use costs::{Call, Calls, Error, Server, runtime};

use super::Counts;

/// Returns the sizes of the futures of calls.
pub(super) fn futures() -> Result<Option<Counts>, Error> {
    Ok(Some(Calls::new("http://127.0.0.1:1")?.futures()))
}

/// Returns the requests of each call.
pub(super) fn requests() -> Result<Option<Counts>, Error> {
    let server = Server::start()?;
    let (runtime, calls) = (runtime()?, Calls::new(server.url())?);
    let mut counts = Counts::new();
    for call in Call::ALL {
        let before = server.requests();
        runtime.block_on(calls.make(call))?;
        counts.push((call.name(), server.requests() - before));
    }
    Ok(Some(counts))
}
