//! The setters of call options, each declared once.

/// The options of every call that sends an input.
macro_rules! send_options {
    () => {
        /// Validates the input before it is sent. Default: `true`. With `false`, fal alone decides what is valid, which helps
        /// when the service is ahead of the schema.
        pub fn validate(mut self, validate: bool) -> Self {
            self.outgoing.options.unchecked = !validate;
            self
        }

        /// Adds a field that the input's type does not have. It replaces a field of the same name.
        pub fn extra(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
            self.outgoing.options.extra.insert(name.into(), value.into());
            self
        }

        /// Sends files of fewer than `bytes` bytes as data URIs inside the input, without uploading them. Default: the setting
        /// of the client's [`UploadPolicy`](crate::UploadPolicy), which uploads all files unless changed.
        pub fn inline_below(mut self, bytes: u64) -> Self {
            self.outgoing.options.inline_below = Some(bytes);
            self
        }

        /// Registers a callback for the progress of uploading the input's files, which precedes the submission. It should return
        /// quickly. Default: none.
        ///
        /// Several files are uploaded in parallel: [`field`](crate::UploadProgress::field) says which one progresses. A file that
        /// needs no transfer, because the client has uploaded it before, is reported once, as complete. URLs and data URIs are
        /// not reported.
        pub fn on_upload_progress(
            mut self,
            call: impl FnMut(crate::transport::UploadProgress) + Send + 'static,
        ) -> Self {
            self.outgoing.on_upload = Some(Box::new(call));
            self
        }

        /// Adds a custom header to the request that sends the input. For all requests, including status requests, use
        /// [`ClientBuilder::header`](crate::ClientBuilder::header).
        ///
        /// If another option sets the same header, the last one applies. Headers that follow from the key or the body are
        /// rejected: `Authorization`, `Content-Type`, `Content-Encoding`, `Content-Length` and `Transfer-Encoding`. An invalid
        /// header is an error when the call is awaited.
        pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
            self.outgoing.options.header(name.as_ref(), value.as_ref());
            self
        }

        /// Sets tags for the bill. Default: none.
        ///
        /// - At most 10 tags with different keys, and 1024 bytes in total.
        /// - A key has 1 to 64 characters of `a-z`, `0-9`, `.`, `_` and `-`, and does not begin with `fal.`.
        /// - A value has 1 to 256 printable ASCII characters, without a comma.
        ///
        /// An invalid tag is an error before anything is sent.
        pub fn tags<K: Into<String>, V: Into<String>>(mut self, tags: impl IntoIterator<Item = (K, V)>) -> Self {
            self.outgoing.options.tags(tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect());
            self
        }

        /// Sets the expiry of the files that the request creates, and who may read them. Default: the account's setting.
        pub fn lifecycle(mut self, lifecycle: &crate::files::Lifecycle) -> Self {
            self.outgoing.options.lifecycle(lifecycle);
            self
        }

        /// Sets the units that the call is expected to be billed, in the endpoint's billing unit, for the client's
        /// [budget](crate::ClientBuilder::budget). Default: the units that the budget expects of the endpoint. Without a budget, it
        /// has no effect.
        ///
        /// A negative number, or one that is not finite, is an error before anything is sent.
        #[cfg(feature = "money")]
        pub fn expected_units(mut self, units: impl crate::money::IntoAmount) -> Self {
            self.outgoing.options.expected_units(units);
            self
        }

        /// Stores the files of the output in an S3 bucket of yours instead of fal's CDN. Default: fal's CDN.
        ///
        /// [`S3Post`](crate::S3Post) has the rules of the policy. A policy that breaks them is an error before anything is
        /// sent. fal uploads in the background, so that a file may be missing for a while: downloads of this client
        /// [wait for it](crate::Download::wait_for_upload). Files of a request that fal finds too large, or otherwise unfit for
        /// the policy, are an error that is billed.
        ///
        /// Most endpoints support it. Others ignore it, and return files in fal's CDN: see
        /// [`Response::ignored_output_to`](crate::Response::ignored_output_to).
        ///
        /// ```no_run
        /// # async fn example(client: fal_client::Client, presigned: &str) -> Result<(), Box<dyn std::error::Error>> {
        /// let post: fal_client::S3Post = serde_json::from_str(presigned)?; // from boto3's `generate_presigned_post()`
        /// let endpoint = client.endpoint("fal-ai/flux/schnell");
        /// let response = endpoint.run(serde_json::json!({ "prompt": "a fox" })).output_to(post).await?;
        /// client.download(&response.data["images"][0], "fox.png").await?; // waits until the file is in the bucket
        /// # Ok(())
        /// # }
        /// ```
        pub fn output_to(mut self, post: crate::files::S3Post) -> Self {
            self.outgoing.options.output_to(&post);
            self
        }

        /// Allows or forbids fal to store input and output. Default: the account's setting.
        pub fn store_io(mut self, store: bool) -> Self {
            self.outgoing.options.set("x-fal-store-io", if store { "1" } else { "0" });
            self
        }
    };
}

