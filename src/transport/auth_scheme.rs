/// The scheme of the header `Authorization`, which precedes the key.
///
/// ```
/// use fal_client::{AuthScheme, Client};
///
/// # fn main() -> Result<(), fal_client::Error> {
/// // A gateway that takes its own keys, as `Authorization: Bearer gateway-key`.
/// let client = Client::builder()
///     .run_host("https://gateway.example/fal")
///     .queue_host("https://gateway.example/fal-queue")
///     .key("gateway-key")
///     .auth_scheme(AuthScheme::Bearer)
///     .build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthScheme {
    /// `Authorization: Key …`, for fal's API keys.
    #[default]
    Key,
    /// `Authorization: Bearer …`, for gateways and proxies that expect it.
    Bearer,
}

impl AuthScheme {
    pub(super) fn name(self) -> &'static str {
        match self {
            AuthScheme::Key => "Key",
            AuthScheme::Bearer => "Bearer",
        }
    }
}
