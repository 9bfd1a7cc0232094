use std::time::Instant;

use url::Url;

use super::context::Context;
use super::hosts::backup;
use super::request::{Operation, Request};
use super::time_limit;
use crate::error::{Attempt, Error, ErrorKind, host_and_port};

/// The attempts of one request. Decides where the next one goes, and whether there is one.
///
/// If fal cannot be reached, the same request goes to fal's backup host without a delay.
pub(super) struct Attempts<'a> {
    context: &'a Context,
    operation: Operation,
    first: &'a Url,
    /// The backup host's URL and the error of the first host, while the backup host has its turn.
    detour: Option<(Url, Error)>,
    failed: u32,
    began: Instant,
    failures: Vec<Attempt>,
}

impl<'a> Attempts<'a> {
    /// Refuses a URL to which the key must not go.
    pub(super) fn new(context: &'a Context, request: &'a Request) -> Result<Self, Error> {
        let trusted = match request.operation {
            Operation::Status | Operation::StatusStream | Operation::Result | Operation::Cancel => {
                context.hosts.trusts_request(&request.url)
            }
            _ => context.hosts.trusts(&request.url),
        };
        if !trusted {
            return Err(untrusted(&request.url));
        }
        Ok(Attempts::keyless(context, request.operation, &request.url))
    }

    /// For a request that does not have the key.
    pub(super) fn keyless(context: &'a Context, operation: Operation, first: &'a Url) -> Self {
        Attempts { context, operation, first, detour: None, failed: 0, began: Instant::now(), failures: Vec::new() }
    }

    /// The URL of the next attempt.
    pub(super) fn url(&self) -> &Url {
        self.detour.as_ref().map_or(self.first, |(twin, _)| twin)
    }

    /// Records a failed attempt and waits until the next one is due. If there is none, returns the error with all attempts.
    pub(super) async fn failed(&mut self, error: Error) -> Result<(), Error> {
        self.note(&error);
        let error = match self.detour.take() {
            // If neither host can be reached, the first one's error is the one to show.
            Some((_, first)) if error.kind() == ErrorKind::Connect => first,
            Some(_) => error,
            None => match (error.kind(), backup(self.first)) {
                (ErrorKind::Connect, Some(twin)) => {
                    let (host, path) = (twin.host_str(), twin.path());
                    tracing::warn!(host, path, "fal cannot be reached, its backup host is tried");
                    self.detour = Some((twin, error));
                    return Ok(());
                }
                _ => error,
            },
        };
        self.failed += 1;
        match self.context.retry.delay_before_retry(self.operation, self.failed, &error) {
            Some(pause) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            None => Err(error.with_attempts(std::mem::take(&mut self.failures))),
        }
    }

    /// Ends the attempts with a response.
    pub(super) fn succeeded<T>(self, response: T) -> T {
        time_limit::clear_failures();
        response
    }

    fn note(&mut self, error: &Error) {
        let host = self.url().host_str().unwrap_or_default().to_owned();
        // fal's words may have a part of the input in them, and stay out of the log.
        let (operation, kind, status) = (self.operation.name(), error.kind(), error.status());
        tracing::debug!(operation, host, ?kind, ?status, "attempt failed");
        let attempt = Attempt { host, outcome: error.to_string(), after: self.began.elapsed() };
        time_limit::record_failure(&attempt);
        self.failures.push(attempt);
    }
}

fn untrusted(url: &Url) -> Error {
    let host = host_and_port(url);
    let message = format!(
        "a URL leads to {}://{host}, which is neither a host of fal's for this nor one that the client is configured with; \
         nothing was sent there",
        url.scheme()
    );
    Error::new(ErrorKind::UntrustedUrl, message)
}
