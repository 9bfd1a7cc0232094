use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::HeaderValue;

use super::auth_scheme::AuthScheme;
use crate::error::{Error, ErrorKind};
use crate::text::learn_key;

type ProvidedKey = Pin<Box<dyn Future<Output = Result<String, Box<dyn std::error::Error + Send + Sync>>> + Send>>;

/// The API key or its source, and the scheme of the `Authorization` header. `Debug` never shows the key.
#[derive(Clone)]
pub(crate) struct Credentials {
    source: Source,
    scheme: AuthScheme,
}

#[derive(Clone)]
enum Source {
    /// A key, with the header that has it.
    Key { key: String, authorization: HeaderValue },
    /// A function that provides the key for each request.
    Provider(Arc<dyn Fn() -> ProvidedKey + Send + Sync>),
    /// No key. Public applications accept calls without one.
    Anonymous,
}

impl Credentials {
    pub(crate) fn key(key: &str) -> Result<Self, Error> {
        let key = key.trim();
        let authorization = authorization(AuthScheme::default(), key)?;
        Ok(Credentials::from(Source::Key { key: key.to_owned(), authorization }))
    }

    pub(crate) fn provider<F, T, E>(provide: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Credentials::from(Source::Provider(Arc::new(move || {
            let provided = provide();
            Box::pin(async move { provided.await.map_err(Into::into) })
        })))
    }

    pub(crate) fn anonymous() -> Self {
        Credentials::from(Source::Anonymous)
    }

    pub(crate) fn with_scheme(mut self, scheme: AuthScheme) -> Result<Self, Error> {
        self.scheme = scheme;
        if let Source::Key { key, authorization } = &mut self.source {
            *authorization = self::authorization(scheme, key)?;
        }
        Ok(self)
    }

    pub(crate) fn are_anonymous(&self) -> bool {
        matches!(self.source, Source::Anonymous)
    }

    /// Returns the value of the `Authorization` header, or `None` if requests are anonymous.
    pub(crate) async fn authorization(&self) -> Result<Option<HeaderValue>, Error> {
        match &self.source {
            Source::Anonymous => Ok(None),
            Source::Key { key, authorization } => {
                // Keeps it among the latest keys.
                learn_key(key);
                Ok(Some(authorization.clone()))
            }
            Source::Provider(provide) => {
                let key = provide().await.map_err(|error| {
                    Error::new(ErrorKind::Credentials, format!("the API key provider failed: {error}")).caused_by(error)
                })?;
                authorization(self.scheme, key.trim()).map(Some)
            }
        }
    }
}

impl From<Source> for Credentials {
    fn from(source: Source) -> Self {
        Credentials { source, scheme: AuthScheme::default() }
    }
}

fn authorization(scheme: AuthScheme, key: &str) -> Result<HeaderValue, Error> {
    if key.is_empty() {
        return Err(Error::new(ErrorKind::Credentials, "the API key is empty"));
    }
    // The error shows neither the key nor the position of the character: both would reveal a part of the key.
    let mut value = HeaderValue::from_str(&format!("{} {key}", scheme.name()))
        .ok()
        .filter(|_| key.bytes().all(|byte| byte.is_ascii_graphic()))
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Credentials,
                "the API key contains whitespace, a control character or a non-ASCII character",
            )
        })?;
    value.set_sensitive(true);
    learn_key(key);
    Ok(value)
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source {
            Source::Key { .. } => "API key",
            Source::Provider(_) => "API key provider",
            Source::Anonymous => "anonymous",
        })
    }
}
