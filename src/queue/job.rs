use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::protocol::{EndpointId, RawResponse, RequestId, envelope, json};
use crate::text::shown;

/// Maximum bytes of a URL or another id that is kept from the response to a submission.
const MAX_KEPT: usize = 2048;

/// A submitted request, as plain data that can be saved and resumed in any process.
///
/// Requests about a job go to the queue host of the client that resumes it. Their URLs follow from the endpoint's id and the
/// request id. The job's URLs are for other programs: the client does not use them.
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

    /// Returns the job as one of an endpoint with another output.
    pub(crate) fn with_output<P>(self) -> Job<P> {
        Job {
            endpoint: self.endpoint,
            request_id: self.request_id,
            status_url: self.status_url,
            response_url: self.response_url,
            cancel_url: self.cancel_url,
            gateway_request_id: self.gateway_request_id,
            of: PhantomData,
        }
    }

    /// Parses the response to a submission.
    ///
    /// # Errors
    ///
    /// The response has no request id, or one that cannot be used.
    pub(crate) fn parse(endpoint: &EndpointId, response: RawResponse) -> Result<Self, Error> {
        let body: Value = json::from_slice(&response.body).unwrap_or_default();
        let string = |name: &str| body.get(name).and_then(Value::as_str);
        let kept = |name: &str| string(name).filter(|text| text.len() <= MAX_KEPT).map(str::to_owned);
        let in_body = string("request_id").map(str::trim).filter(|id| !id.is_empty()).map(RequestId::parse);
        if !matches!(in_body, Some(Ok(_))) && envelope::is_envelope(&response.body) {
            return Err(Error::service("fal", response).context("unexpected response to the submission"));
        }
        // The header has the id, too, if the body is garbled.
        let in_header = || RequestId::parse(&response.request_id()?).ok();
        let request_id = match in_body {
            Some(parsed) => parsed.or_else(|invalid| in_header().ok_or_else(|| invalid.to_string())),
            None => in_header().ok_or_else(|| "no request id".to_owned()),
        };
        match request_id {
            Ok(request_id) => {
                let mut job = Job::new(endpoint.as_str(), request_id.as_str());
                job.status_url = kept("status_url");
                job.response_url = kept("response_url");
                job.cancel_url = kept("cancel_url");
                job.gateway_request_id = kept("gateway_request_id");
                Ok(job)
            }
            Err(reason) => {
                let message =
                    format!("unexpected response to the submission: {reason}; see `Error::body` for the response");
                Err(Error::unexpected(message, response))
            }
        }
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
        write!(f, "Job({} of {})", shown(&self.request_id), shown(&self.endpoint))
    }
}

/// A reference to a submitted request: its id or its [`Job`].
///
/// Methods take `impl Into<RequestRef>`, which `&str`, `String` and `&Job` implement. A job of another endpoint is an error of
/// the call.
#[derive(Clone)]
pub struct RequestRef {
    pub(super) request_id: String,
    /// The endpoint of the job.
    endpoint: Option<String>,
}

impl RequestRef {
    /// Fails if the request is the job of another endpoint, because its result has another type.
    pub(crate) fn check(&self, endpoint: &str) -> Result<(), Error> {
        match &self.endpoint {
            Some(of) if of.trim_matches('/') != endpoint.trim_matches('/') => {
                let (of, endpoint) = (shown(of), shown(endpoint));
                let message = format!("the job belongs to the endpoint {of}, not to {endpoint}: use a handle of {of}");
                Err(Error::new(ErrorKind::EndpointId, message))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for RequestRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestRef({})", shown(&self.request_id))
    }
}

impl From<String> for RequestRef {
    fn from(request_id: String) -> Self {
        RequestRef { request_id, endpoint: None }
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
        RequestRef { request_id: job.request_id.clone(), endpoint: Some(job.endpoint.clone()) }
    }
}

impl<O> From<Job<O>> for RequestRef {
    fn from(job: Job<O>) -> Self {
        RequestRef { request_id: job.request_id, endpoint: Some(job.endpoint) }
    }
}
