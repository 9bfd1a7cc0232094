//! Tunnels: the method CONNECT of a proxy.

use std::io;
use std::time::Duration;

use hyper::StatusCode;
use hyper::ext::ReasonPhrase;
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::http::duplex::Duplex;
use crate::http::way::Way;
use crate::http::{hosts, tls};
use crate::request::fal_host;
use crate::response::refusal::Refusal;
use crate::response::reply::Reply;
use crate::state::State;

/// The longest time until a host elsewhere accepts a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that becomes a tunnel once the response is sent.
pub(super) struct Tunnel {
    upgrade: OnUpgrade,
    to: To,
}

/// The end of a tunnel.
enum To {
    /// The emulator, in the place of this host.
    Here {
        host: String,
        tls: bool,
    },
    Elsewhere(TcpStream),
}

/// A tunnel to the emulator.
pub(super) struct Opened {
    pub(super) stream: Box<dyn Duplex>,
    /// The host in whose place the emulator is.
    pub(super) host: String,
}

impl Tunnel {
    /// Prepares the tunnel that a request is for.
    pub(super) async fn prepare(head: &mut Parts, way: &Way, state: &State) -> Result<Self, Refusal> {
        hosts::check_page(&head.headers, &state.settings.allowed_hosts)?;
        if *way != Way::Port {
            return Err(bad_request("a tunnel inside of a tunnel or of TLS is not supported"));
        }
        let is_authority = head.uri.scheme().is_none() && head.uri.path_and_query().is_none();
        let target = head.uri.authority().filter(|_| is_authority);
        let target = target.and_then(|target| Some((target, target.port_u16()?, hosts::name_of(target.as_str())?)));
        let (target, port, name) = target.ok_or_else(|| bad_request("the target has to be HOST:PORT"))?;
        let to = match port {
            443 if is_here(&name, state) => {
                if !tls::IS_SUPPORTED {
                    let reason = "the emulator was built without TLS: turn on the cargo feature `tls` of fal-emulator";
                    return Err(Refusal::Detail(StatusCode::NOT_IMPLEMENTED, reason.to_owned()));
                }
                To::Here { host: name, tls: true }
            }
            80 if is_here(&name, state) => To::Here { host: name, tls: false },
            _ if !state.settings.allows_network => return Err(elsewhere(&name, state)),
            _ => To::Elsewhere(connect(target, port, &name, state).await?),
        };
        let upgrade = head.extensions.remove::<OnUpgrade>();
        let upgrade = upgrade.ok_or_else(|| bad_request("the connection cannot become a tunnel"))?;
        Ok(Tunnel { upgrade, to })
    }

    /// Opens the tunnel. A tunnel to elsewhere is served to its end.
    pub(super) async fn open(self, state: &State) -> Option<Opened> {
        let mut stream = TokioIo::new(self.upgrade.await.ok()?);
        match self.to {
            To::Here { host, tls: true } => {
                let stream = tls::accept_for(&host, stream, state).await?;
                Some(Opened { stream, host })
            }
            To::Here { host, tls: false } => Some(Opened { stream: Box::new(stream), host }),
            To::Elsewhere(mut other) => {
                // It ends when either side disconnects, which is not an error of the emulator.
                let _ = copy_bidirectional(&mut stream, &mut other).await;
                None
            }
        }
    }
}

/// Returns whether the emulator serves a host. With a network, it leaves the files of others to their hosts.
fn is_here(name: &str, state: &State) -> bool {
    fal_host::is_served(name)
        && (!state.settings.allows_network || !fal_host::keeps_files(name) || state.store.has_host(name))
}

/// Connects to a host elsewhere.
pub(super) async fn connect(target: &Authority, port: u16, name: &str, state: &State) -> Result<TcpStream, Refusal> {
    if hosts::is_allowed(target.as_str(), &[]) && state.has_port(port) {
        return Err(bad_request("the target is the emulator itself: call it without a proxy"));
    }
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let connected = timeout(CONNECT_TIMEOUT, TcpStream::connect((name, port))).await;
    connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(|error| {
        let reason = format!("cannot connect to {name} at port {port}: {error}");
        Refusal::Detail(StatusCode::BAD_GATEWAY, reason)
    })
}

/// Refuses a tunnel. Clients show the reason phrase, and not the body.
pub(super) fn refused(refusal: Refusal) -> Reply {
    let reason = ReasonPhrase::try_from(refusal.reason());
    let mut reply = refusal.into_reply();
    if let Ok(reason) = reason {
        reply.extensions_mut().insert(reason);
    }
    reply
}

/// Refuses a request for a host elsewhere.
pub(super) fn elsewhere(name: &str, state: &State) -> Refusal {
    state.refused_hosts.add(name);
    let reason = format!(
        "the host {name} is not one of fal: start the emulator with `--allow-network` to let requests to other hosts pass, \
         or add the host to `NO_PROXY`"
    );
    Refusal::Detail(StatusCode::FORBIDDEN, reason)
}

pub(super) fn bad_request(reason: &str) -> Refusal {
    Refusal::Detail(StatusCode::BAD_REQUEST, reason.to_owned())
}
