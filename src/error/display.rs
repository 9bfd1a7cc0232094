use std::borrow::Cow;
use std::fmt;

use super::{Error, Inner};

/// Maximum characters of a message that are displayed. A message may contain parts of a response.
const MAX_MESSAGE_CHARS: usize = 500;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { endpoint, request_id, message, attempts, .. } = &*self.0;
        if let Some(endpoint) = endpoint {
            write!(f, "{endpoint}: ")?;
        }
        f.write_str(&capped(message))?;
        if let [_, _, ..] = &attempts[..] {
            write!(f, ", after {} attempts", attempts.len())?;
        }
        match request_id {
            Some(request_id) => write!(f, " (request {request_id})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut output = f.debug_struct("Error");
        output.field("kind", &self.0.kind).field("message", &capped(&self.0.message));
        if let Some(endpoint) = &self.0.endpoint {
            output.field("endpoint", endpoint);
        }
        if let Some(request_id) = &self.0.request_id {
            output.field("request_id", request_id);
        }
        if let Some(status) = self.status() {
            output.field("status", &status);
        }
        if let Some(error_type) = &self.0.error_type {
            output.field("error_type", &error_type.as_str());
        }
        if !self.0.attempts.is_empty() {
            output.field("attempts", &self.0.attempts);
        }
        output.finish_non_exhaustive()
    }
}

fn capped(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => Cow::Owned(format!("{}… ({} bytes)", &text[..end], text.len())),
        None => Cow::Borrowed(text),
    }
}
