//! Connections that were refused for a reason that lasts.

use std::error::Error;

/// The messages of hyper about a proxy that refuses to connect. Its error types are private.
const PROXY: [&str; 5] = [
    "tunnel error: proxy authorization required",
    "tunnel error: unsuccessful",
    "SOCKS error: credentials not accepted",
    "SOCKS error: server does not support user/pass authentication",
    "SOCKS error: connection not allowed",
];

/// Returns true if the same connection will be refused again: the TLS handshake failed because of a certificate or an
/// unsupported protocol, or a proxy refused.
pub(super) fn is_refusal(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if is_tls_refusal(error) || PROXY.iter().any(|refusal| text.starts_with(refusal)) {
            return true;
        }
        // The source of an I/O error is the source of the error that it wraps.
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source());
    }
    false
}

#[cfg(feature = "rustls-no-provider")]
fn is_tls_refusal(error: &(dyn Error + 'static)) -> bool {
    use rustls::AlertDescription::{CloseNotify, InternalError, UserCanceled};

    match error.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::AlertReceived(alert)) => !matches!(alert, CloseNotify | InternalError | UserCanceled),
        Some(
            rustls::Error::InvalidCertificate(_)
            | rustls::Error::InvalidCertRevocationList(_)
            | rustls::Error::NoCertificatesPresented
            | rustls::Error::UnsupportedNameType
            | rustls::Error::PeerIncompatible(_)
            | rustls::Error::PeerMisbehaved(_)
            | rustls::Error::General(_),
        ) => true,
        _ => false,
    }
}

/// Without TLS, reqwest refuses https. Errors of another TLS library, in a client of the caller's, are not recognized.
#[cfg(not(feature = "rustls-no-provider"))]
fn is_tls_refusal(error: &(dyn Error + 'static)) -> bool {
    error.to_string() == "invalid URL, scheme is not http"
}
