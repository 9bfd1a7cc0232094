use costs::{Call, Calls, Error, Server};

use super::Counts;

/// Returns the sizes of the futures of calls.
pub(super) fn futures() -> Result<Option<Counts>, Error> {
    Ok(Some(Calls::new("http://127.0.0.1:1")?.futures()))
}

/// Returns the requests of each call.
pub(super) fn requests() -> Result<Option<Counts>, Error> {
    let server = Server::start()?;
    let calls = Calls::new(server.url())?;
    let mut counts = Counts::new();
    for call in Call::ALL {
        let before = server.requests();
        calls.make(call)?;
        counts.push((call.name(), server.requests() - before));
    }
    Ok(Some(counts))
}
