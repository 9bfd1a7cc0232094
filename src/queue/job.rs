use std::fmt;
use std::marker::PhantomData;

use http::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::call::{Cancel, Fetch, Status, StatusStream, Wait};
use crate::client::join;
use crate::endpoint::EndpointId;
use crate::error::Answer;
use crate::queue::QueueUpdate;
use crate::transport::{Operation, Request};
use crate::{Client, Error, ErrorKind};

/// A request that the queue has taken: plain data that can be saved and resumed anywhere.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let job = client.endpoint("fal-ai/flux/dev").submit(serde_json::json!({ "prompt": "a fox" })).await?;
/// let saved = serde_json::to_string(&job)?;
///
/// // Later, in another process:
/// let job: fal_client::Job<serde_json::Value> = serde_json::from_str(&saved)?;
/// let response = client.resume(job).wait().await?;
/// # let _ = response;
/// # Ok(())
/// # }
/// ```
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
#[non_exhaustive]
pub struct Job<O> {
    /// The id of the endpoint that it was submitted to.
    pub endpoint: String,
    /// The request's id.
    pub request_id: String,
    /// Where its status is, as fal said; `None` where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_url: Option<String>,
    /// Where its result is, as fal said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_url: Option<String>,
    /// Where it is cancelled, as fal said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_url: Option<String>,
    /// The id of the platform's latest attempt, where fal gave one: it differs from the request's when fal has repeated
    /// the request itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_request_id: Option<String>,
    #[serde(skip)]
    of: PhantomData<fn() -> O>,
}

impl<O> Job<O> {
    /// A request of which only the id was kept. Its URLs follow from the endpoint's id.
    pub fn new(endpoint: impl Into<String>, request_id: impl Into<String>) -> Self {
        Job {
            endpoint: endpoint.into(),
            request_id: request_id.into(),
            status_url: None,
            response_url: None,
            cancel_url: None,
            gateway_request_id: None,
            of: PhantomData,
        }
    }

    /// Reads the answer to a submission.
    pub(crate) fn read(endpoint: &EndpointId, answer: &Answer) -> Option<Self> {
        let body: Value = serde_json::from_slice(&answer.body).ok()?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let mut job = Job::new(endpoint.as_str(), text("request_id").filter(|id| !id.is_empty())?);
        job.status_url = text("status_url");
        job.response_url = text("response_url");
        job.cancel_url = text("cancel_url");
        job.gateway_request_id = text("gateway_request_id");
        Some(job)
    }
}

impl<O> Clone for Job<O> {
    fn clone(&self) -> Self {
        Job {
            endpoint: self.endpoint.clone(),
            request_id: self.request_id.clone(),
            status_url: self.status_url.clone(),
            response_url: self.response_url.clone(),
            cancel_url: self.cancel_url.clone(),
            gateway_request_id: self.gateway_request_id.clone(),
            of: PhantomData,
        }
    }
}

impl<O> PartialEq for Job<O> {
    fn eq(&self, other: &Self) -> bool {
        self.endpoint == other.endpoint
            && self.request_id == other.request_id
            && self.status_url == other.status_url
            && self.response_url == other.response_url
            && self.cancel_url == other.cancel_url
            && self.gateway_request_id == other.gateway_request_id
    }
}

impl<O> fmt::Debug for Job<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job({} of {})", self.request_id, self.endpoint)
    }
}

/// A request of the queue, by its id or by its [`Job`].
///
/// Made by `Into`: the methods that ask for one take `&str`, `String` and `&Job`.
#[derive(Clone, Debug)]
pub struct RequestRef {
    request_id: String,
    status_url: Option<String>,
    response_url: Option<String>,
    cancel_url: Option<String>,
}

impl From<String> for RequestRef {
    fn from(request_id: String) -> Self {
        RequestRef { request_id, status_url: None, response_url: None, cancel_url: None }
    }
}

impl From<&String> for RequestRef {
    fn from(request_id: &String) -> Self {
        request_id.clone().into()
    }
}

impl From<&str> for RequestRef {
    fn from(request_id: &str) -> Self {
        request_id.to_owned().into()
    }
}

impl<O> From<&Job<O>> for RequestRef {
    fn from(job: &Job<O>) -> Self {
        job.clone().into()
    }
}

impl<O> From<Job<O>> for RequestRef {
    fn from(job: Job<O>) -> Self {
        RequestRef {
            request_id: job.request_id,
            status_url: job.status_url,
            response_url: job.response_url,
            cancel_url: job.cancel_url,
        }
    }
}

