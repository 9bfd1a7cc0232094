use std::fmt;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::any_output::AnyOutput;
use crate::error::{Error, ErrorKind};
use crate::media::{self, Media, MediaFile};
#[cfg(feature = "money")]
use crate::money::{BILLABLE_UNITS, Cost, PriceTable};
use crate::protocol::{Metrics, RawResponse, envelope, json, path_of};
use crate::schema::report::Outermost;
use crate::text::{Redacted, shown};
use crate::transport::{Bucket, Context};

/// A model's output, with details of the run.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// let response = client.endpoint("fal-ai/flux/schnell").run(serde_json::json!({ "prompt": "a fox" })).await?;
/// println!("{} for {:?} units", response.data["images"][0]["url"], response.billable_units);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Response<O> {
    /// The output.
    pub data: O,
    /// The id of the endpoint. Empty if it is unknown, as in a webhook.
    pub endpoint: String,
    /// The request id (`x-fal-request-id`). A direct run may not have one.
    pub request_id: Option<String>,
    /// The billed amount, in the endpoint's billing unit (`x-fal-billable-units`).
    pub billable_units: Option<f64>,
    /// The queue's metrics. Empty unless the call followed the request.
    pub metrics: Metrics,
    /// The location where the model ran, if the service names it (`x-fal-served-from`).
    pub served_from: Option<String>,
    /// The headers of the response.
    pub headers: http::HeaderMap,
    /// The unmodified body of the response.
    pub body: Bytes,
    missing: Vec<String>,
    skipped: Vec<String>,
    ignored_output_to: bool,
}

/// Shows the length of the body only, because `data` has its contents.
impl<O: fmt::Debug> fmt::Debug for Response<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("data", &Redacted(&self.data))
            .field("endpoint", &shown(&self.endpoint))
            .field("request_id", &self.request_id.as_deref().map(shown))
            .field("billable_units", &self.billable_units)
            .field("metrics", &self.metrics)
            .field("served_from", &self.served_from.as_deref().map(shown))
            .field("headers", &Redacted(&self.headers))
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("missing", &Redacted(&self.missing))
            .field("skipped", &Redacted(&self.skipped))
            .finish()
    }
}

impl<O> Response<O> {
    /// Returns the paths of the required fields that are absent or null, such as `images[0].url`. They are empty in
    /// [`data`](Self::data). Only types with the attributes of this crate name their required fields.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Returns the paths of the values that do not fit their field, such as `seed` or `images[1]`. They are empty in
    /// [`data`](Self::data), or left out of it. [`body`](Self::body) has them.
    ///
    /// Null is among them only where it changes an array: a null object is left out, and a null integer or boolean empties
    /// the array.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// Returns true if the call had an [`output_to`](crate::Subscribe::output_to) and the endpoint ignored it: the output
    /// has files in fal's CDN, and none in the bucket. Known for `run` and `subscribe` only. For other calls, use
    /// [`S3Post::contains`](crate::S3Post::contains).
    pub fn ignored_output_to(&self) -> bool {
        self.ignored_output_to
    }

