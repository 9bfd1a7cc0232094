use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::call::{
    Cancel, FetchResult, JobHandle, Outgoing, Run, Status, StatusStream, Submit, Subscribe, Wait, check_input,
};
use crate::client::Client;
use crate::error::Error;
use crate::queue::{Job, RequestRef, Target};
#[cfg(feature = "realtime")]
use crate::realtime::{ConnectRealtime, ConnectRuns};
use crate::schema::EndpointInput;
use crate::stream::OutputStream;

/// Calls an endpoint. Created by [`Client::endpoint`], or by the methods of [`Endpoints`](crate::endpoints::Endpoints).
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use fal_client::endpoints::Endpoints;
/// use fal_client::endpoints::fal_ai::flux::dev::redux;
///
/// let redux = client.fal_ai().flux().dev().redux();
/// let response = redux.subscribe(redux::Input::builder().image_url("https://example.com/fox.png")).await?;
/// for image in &response.data.images {
///     println!("{}", image.url);
/// }
/// # Ok(())
/// # }
/// ```
///
/// A method returns a builder for the options of a call, which is sent when it is awaited. The handle owns a clone of the
/// client, so calls can be spawned.
pub struct Handle<I, O> {
    client: Client,
    id: Cow<'static, str>,
    of: PhantomData<fn(I) -> O>,
}

impl<I, O> Handle<I, O> {
    pub(crate) fn new(client: Client, id: Cow<'static, str>) -> Self {
        Handle { client, id, of: PhantomData }
    }

    /// Returns the endpoint's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the client that calls the endpoint.
    pub fn client(&self) -> &Client {
        &self.client
    }

    fn target(&self, request: impl Into<RequestRef>) -> Target {
        Target::new(self.client.context().clone(), self.id.clone(), request)
    }
}

impl<I: EndpointInput, O: DeserializeOwned + Send + 'static> Handle<I, O> {
    fn outgoing(&self, input: impl Into<I>) -> Outgoing {
        Outgoing::new(self.client.clone(), self.id.clone(), input.into())
    }

    /// Checks an input as a call does before it sends anything: against the schema, and local files against their limits. Reports
    /// all violations together.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// use fal_client::endpoints::Endpoints;
    /// use fal_client::endpoints::fal_ai::flux::dev::redux;
    ///
    /// let input = redux::Input::builder().image_url("https://example.com/fox.png").num_images(99).into();
    /// let invalid = client.fal_ai().flux().dev().redux().check(&input).await.is_err();
    /// # let _ = invalid;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The input is invalid ([`is_invalid_input`](Error::is_invalid_input)), or a local file that has limits cannot be read.
    pub async fn check(&self, input: &I) -> Result<(), Error> {
        check_input(input).await
    }

    /// Runs the model directly, without the queue. This is the fastest way for models that respond within seconds.
    ///
    /// fal does not retry a direct run, and rejects it if the account has reached its limit of concurrent requests.
    pub fn run(&self, input: impl Into<I>) -> Run<I, O> {
        Run::new(self.outgoing(input))
    }

    /// Runs the model directly, and streams its outputs as it makes them. Not every model can.
    ///
    /// Images, for example, arrive in better and better versions, and the texts of language models grow word by word.
    pub fn stream(&self, input: impl Into<I>) -> OutputStream<I, O> {
        OutputStream::new(self.outgoing(input))
    }

    /// Submits a request to the queue, follows it until it is completed, and fetches its result.
    pub fn subscribe<'a>(&self, input: impl Into<I>) -> Subscribe<'a, I, O> {
        Subscribe::new(self.outgoing(input))
    }

    /// Submits a request to the queue and returns its [`Job`].
    pub fn submit(&self, input: impl Into<I>) -> Submit<I, O> {
        Submit::new(self.outgoing(input))
    }

    /// Opens a realtime connection, on which inputs and results follow each other without a request for each.
    #[cfg(feature = "realtime")]
    pub fn realtime(&self) -> ConnectRealtime<I, O> {
        ConnectRealtime::new(self.client.clone(), self.id.clone())
    }

    /// Opens a WebSocket connection for direct runs one after another, instead of a request for each.
    #[cfg(feature = "realtime")]
    pub fn run_connection(&self) -> ConnectRuns<I, O> {
        ConnectRuns::new(self.client.clone(), self.id.clone())
    }

    /// Returns the status of a request.
    pub fn status(&self, request: impl Into<RequestRef>) -> Status {
        Status::new(self.target(request))
    }

    /// Streams the updates of a request until it is completed.
    pub fn status_stream(&self, request: impl Into<RequestRef>) -> StatusStream {
        StatusStream::new(self.target(request))
    }

    /// Follows a submitted request until it is completed and fetches its result.
    pub fn wait<'a>(&self, request: impl Into<RequestRef>) -> Wait<'a, O> {
        Wait::new(self.target(request))
    }

    /// Fetches the result of a completed request. Fails if the request is not completed yet.
    pub fn result(&self, request: impl Into<RequestRef>) -> FetchResult<O> {
        FetchResult::new(self.target(request))
    }

    /// Cancels a request.
    pub fn cancel(&self, request: impl Into<RequestRef>) -> Cancel {
        Cancel::new(self.target(request))
    }

    /// Returns the handle of a job of this endpoint. Unlike [`Client::resume`], it checks that the job belongs to the endpoint,
    /// so that its result is not read as the output of another one.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client, saved: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_client::endpoints::Endpoints;
    ///
    /// let job = serde_json::from_str(saved)?;
    /// let response = client.fal_ai().flux().dev().redux().resume(job)?.wait().await?;
    /// println!("{} images", response.data.images.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The job belongs to another endpoint ([`ErrorKind::EndpointId`](crate::ErrorKind::EndpointId)). Nothing was sent.
    pub fn resume(&self, job: Job<O>) -> Result<JobHandle<O>, Error> {
        RequestRef::from(&job).check(&self.id)?;
        Ok(self.client.resume(job))
    }

    /// Creates a [`Job`] of this endpoint from a request id.
    pub fn job(&self, request_id: impl Into<String>) -> Job<O> {
        Job::new(self.id.clone(), request_id)
    }
}

impl<I, O> Clone for Handle<I, O> {
    fn clone(&self) -> Self {
        Handle { client: self.client.clone(), id: self.id.clone(), of: PhantomData }
    }
}

impl<I, O> fmt::Debug for Handle<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.id)
    }
}
