/// The way on which the requests of a connection arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// At the port of the emulator. The path of a request begins with the host.
    Port,
    /// In a tunnel to a real host, or over TLS that names it.
    Host(String),
}