    /// Returns the cost of the request: its billed units (`x-fal-billable-units`) at the price of its endpoint.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// use fal_client::money::PriceTable;
    ///
    /// let prices = PriceTable::from_file("prices.json")?;
    /// let response = client.endpoint("fal-ai/flux/dev").run(serde_json::json!({ "prompt": "a fox" })).await?;
    /// println!("{}", response.cost(&prices)?); // such as $0.0250
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The units are read exactly from the header. [`billable_units`](Self::billable_units) applies only without the header, as in
    /// a response that a test has made.
    ///
    /// # Errors
    ///
    /// - The response has no billed units, for example because it is a webhook
    ///   ([`ErrorKind::UnknownUnits`](crate::ErrorKind::UnknownUnits)).
    /// - The table has no price for the endpoint ([`ErrorKind::UnknownPrice`](crate::ErrorKind::UnknownPrice)).
    /// - The cost is out of range ([`ErrorKind::Amount`](crate::ErrorKind::Amount)).
    #[cfg(feature = "money")]
    pub fn cost(&self, prices: &PriceTable) -> Result<Cost, Error> {
        let cost = || {
            if self.endpoint.is_empty() {
                let message = "the response does not name its endpoint: use `PriceTable::cost` with the endpoint";
                return Err(Error::new(ErrorKind::UnknownPrice, message));
            }
            match self.billable_units {
                Some(units) if !self.headers.contains_key(BILLABLE_UNITS) => prices.cost(&self.endpoint, units),
                _ => prices.billed(&self.endpoint, &self.headers),
            }
        };
        cost().map_err(|error| {
            let error = if self.endpoint.is_empty() { error } else { error.with_endpoint(&self.endpoint) };
            match &self.request_id {
                Some(request_id) => error.with_request_id(request_id),
                None => error,
            }
        })
    }

    /// Finds out whether the endpoint has honoured `output_to`.
    pub(super) fn look_for_files_in(&mut self, bucket: &Bucket, context: &Context, endpoint: &str) {
        let (mut in_bucket, mut in_cdn) = (false, false);
        let mut values: Vec<Value> = json::from_slice(&self.body).into_iter().collect();
        while let Some(value) = values.pop() {
            match value {
                Value::String(url) if bucket.contains(&url) => in_bucket = true,
                Value::String(url) => {
                    in_cdn |= Url::parse(&url).is_ok_and(|url| context.hosts.is_storage(&url));
                }
                Value::Array(items) => values.extend(items),
                Value::Object(fields) => values.extend(fields.into_iter().map(|(_, value)| value)),
                _ => {}
            }
        }
        self.ignored_output_to = in_cdn && !in_bucket;
        if self.ignored_output_to {
            tracing::warn!(endpoint = shown(endpoint), "the endpoint ignored `output_to`");
        }
    }
}

impl<O: Media> Response<O> {
    /// Returns every file of the output, with its path, its kind and its safety flag. [`Media::media`] says what a file is.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// let response = client.endpoint("fal-ai/flux/dev").subscribe(serde_json::json!({ "prompt": "a fox" })).await?;
    /// for file in response.media() {
    ///     println!("{}: {:?} at {}, flagged: {:?}", file.path, file.kind, file.url, file.flagged);
    /// }
    /// client.download_all(response.media(), "foxes").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Paths are those of [`data`](Self::data). Safety flags are paired by the positions in the response, before values were
    /// [`skipped`](Self::skipped).
    pub fn media(&self) -> Vec<MediaFile> {
        media::files(&self.data, &self.skipped)
    }
}

impl<O: DeserializeOwned + 'static> Response<O> {
    /// Reads a response body that was saved, as the client reads one from fal: outputs that do not fit their type exactly are
    /// tolerated, with their [`missing`](Self::missing) and [`skipped`](Self::skipped) values.
    ///
    /// The fields for the details of the run are empty, and are public.
    ///
    /// ```
    /// use fal_client::Response;
    /// use fal_client::endpoints::fal_ai::flux::dev::redux;
    ///
    /// # fn main() -> Result<(), fal_client::Error> {
    /// let saved = r#"{ "images": [{ "url": "https://example.com/fox.png" }], "seed": 7 }"#;
    /// let response = Response::<redux::Output>::from_body(saved)?;
    /// assert_eq!(response.media().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The body is not an output of the type, for example because it is an error of fal.
    pub fn from_body(body: impl Into<Bytes>) -> Result<Self, Error> {
        Response::parse(RawResponse {
            status: http::StatusCode::OK,
            headers: http::HeaderMap::new(),
            body: body.into(),
        })
    }

    /// Parses a model's response. The error for a response that is not an output, or does not match its type, keeps the
    /// whole response.
    pub(crate) fn parse(response: RawResponse) -> Result<Self, Error> {
        let mut output = None;
        Response::parse_into(response, &mut output)?.with_output(output)
    }
}

