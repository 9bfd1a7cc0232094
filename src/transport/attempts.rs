use std::time::Instant;

use url::Url;

use super::context::Context;
use super::hosts::backup;
use super::request::{Operation, Request};
use super::time_limit;
use super::verdict::judged;
use crate::error::{Attempt, Error, ErrorKind, host_and_port};
use crate::text::shown;

/// The attempts of one request. Chooses the host of the next attempt, or ends with an error.
///
/// If no connection to fal can be established, the same request goes to fal's backup host without a delay.
pub(super) struct Attempts<'a> {
    context: &'a Context,
    operation: Operation,
    first: &'a Url,
    /// The backup host's URL and the first host's error, while the backup host is tried.
    backup: Option<(Url, Error)>,
    failed: u32,
    started: Instant,
    failures: Vec<Attempt>,
}

impl<'a> Attempts<'a> {
    /// Creates the attempts of a request with the key.
    ///
    /// # Errors
    ///
    /// The key must not be sent to the request's URL.
    pub(super) fn new(context: &'a Context, request: &'a Request) -> Result<Self, Error> {
        check_trust(context, &request.url)?;
        let first = context.proxy_url.as_ref().unwrap_or(&request.url);
        Ok(Attempts::keyless(context, request.operation, first))
    }

    /// Creates the attempts of a request with the key or a token that never goes through a server proxy.
    ///
    /// # Errors
    ///
    /// The key must not be sent to the request's URL.
    #[cfg(feature = "realtime")]
    pub(super) fn direct(context: &'a Context, request: &'a Request) -> Result<Self, Error> {
        check_trust(context, &request.url)?;
        Ok(Attempts::keyless(context, request.operation, &request.url))
    }

    /// Creates the attempts of a request without the key.
    pub(super) fn keyless(context: &'a Context, operation: Operation, first: &'a Url) -> Self {
        Attempts { context, operation, first, backup: None, failed: 0, started: Instant::now(), failures: Vec::new() }
    }

    /// The URL of the next attempt.
    pub(super) fn url(&self) -> &Url {
        self.backup.as_ref().map_or(self.first, |(url, _)| url)
    }

    /// Records a failed attempt and waits until the next one is due.
    ///
    /// # Errors
    ///
    /// The error itself, with all attempts, if the request is not retried.
    pub(super) async fn failed(&mut self, error: Error) -> Result<(), Error> {
        let error = self.context.proxies.explain(self.url(), error);
        self.record(&error);
        let error = match self.backup.take() {
            // If neither host is reachable, the error about the first host is more helpful.
            Some((_, first)) if error.kind() == ErrorKind::Connect => first,
            Some(_) => error,
            None => match (error.kind(), backup(self.first)) {
                (ErrorKind::Connect, Some(backup)) => {
                    let (host, path) = (backup.host_str(), backup.path());
                    tracing::warn!(host, path = shown(path), "cannot connect to fal; trying its backup host");
                    self.backup = Some((backup, error));
                    return Ok(());
                }
                _ => error,
            },
        };
        self.failed += 1;
        match self.context.retry.delay_before_retry(self.operation, self.failed, &error) {
            Some(delay) => {
                tokio::time::sleep(delay).await;
                Ok(())
            }
            None => Err(judged(self.operation, error).with_attempts(std::mem::take(&mut self.failures))),
        }
    }

    /// Ends the attempts with a response.
    pub(super) fn succeeded<T>(self, response: T) -> T {
        time_limit::clear_failures();
        response
    }

    /// Records a failed attempt.
    pub(super) fn record(&mut self, error: &Error) {
        let host = self.url().host_str().unwrap_or_default().to_owned();
        // The message is not logged: it may contain parts of the input.
        let (operation, kind, status) = (self.operation.name(), error.kind(), error.status());
        tracing::debug!(operation, host = shown(&host), ?kind, ?status, "attempt failed");
        let attempt = Attempt { host, outcome: error.to_string(), after: self.started.elapsed() };
        time_limit::record_failure(&attempt);
        self.failures.push(attempt);
    }
}

fn check_trust(context: &Context, url: &Url) -> Result<(), Error> {
    match context.hosts.trusts(url) {
        true => Ok(()),
        false => Err(context.hosts.unset(url).unwrap_or_else(|| untrusted(url))),
    }
}

fn untrusted(url: &Url) -> Error {
    let host = host_and_port(url);
    let message = format!(
        "untrusted URL {}://{host}: neither one of fal's hosts nor a configured one; nothing was sent",
        url.scheme()
    );
    Error::new(ErrorKind::UntrustedUrl, message)
}
