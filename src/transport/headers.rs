use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{Error, ErrorKind};
use crate::text::{is_sensitive, learn};

/// The header with the upload policy for outputs.
pub(crate) const UPLOAD_POLICY: &str = "x-app-fal-upload-policy";

/// The header with the real URL of a request that is sent to a server proxy.
pub(crate) const TARGET_URL: &str = "x-fal-target-url";

/// Parses a custom header, or returns an error message.
pub(crate) fn parse_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
        return Err(format!("invalid header name {name:?}"));
    };
    if name == AUTHORIZATION {
        return Err("the header `Authorization` cannot be set: pass the key to `Client::builder().key()`".to_owned());
    }
    if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
        return Err(format!("the header `{name}` cannot be set: it follows from the body"));
    }
    if name == CONTENT_TYPE || name == CONTENT_ENCODING {
        // A model fails if it cannot parse its input, although the gateway has accepted the request.
        return Err(format!("the header `{name}` cannot be set: the body is always plain JSON; leave it out"));
    }
    if name == UPLOAD_POLICY {
        return Err(format!("the header `{name}` cannot be set: use `output_to` of the call, which checks the policy"));
    }
    if name == TARGET_URL {
        return Err(format!("the header `{name}` cannot be set: use `Client::builder().proxy_url()`"));
    }
    match HeaderValue::from_str(value) {
        Ok(mut parsed) => {
            if is_sensitive(name.as_str()) {
                parsed.set_sensitive(true);
                learn(value.trim());
            }
            Ok((name, parsed))
        }
        Err(_) => Err(format!("invalid value of the header `{name}`: control characters are not allowed")),
    }
}

/// Parses the custom headers of a client. The last value of a name wins.
pub(crate) fn parse_headers(pairs: &[(String, String)]) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let (name, value) = parse_header(name, value).map_err(|reason| Error::new(ErrorKind::Configuration, reason))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Converts a string of printable ASCII characters to a header value.
pub(crate) fn header_value(text: &str) -> Result<HeaderValue, Error> {
    let value = HeaderValue::from_str(text).ok().filter(|_| text.is_ascii());
    value.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidInput,
            format!("invalid header value {text:?}: only printable ASCII characters are allowed"),
        )
    })
}