/// A request of the queue together with the client and the endpoint that it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) client: Client,
    pub(crate) endpoint: String,
    request: RequestRef,
}

impl Target {
    pub(crate) fn new(client: Client, endpoint: impl Into<String>, request: impl Into<RequestRef>) -> Self {
        Target { client, endpoint: endpoint.into(), request: request.into() }
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.request.request_id
    }

    pub(crate) fn status(&self, logs: bool) -> Result<Request, Error> {
        let mut url = self.url(self.request.status_url.as_deref(), "/status")?;
        url.query_pairs_mut().append_pair("logs", if logs { "1" } else { "0" });
        Ok(Request::new(Operation::Status, Method::GET, url))
    }

    pub(crate) fn status_stream(&self, logs: bool) -> Result<Request, Error> {
        let mut url = self.url(self.request.status_url.as_deref(), "/status")?;
        url = join(&url, "stream");
        url.query_pairs_mut().append_pair("logs", if logs { "1" } else { "0" });
        Ok(Request::new(Operation::StatusStream, Method::GET, url))
    }

    pub(crate) fn result(&self) -> Result<Request, Error> {
        let url = self.url(self.request.response_url.as_deref(), "")?;
        Ok(Request::new(Operation::Result, Method::GET, url))
    }

    pub(crate) fn cancel(&self) -> Result<Request, Error> {
        let url = self.url(self.request.cancel_url.as_deref(), "/cancel")?;
        Ok(Request::new(Operation::Cancel, Method::PUT, url))
    }

    /// The error with all that is known of the request.
    pub(crate) fn explain(&self, error: Error) -> Error {
        error.at(&self.endpoint).of_request(self.request_id())
    }

    /// The URL that fal gave, else the one that follows from the ids.
    fn url(&self, given: Option<&str>, ending: &str) -> Result<Url, Error> {
        if let Some(given) = given {
            return Url::parse(given).map_err(|error| {
                let message = format!("fal gave {given:?} as a URL of the request, which it is not");
                Error::new(ErrorKind::UnexpectedResponse, message).caused_by(error)
            });
        }
        let id = EndpointId::parse(&self.endpoint)?;
        let request_id = self.request_id();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        if request_id.is_empty() || matches!(request_id, "." | "..") || !request_id.bytes().all(plain) {
            let message = format!("{request_id:?} is not the id of a request");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let path = format!("{}/requests/{request_id}{ending}", id.app());
        Ok(join(&self.client.shared().hosts.queue, &path))
    }
}

/// What a completed request's failure adds to the error that its result call gave.
pub(crate) fn completed_error(update: &QueueUpdate, error: Error) -> Error {
    match update {
        QueueUpdate::Completed { failure: Some(failure), .. } => error.failed_with(failure),
        _ => error,
    }
}

/// A job together with a client that asks after it.
///
/// ```no_run
/// # async fn example(client: fal_client::Client, job: fal_client::Job<serde_json::Value>) -> Result<(), fal_client::Error> {
/// let job = client.resume(job);
/// if job.status().await?.is_completed() {
///     println!("{}", job.result().await?.data);
/// }
/// # Ok(())
/// # }
/// ```
pub struct JobHandle<O> {
    job: Job<O>,
    target: Target,
}

impl<O> JobHandle<O> {
    pub(crate) fn new(client: Client, job: Job<O>) -> Self {
        let target = Target::new(client, job.endpoint.clone(), &job);
        JobHandle { job, target }
    }

    /// The job itself.
    pub fn job(&self) -> &Job<O> {
        &self.job
    }

    /// Asks where it stands.
    pub fn status(&self) -> Status {
        Status::new(self.target.clone())
    }

    /// Follows it: a stream of its updates that ends when it is completed.
    pub fn status_stream(&self) -> StatusStream {
        StatusStream::new(self.target.clone())
    }

    /// Asks fal to cancel it.
    pub fn cancel(&self) -> Cancel {
        Cancel::new(self.target.clone())
    }
}

impl<O: DeserializeOwned + Send + 'static> JobHandle<O> {
    /// Waits until it is completed, and fetches its result.
    pub fn wait<'a>(&self) -> Wait<'a, O> {
        Wait::new(self.target.clone())
    }

    /// Fetches its result, which is an error while it is not completed.
    pub fn result(&self) -> Fetch<O> {
        Fetch::new(self.target.clone())
    }
}

impl<O> Clone for JobHandle<O> {
    fn clone(&self) -> Self {
        JobHandle { job: self.job.clone(), target: self.target.clone() }
    }
}

impl<O> fmt::Debug for JobHandle<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobHandle({:?})", self.job)
    }
}
