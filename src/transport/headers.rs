use http::header::{AUTHORIZATION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{Error, ErrorKind};

/// Parses a custom header, or returns the reason why it cannot be sent.
pub(crate) fn parse_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
        return Err(format!("{name:?} is not the name of a header"));
    };
    if name == AUTHORIZATION {
        return Err("the header Authorization is the client's; give the key to `Client::builder()`".to_owned());
    }
    if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
        return Err(format!("the header {name} follows from the body and cannot be set"));
    }
    match HeaderValue::from_str(value) {
        Ok(value) => Ok((name, value)),
        Err(_) => Err(format!("the value of the header {name} has a character that no header can have")),
    }
}

/// Parses the custom headers of a client. The last of several with the same name wins.
pub(crate) fn parse_headers(pairs: &[(String, String)]) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let (name, value) = parse_header(name, value).map_err(|reason| Error::new(ErrorKind::Configuration, reason))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// A string as the value of a header, which must be visible ASCII.
pub(crate) fn header_value(text: &str) -> Result<HeaderValue, Error> {
    let value = HeaderValue::from_str(text).ok().filter(|_| text.is_ascii());
    value.ok_or_else(|| Error::new(ErrorKind::InvalidInput, format!("{text:?} cannot be sent in a header")))
}