/// The options of the calls that fal schedules on a runner.
macro_rules! runner_options {
    () => {
        /// Time limit for the model to start. It includes the wait in the queue, the search for a runner and fal's own retries,
        /// but not the model's work. Default: none. Range: more than 0.1 s.
        ///
        /// When it passes, fal fails the request, and [`is_start_timeout`](crate::Error::is_start_timeout) is true for the
        /// error.
        pub fn start_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.outgoing.options.start_timeout(timeout);
            self
        }

        /// Prefers the runner that served earlier requests with the same hint, because it has their models loaded. Default:
        /// none.
        pub fn hint(mut self, hint: impl AsRef<str>) -> Self {
            self.outgoing.options.set("x-fal-runner-hint", hint.as_ref());
            self
        }
    };
}

/// The options of the calls that send an input to the queue.
macro_rules! queue_options {
    () => {
        /// Sets the priority in the queue. Default: [`Priority::Normal`](crate::Priority::Normal).
        pub fn priority(mut self, priority: crate::call::priority::Priority) -> Self {
            self.outgoing.options.set("x-fal-queue-priority", &priority.to_string());
            self
        }

        /// Stops fal from retrying the request when a runner fails. Default: `false`, which allows up to 10 attempts.
        pub fn no_retry(mut self, no_retry: bool) -> Self {
            self.outgoing.options.no_retry(no_retry);
            self
        }

        /// Makes fal reject the request with status 429 if more than `length` requests of all callers are waiting for the
        /// endpoint. Default: no limit.
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

        /// Registers a callback for every change of the queue position, the status or the logs.
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

        /// Cancels the request when a future completes, such as `tokio::signal::ctrl_c()`. Default: never.
        ///
        /// The call returns when the outcome of the cancellation is known, after 20 seconds at most:
        ///
        /// - An error with the request id. [`is_cancelled`](crate::Error::is_cancelled) is true, and
        ///   [`cancellation`](crate::Error::cancellation) is the outcome.
        /// - The result, if the request was already completed: it is billed anyway.
        ///
        /// A request whose submission has not been sent is not sent any more.
        ///
        /// After the first `ctrl_c()`, Ctrl-C no longer ends the program on its own, because tokio keeps its handler.
        pub fn cancel_when(mut self, signal: impl std::future::Future + Send + 'a) -> Self {
            self.follow.cancel_when = crate::call::cancel_signal::CancelSignal::new(signal);
            self
        }

        /// Cancels the request when the future is dropped before the request is completed. Default: `false`.
        ///
        /// A background task sends the cancellation, which needs a tokio runtime that keeps running. When a program ends, use
        /// [`cancel_when`](Self::cancel_when) instead.
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

pub(super) use {follow_options, queue_options, runner_options};
pub(crate) use {send_options, timeout_option};