/// A response without its output, which is read into a place for it.
impl Response<()> {
    /// Parses a model's response, as [`parse`](Self::parse) does, and its output into the place for it.
    pub(super) fn parse_into(response: RawResponse, output: &mut dyn AnyOutput) -> Result<Self, Error> {
        let report = match json::parse_with(&response.body, |json| output.read(json)) {
            Ok(report) => report,
            Err(_) if envelope::is_envelope(&response.body) => return Err(envelope_error(response)),
            Err((error, json)) => {
                let path = path_of(&error, &json);
                return Err(mismatch(error, path, response));
            }
        };
        if !has_output(report.outermost, &response) {
            return Err(match envelope::is_envelope(&response.body) || envelope::has_error(&response.body) {
                true => envelope_error(response),
                false => nothing_required(report.outermost, response),
            });
        }
        let units = response.header("x-fal-billable-units").and_then(|units| units.parse::<f64>().ok());
        Ok(Response {
            data: (),
            endpoint: String::new(),
            request_id: response.request_id(),
            billable_units: units.filter(|units| units.is_finite()),
            metrics: Metrics::default(),
            served_from: response.header("x-fal-served-from").map(str::to_owned),
            headers: response.headers,
            body: response.body,
            missing: report.missing,
            skipped: report.skipped,
            ignored_output_to: false,
        })
    }

    /// Adds the output that was read into its place.
    pub(crate) fn with_output<O>(self, output: Option<O>) -> Result<Response<O>, Error> {
        Ok(Response {
            data: output.ok_or_else(|| Error::new(ErrorKind::UnexpectedResponse, "the output was not read"))?,
            endpoint: self.endpoint,
            request_id: self.request_id,
            billable_units: self.billable_units,
            metrics: self.metrics,
            served_from: self.served_from,
            headers: self.headers,
            body: self.body,
            missing: self.missing,
            skipped: self.skipped,
            ignored_output_to: self.ignored_output_to,
        })
    }
}

/// For tests. Needs the cargo feature `test-util`.
#[cfg(feature = "test-util")]
impl<O: serde::Serialize> Response<O> {
    /// Creates the response with an output. Its other fields are empty, and are public. The body is the output as JSON.
    ///
    /// ```
    /// use fal_client::Response;
    /// use serde_json::json;
    ///
    /// let mut response = Response::new(json!({ "images": [] }));
    /// response.request_id = Some("R1".to_owned());
    /// assert_eq!(response.body, r#"{"images":[]}"#);
    /// ```
    pub fn new(data: O) -> Self {
        let body = serde_json::to_vec(&data).unwrap_or_default().into();
        Response {
            data,
            endpoint: String::new(),
            request_id: None,
            billable_units: None,
            metrics: Metrics::default(),
            served_from: None,
            headers: http::HeaderMap::new(),
            body,
            missing: Vec::new(),
            skipped: Vec::new(),
            ignored_output_to: false,
        }
    }

