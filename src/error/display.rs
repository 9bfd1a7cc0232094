use std::fmt;

use super::{Error, Inner};
use crate::text::{shown, within};

/// Maximum characters of a message that are displayed. A message may contain parts of a response.
const MAX_MESSAGE: usize = 2000;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { endpoint, request_id, message, attempts, .. } = &*self.0;
        // The key and the account are not a matter of the endpoint.
        let is_about_account = self.is_about_account();
        if let Some(endpoint) = endpoint.as_ref().filter(|_| !is_about_account) {
            write!(f, "{}: ", shown(endpoint))?;
        }
        f.write_str(&within(message, MAX_MESSAGE))?;
        if let Some(endpoint) = endpoint.as_ref().filter(|_| is_about_account) {
            write!(f, " (endpoint {})", shown(endpoint))?;
        }
        if let [_, _, ..] = &attempts[..] {
            write!(f, ", after {} attempts", attempts.len())?;
        }
        if let Some(request_id) = request_id {
            write!(f, " (request {})", shown(request_id))?;
        }
        if self.may_have_been_accepted() && self.cancellation().is_none() {
            f.write_str("; sending it again could bill it twice")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut output = f.debug_struct("Error");
        output.field("kind", &self.0.kind).field("message", &within(&self.0.message, MAX_MESSAGE));
        if let Some(endpoint) = &self.0.endpoint {
            output.field("endpoint", &shown(endpoint));
        }
        if let Some(request_id) = &self.0.request_id {
            output.field("request_id", &shown(request_id));
        }
        if let Some(status) = self.status() {
            output.field("status", &status);
        }
        if let Some(error_type) = &self.0.error_type {
            output.field("error_type", &shown(error_type.as_str()));
        }
        if self.may_have_been_accepted() {
            output.field("may_have_been_accepted", &true);
        }
        if !self.0.attempts.is_empty() {
            output.field("attempts", &self.0.attempts);
        }
        output.finish_non_exhaustive()
    }
}
