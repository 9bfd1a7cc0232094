use std::fmt::{self, Write};

use serde_json::Value;

use crate::request::difference::{Difference, differences};
use crate::request::received_request::ReceivedRequest;

/// The calls of an endpoint that were received, oldest first. See [`Emulator::requests_to`](crate::Emulator::requests_to).
///
/// An assertion that fails panics with a list of what was received instead. The list has no keys, and no queries of URLs.
#[derive(Clone)]
pub struct Requests {
    endpoint: String,
    calls: Vec<ReceivedRequest>,
    /// The calls of other endpoints.
    others: Vec<ReceivedRequest>,
}

/// The most requests in a message.
const MAX_LINES: usize = 10;

impl Requests {
    pub(crate) fn new(endpoint: String, requests: Vec<ReceivedRequest>) -> Self {
        let calls = requests.into_iter().filter(ReceivedRequest::has_input);
        let (calls, others) = calls.partition(|request| request.endpoint() == Some(&endpoint));
        Requests { endpoint, calls, others }
    }

    /// Returns the number of requests.
    pub fn count(&self) -> usize {
        self.calls.len()
    }

    /// Returns the requests, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &ReceivedRequest> {
        self.calls.iter()
    }

    /// Returns the inputs of the requests.
    pub fn inputs(&self) -> Vec<&Value> {
        self.calls.iter().map(ReceivedRequest::input).collect()
    }

    /// Returns the number of requests whose input was read.
    pub(crate) fn received(&self) -> usize {
        self.calls.iter().filter(|request| request.0.was_read()).count()
    }

    /// Requires this number of requests.
    ///
    /// # Panics
    ///
    /// If there are more or fewer.
    #[track_caller]
    pub fn assert_count(&self, count: usize) -> &Self {
        let requests = if count == 1 { "request" } else { "requests" };
        assert!(self.count() == count, "expected {count} {requests} to `{}`, received {self}", self.endpoint);
        self
    }

    /// Requires exactly one request, and returns it.
    ///
    /// # Panics
    ///
    /// If there are more or fewer.
    #[track_caller]
    pub fn assert_one(&self) -> &ReceivedRequest {
        self.assert_count(1);
        &self.calls[0]
    }

    /// Requires that no request was received.
    ///
    /// # Panics
    ///
    /// If one was.
    #[track_caller]
    pub fn assert_none(&self) {
        self.assert_count(0);
    }

    /// Requires a request whose input has these values: the fields of an object, also of objects in it, may be some of the
    /// input's. Arrays have to be as long.
    ///
    /// # Panics
    ///
    /// If no request has such an input, with the fields in which each differs.
    #[track_caller]
    pub fn assert_input(&self, expected: &Value) -> &Self {
        self.assert_some_input(|input| differences(expected, input, true));
        self
    }

    /// Requires a request with exactly this input.
    ///
    /// # Panics
    ///
    /// If no request has it, with the fields in which each differs.
    #[track_caller]
    pub fn assert_exact_input(&self, expected: &Value) -> &Self {
        self.assert_some_input(|input| differences(expected, input, false));
        self
    }

    #[track_caller]
    fn assert_some_input(&self, differences: impl Fn(&Value) -> Vec<Difference>) {
        let mut message = String::new();
        for call in &self.calls {
            let differences = differences(call.input());
            if differences.is_empty() {
                return;
            }
            // Writing to a string never fails.
            let _ = write!(message, "\n  {}", call.line());
            for difference in differences.iter().take(MAX_LINES) {
                let _ = write!(message, "\n    {}", difference.line("input", "expected"));
            }
            if differences.len() > MAX_LINES {
                let _ = write!(message, "\n    … {} more", differences.len() - MAX_LINES);
            }
        }
        if message.is_empty() {
            message = format!(" received {self}");
        }
        panic!("no request to `{}` has the expected input:{message}", self.endpoint);
    }
}

/// Writes the number of requests and a line for each, with those to other endpoints.
impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.count())?;
        lines(f, &self.calls)?;
        if !self.others.is_empty() {
            write!(f, "\nand {} to other endpoints", self.others.len())?;
            lines(f, &self.others)?;
        }
        Ok(())
    }
}

fn lines(f: &mut fmt::Formatter<'_>, requests: &[ReceivedRequest]) -> fmt::Result {
    for request in requests.iter().take(MAX_LINES) {
        write!(f, "\n  {}", request.line())?;
    }
    if requests.len() > MAX_LINES { write!(f, "\n  … {} more", requests.len() - MAX_LINES) } else { Ok(()) }
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests").field("endpoint", &self.endpoint).field("calls", &self.calls).finish_non_exhaustive()
    }
}