    /// Sets the paths that [`missing`](Self::missing) returns.
    pub fn with_missing(mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.missing = paths.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the paths that [`skipped`](Self::skipped) returns.
    pub fn with_skipped(mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.skipped = paths.into_iter().map(Into::into).collect();
        self
    }
}

/// For tests. Needs the cargo feature `test-util`.
#[cfg(feature = "test-util")]
impl<O: Media> Response<O> {
    /// Creates the response with an output whose fields are all empty, to be filled in.
    ///
    /// ```
    /// use fal_client::endpoints::fal_ai::flux::dev::redux;
    /// use fal_client::{Image, Response};
    ///
    /// let mut response = Response::<redux::Output>::blank();
    /// response.data.images.push(Image::new("https://example.com/fox.png"));
    /// response.data.seed = Some(7);
    /// assert_eq!(response.media().len(), 1);
    /// ```
    pub fn blank() -> Self {
        Response::new(crate::schema::private::blank())
    }
}

/// For tests. Needs the cargo feature `test-util`.
#[cfg(feature = "test-util")]
impl<O: DeserializeOwned + 'static> Response<O> {
    /// Reads JSON as the client reads a response of fal.
    ///
    /// ```
    /// use fal_client::Response;
    /// use fal_client::endpoints::fal_ai::flux::dev::redux;
    ///
    /// # fn main() -> Result<(), fal_client::Error> {
    /// let body = serde_json::json!({ "images": [{ "url": "https://example.com/fox.png" }] });
    /// let response = Response::<redux::Output>::from_json(&body)?;
    /// assert!(response.missing().contains(&"seed".to_owned()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The JSON is not an output of the type, for example because it is an error of fal.
    pub fn from_json(body: &serde_json::Value) -> Result<Self, Error> {
        Response::from_body(body.to_string())
    }
}

/// Returns true if a response has an output, and is not merely JSON with a status of success.
fn has_output(outermost: Option<Outermost>, response: &RawResponse) -> bool {
    match outermost {
        Some(outermost) if outermost.required().next().is_some() => outermost.required_read > 0,
        // Nothing is required, so that an empty object is an output.
        Some(outermost) => {
            outermost.read > 0 || !envelope::has_error(&response.body) && !envelope::is_envelope(&response.body)
        }
        None => !envelope::is_envelope(&response.body),
    }
}

/// Creates the error of an error response with a status of success.
fn envelope_error(response: RawResponse) -> Error {
    Error::service("the service", response).context("the response is not an output")
}

/// Creates the error of a response with none of the fields that an output must have.
fn nothing_required(outermost: Option<Outermost>, response: RawResponse) -> Error {
    let names: Vec<String> = outermost.iter().flat_map(Outermost::required).map(|name| format!("`{name}`")).collect();
    let names = names.join(", ");
    let message = format!(
        "the response has none of the output's required fields {names}; see `Error::body` for the whole response"
    );
    Error::unexpected(message, response)
}

fn mismatch(error: serde_json::Error, path: Option<String>, response: RawResponse) -> Error {
    let path = path.map(|path| format!(" at {path}")).unwrap_or_default();
    let message = format!("the output does not match its type{path}: {error}; see `Error::body` for the whole output");
    Error::unexpected(message, response).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};

    fn response(headers: &[(&'static str, &str)], body: &'static str) -> RawResponse {
        let headers = headers.iter().filter_map(|(name, value)| {
            Some((http::HeaderName::from_static(name), http::HeaderValue::from_str(value).ok()?))
        });
        RawResponse {
            status: StatusCode::OK,
            headers: HeaderMap::from_iter(headers),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn billable_units_must_be_finite() {
        for (text, units) in [
            ("42", Some(42.0)),
            ("0", Some(0.0)),
            ("3.25000000", Some(3.25)),
            ("0.00001230", Some(0.0000123)),
            ("12300000000.00000000", Some(1.23e10)),
            ("", None),
            ("many", None),
            ("inf", None),
        ] {
            let response =
                Response::<Value>::parse(response(&[("x-fal-billable-units", text)], "{}")).expect("an object");
            assert_eq!(response.billable_units, units, "{text}");
        }
    }

    #[test]
    fn mismatch_error_keeps_body_and_request_id() {
        let error =
            Response::<Vec<Vec<u8>>>::parse(response(&[("x-fal-request-id", "r")], r#"[[1],[2,"x"]]"#)).expect_err("x");
        assert_eq!(error.body().map(|body| &body[..]), Some(&br#"[[1],[2,"x"]]"#[..]));
        assert_eq!(error.request_id(), Some("r"));
        assert!(error.to_string().contains("at [1][1]"), "{error}");
    }
}
