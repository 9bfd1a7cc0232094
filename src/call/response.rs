use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::protocol::{Metrics, RawResponse};

/// What a model answered, and what is known of the run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Response<O> {
    /// The output.
    pub data: O,
    /// The request's id (`x-fal-request-id`). A direct run may not have one.
    pub request_id: Option<String>,
    /// How much was billed, in the endpoint's billing unit (`x-fal-billable-units`).
    pub billable_units: Option<f64>,
    /// What the queue measured, where the call followed the request.
    pub metrics: Metrics,
    /// Where the model ran, if the service says so (`x-fal-served-from`).
    pub served_from: Option<String>,
    /// The headers of the answer.
    pub headers: http::HeaderMap,
    /// The body as it came.
    pub body: Bytes,
}

impl<O: DeserializeOwned> Response<O> {
    /// Parses a model's answer. What does not fit its type is an error that keeps all of it.
    pub(crate) fn parse(response: RawResponse) -> Result<Self, Error> {
        // The fast way says nothing of the place of an error; only after one is it worth to look for it.
        match serde_json::from_slice(&response.body) {
            Ok(data) => {
                let request_id = response.request_id();
                let units = response.header("x-fal-billable-units").and_then(|units| units.parse::<f64>().ok());
                Ok(Response {
                    data,
                    request_id,
                    billable_units: units.filter(|units| units.is_finite()),
                    metrics: Metrics::default(),
                    served_from: response.header("x-fal-served-from").map(str::to_owned),
                    headers: response.headers,
                    body: response.body,
                })
            }
            Err(error) => Err(misfit::<O>(error, response)),
        }
    }
}

fn misfit<O: DeserializeOwned>(error: serde_json::Error, response: RawResponse) -> Error {
    let mut deserializer = serde_json::Deserializer::from_slice(&response.body);
    let path = serde_path_to_error::deserialize::<_, O>(&mut deserializer).err().map(|error| error.path().to_string());
    let path = path.filter(|path| path != ".").map(|path| format!(" at {path}")).unwrap_or_default();
    let message = format!("the output does not fit its type{path}: {error}; the error has the whole body");
    Error::unexpected(message, response).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};
    use serde_json::Value;

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
    fn billable_units_are_a_number_or_nothing() {
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
    fn what_does_not_fit_is_kept() {
        let error =
            Response::<Vec<Vec<u8>>>::parse(response(&[("x-fal-request-id", "r")], r#"[[1],[2,"x"]]"#)).expect_err("x");
        assert_eq!(error.body().map(|body| &body[..]), Some(&br#"[[1],[2,"x"]]"#[..]));
        assert_eq!(error.request_id(), Some("r"));
        assert!(error.to_string().contains("at [1][1]"), "{error}");
    }
}
