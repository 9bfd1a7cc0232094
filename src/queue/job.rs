use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::protocol::{EndpointId, RawResponse};

/// A submitted request, as plain data that can be saved and resumed in any process.
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
    /// The id of the endpoint.
    pub endpoint: String,
    /// The request id.
    pub request_id: String,
    /// The URL of the status, if fal returned one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_url: Option<String>,
    /// The URL of the result, if fal returned one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_url: Option<String>,
    /// The URL that cancels the request, if fal returned one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_url: Option<String>,
    /// The id of the platform's latest attempt, if fal returned one. It differs from the request id if fal has retried the
    /// request itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_request_id: Option<String>,
    #[serde(skip)]
    of: PhantomData<fn() -> O>,
}

impl<O> Job<O> {
    /// Creates a job from a request id. Its URLs are derived from the endpoint's id.
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

    /// Parses the response to a submission. `None` without a request id.
    pub(crate) fn parse(endpoint: &EndpointId, response: &RawResponse) -> Option<Self> {
        let body: Value = serde_json::from_slice(&response.body).ok()?;
        let string = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let mut job = Job::new(endpoint.as_str(), string("request_id").filter(|id| !id.is_empty())?);
        job.status_url = string("status_url");
        job.response_url = string("response_url");
        job.cancel_url = string("cancel_url");
        job.gateway_request_id = string("gateway_request_id");
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

/// A reference to a submitted request: its id or its [`Job`].
///
/// Methods take `impl Into<RequestRef>`, which `&str`, `String` and `&Job` implement.
#[derive(Clone, Debug)]
pub struct RequestRef {
    pub(super) request_id: String,
    pub(super) status_url: Option<String>,
    pub(super) response_url: Option<String>,
    pub(super) cancel_url: Option<String>,
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
