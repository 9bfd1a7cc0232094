//! The methods of calls that set their options, each declared once.

/// The options of every call that sends an input.
macro_rules! send_options {
    () => {
        /// Whether the input is checked before it is sent (default true). `false` sends what the schema does not allow:
        /// for a service that is ahead of the schema.
        pub fn validate(mut self, validate: bool) -> Self {
            self.outgoing.options.unchecked = !validate;
            self
        }

        /// Puts a field into the input that its type does not have. It wins over a field of the same name.
        pub fn extra(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
            self.outgoing.options.extra.insert(name.into(), value.into());
            self
        }

        /// Files of the input that have fewer bytes than this go into it as data URIs, and are not uploaded (default: what
        /// the client's [`UploadPolicy`](crate::UploadPolicy) says, which is no file by default).
        pub fn inline_below(mut self, bytes: u64) -> Self {
            self.outgoing.options.inline_below = Some(bytes);
            self
        }

        /// Sends a header of one's own with the input; questions after a request do not have it (see
        /// [`ClientBuilder::header`](crate::ClientBuilder::header)). `Authorization` is the client's and is refused. Of a
        /// header that an option sets too, what was said last counts.
        pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
            self.outgoing.options.header(name.as_ref(), value.as_ref());
            self
        }

        /// By when the request has to start: waiting in the queue, finding a runner and the service's own repetitions
        /// count, the model's work does not. More than 0.1 s. Where it passes, the error says so with
        /// [`is_start_timeout`](crate::Error::is_start_timeout).
        pub fn start_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.outgoing.options.start_timeout(timeout);
            self
        }

        /// Asks for the runner that served earlier requests with the same hint, which has their models loaded.
        pub fn hint(mut self, hint: impl AsRef<str>) -> Self {
            self.outgoing.options.set("x-fal-runner-hint", hint.as_ref());
            self
        }

        /// Tags for the bill: at most 10, a key of 1 to 64 characters of `a-z 0-9 . _ -`, a value of 1 to 256 printable
        /// ASCII characters without a comma, 1024 bytes in all. What breaks a rule is an error before anything is sent.
        pub fn tags<K: Into<String>, V: Into<String>>(mut self, tags: impl IntoIterator<Item = (K, V)>) -> Self {
            self.outgoing.options.tags(tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect());
            self
        }

        /// How long the files live that the request makes, and who may read them (default: the account's setting).
        pub fn lifecycle(mut self, lifecycle: &crate::files::Lifecycle) -> Self {
            self.outgoing.options.lifecycle(lifecycle);
            self
        }

        /// Whether fal keeps input and output (default: the account's setting).
        pub fn store_io(mut self, store: bool) -> Self {
            self.outgoing.options.set("x-fal-store-io", if store { "1" } else { "0" });
            self
        }
    };
}

/// The options of the calls that send an input to the queue.
macro_rules! queue_options {
    () => {
        /// How urgent it is (default normal).
        pub fn priority(mut self, priority: crate::call::priority::Priority) -> Self {
            self.outgoing.options.set("x-fal-queue-priority", &priority.to_string());
            self
        }

        /// Keeps fal from retrying the request when a runner fails. Default: `false`, up to 10 attempts.
        pub fn no_retry(mut self, no_retry: bool) -> Self {
            self.outgoing.options.no_retry(no_retry);
            self
        }

        /// Has fal refuse the request with 429 when more than so many wait for the endpoint, of all its callers.
        pub fn max_queue_length(mut self, length: u32) -> Self {
            self.outgoing.options.max_queue_length(length);
            self
        }
    };
}

/// The options of the calls that follow a request. What the timeout covers differs between them.
macro_rules! follow_options {
    (
        $(#[doc = $timeout:literal])*
        timeout;
        $(#[doc = $cancel_on_timeout:literal])*
        cancel_on_timeout;
    ) => {
        /// Includes the model's logs in updates, each line once and in order. Default: `false`.
        pub fn logs(mut self, logs: bool) -> Self {
            self.follow.logs = logs;
            self
        }

        /// Registers a callback for every change: of the position in the queue, of the state, of the logs.
        pub fn on_update(mut self, call: impl FnMut(crate::protocol::QueueUpdate) + Send + 'a) -> Self {
            self.on_update = Some(Box::new(call));
            self
        }

        $(#[doc = $timeout])*
        pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
            self.follow.timeout = Some(timeout);
            self
        }

        $(#[doc = $cancel_on_timeout])*
        pub fn cancel_on_timeout(mut self, cancel: bool) -> Self {
            self.follow.cancel_on_timeout = cancel;
            self
        }

        /// Cancels the request when the future is dropped before the request is completed. Default: `false`.
        ///
        /// A background task sends the cancellation, which needs a tokio runtime that keeps running.
        pub fn cancel_on_drop(mut self, cancel: bool) -> Self {
            self.follow.cancel_on_drop = cancel;
            self
        }
    };
}

/// The time limit of a call that does not follow a request.
macro_rules! timeout_option {
    ($(#[doc = $doc:literal])*) => {
        /// Total time limit, including retries and backoff. Default: none.
        $(#[doc = $doc])*
        pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
            self.timeout = Some(timeout);
            self
        }
    };
}

pub(super) use {follow_options, queue_options, send_options, timeout_option};
